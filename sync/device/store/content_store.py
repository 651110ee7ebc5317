"""The device's content on disk: the active release (`state/active`), what is trusted, and verified files in `store/`.

`state/active` alone decides what plays. It needs no database and can be read on a read-only disk. The name of a file in
`store/` is the SHA-256 of its content, so no text of a server becomes a path. A file gets its name only after it was
verified and is durable. So each release in `store/` may play: when `state/active` is lost, they tell what can.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sync.device.store.active_pointer import ActivePointer, Floors, find_pointer, raised
from sync.device.store.media_files import MediaFiles, hash_names
from sync.device.store.release_files import ReleaseFiles, read_verified
from sync.errors import CorruptContent, Distrust, StorageBroken, StorageFull, Untrusted
from sync.runtime.clock import Clock, ClockTrust
from sync.runtime.durable_files import (
    TEMP_SUFFIX,
    free_bytes,
    locked,
    make_folder,
    set_aside,
    storage_errors,
    write_unflushed,
)
from sync.runtime.file_with_copy import COPIES, FileWithCopy
from sync.runtime.os_messages import os_reason
from sync.trust.acceptance import Known
from sync.trust.signing import open_envelope, pin_root
from sync.wire.chunk_index import Index, load_index
from sync.wire.release import INDEX_CAP_BYTES, ROOT_CAP_BYTES, Release, Root, Timestamp

PAIR_AGAIN = "stop the player, delete state/membership.json in its state folder, start it, and pair this device again"
BALLAST_BYTES = 8 * 1024 * 1024
SMALL_CAP_BYTES = 64 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ActiveRelease:
    """The release that plays. `sequence` is 0 if the active one is damaged and the previous one plays instead."""

    release: Release
    sha256: str
    sequence: int


class ContentStore:
    """The files under one `state_dir`; made by `open_content_store`, which locks the folder."""

    def __init__(self, state_dir: Path) -> None:
        self.state = state_dir / "state"
        self.store = state_dir / "store"
        self.catalog_path = self.state / "index.db"
        self.media = MediaFiles(self.store)
        self.releases = ReleaseFiles(self.store)
        self.index_folder = self.store / "index"
        self._ballast = self.state / "ballast"
        self.active_file = FileWithCopy(self.state / "active", ActivePointer.model_validate_json, SMALL_CAP_BYTES)
        self.floor_file = FileWithCopy(self.state / "floor", Floors.model_validate_json, SMALL_CAP_BYTES)
        self.root_file = FileWithCopy(self.state / "root.json", _parse_root, ROOT_CAP_BYTES)

    def prepare(self) -> None:
        """Create the folders and delete files that a crash left incomplete.

        Raises:
            StorageBroken: the disk is read-only or damaged; reading still works.
        """
        self.make_folders()
        with storage_errors(self.store):
            for folder in (*self.folders(), self.state / COPIES):
                for left_over in folder.glob(f".*{TEMP_SUFFIX}"):
                    if not left_over.is_dir():
                        left_over.unlink()
            self.media.delete_links()

    def make_folders(self) -> None:
        """Create the folders that are missing; what has the name of one and is none is renamed.

        Raises:
            StorageBroken: the disk is read-only or damaged.
        """
        for folder in (self.store, *self.folders()):
            with storage_errors(folder):
                if not folder.is_dir():
                    set_aside(folder)
            make_folder(folder)

    def folders(self) -> tuple[Path, ...]:
        """Return all folders of the store."""
        return (self.state, self.index_folder, *self.releases.folders(), *self.media.folders())

    def repair(self) -> bool:
        """Make the files good again that are damaged or lost, as far as their copies and the releases allow it.

        Return True if another release plays from now on.

        Raises:
            StorageFull, StorageBroken: one cannot be written; reading goes on from what is good.
        """
        with ExitStack() as others:  # what cannot be repaired does not stop the others
            others.callback(self.root_file.repair)
            others.callback(self.floor_file.repair)
            self.active_file.repair()
            if self.pointer() is not None or (pointer := self._find_pointer()) is None:
                return False
            why = self.active_file.find().fault or "no state/active says what plays, and all of this release is here"
            self.active_file.save(pointer.model_dump_json().encode())
            log.warning("release=%s plays from now on: %s", pointer.release, why)
            return True

    # The active release

    def pointer(self) -> ActivePointer | None:
        """Return the content of `state/active` or of its copy, None if there is none or both are damaged."""
        return self.active_file.find().value

    def active(self) -> ActiveRelease | None:
        """Return the release that plays; needs no database and writes nothing.

        If the document of the active release is damaged, the previous one plays: its assets are still on the device.
        If that is damaged too, or `state/active` is lost, another stored release plays.
        """
        pointer = self.pointer()
        named = ((pointer.release, pointer.sequence), (pointer.previous, 0)) if pointer else ()
        for name, sequence in named:
            if name is not None and (release := self.release(name)) is not None:
                return ActiveRelease(release, name, sequence)
        found = self._find_pointer()
        release = self.release(found.release) if found else None
        return ActiveRelease(release, found.release, 0) if found and release else None

    def activate(self, sha256: str, sequence: int) -> None:
        """Make a release the active one; all its assets must be on the device.

        Raises:
            StorageFull, StorageBroken: nothing changed.
        """
        before = self.pointer()
        previous = None
        if before is not None:
            previous = before.previous if before.release == sha256 else before.release
        pointer = ActivePointer(release=sha256, sequence=sequence, previous=previous)
        self.active_file.save(pointer.model_dump_json().encode())

    def drop_previous(self) -> None:
        """Forget the previous release, so that its content can be evicted.

        Raises:
            StorageFull, StorageBroken: nothing changed.
        """
        if (pointer := self.pointer()) is not None:
            without = pointer.model_copy(update={"previous": None})
            self.active_file.save(without.model_dump_json().encode())

    def _find_pointer(self) -> ActivePointer | None:
        """Return what `state/active` would say, from the stored releases."""
        try:
            names = self.releases.names()
        except OSError:
            return None
        releases = {name: release for name in names if (release := self.release(name)) is not None}
        was = self.active_file.find()
        lost = was.value is not None or bool(was.fault)  # without it nothing may have been complete yet
        return find_pointer(releases, self._floors(), self.media.assets(), incomplete_too=lost)

    # Root and floor

    def root(self) -> Root | None:
        """Return the pinned root, None before pairing.

        Raises:
            Untrusted: the file exists and is not a valid root, nor is its copy.
        """
        found = self.root_file.find()
        if found.value is None and found.fault:
            raise Untrusted(f"{found.fault}, so no new content is accepted: {PAIR_AGAIN}", Distrust.NO_ROOT)
        return found.value

    def save_root(self, envelope: bytes) -> None:
        """Pin a root envelope, with its exact bytes."""
        self.root_file.save(envelope)

    def known(self, channel: str, root: Root, clock: Clock) -> Known:
        """Return what a timestamp of a channel is judged by."""
        floors, minimum = self._floors(), 0
        if floors is None:  # it is lost: no rollback behind what is active
            active = self.active()
            minimum = active.sequence if active is not None and active.release.channel == channel else 0
        return Known(
            now=clock.now(),
            synchronised=clock.trust() is ClockTrust.SYNCED,
            floor=floors.counted(root).get(channel) if floors else None,
            minimum_sequence=minimum,
            earliest=floors.earliest if floors else None,
        )

    def floor(self, channel: str) -> Timestamp | None:
        """Return the newest accepted timestamp of a channel, whoever signed it."""
        floors = self._floors()
        return None if floors is None else floors.channels.get(channel)

    def pending(self) -> str | None:
        """Return the release that was accepted last, whether it is active or still incomplete."""
        floors = self._floors()
        newest = floors.channels.get(floors.current) if floors is not None and floors.current else None
        return newest.release if newest is not None else None

    def raise_floor(self, timestamp: Timestamp, root: Root, clock: Clock) -> None:
        """Store an accepted timestamp as the floor of its channel, unless the file says so already."""
        floors = self._floors() or Floors(channels={})
        new = raised(floors, root, timestamp, self.known(timestamp.channel, root, clock))
        if new != floors:
            self._save_floors(new)

    def clear_floors(self) -> None:
        """Delete all floors after a change of the root: sequences of another origin cannot be compared."""
        self._save_floors(Floors(channels={}))

    def _floors(self) -> Floors | None:
        return self.floor_file.find().value

    def _save_floors(self, floors: Floors) -> None:
        self.floor_file.save(floors.model_dump_json().encode())

    # Documents

    def release(self, sha256: str) -> Release | None:
        """Return a stored release with its bookings that are here, None if it is missing or damaged.

        Blocks, for a long one 0.2 s: call it in a thread.
        """
        return self.releases.read(sha256)

    def save_release(self, sha256: str, raw: bytes, release: Release | None = None) -> None:
        """Store the bytes of a verified release; `release` is their content, if it is known. Blocks."""
        self.releases.save(sha256, raw, release)

    def index(self, sha256: str) -> Index | None:
        """Return a stored chunk list, None if it is missing or damaged."""
        raw = read_verified(self.index_folder / sha256, sha256, INDEX_CAP_BYTES)
        try:
            return None if raw is None else load_index(raw)
        except CorruptContent:
            return None

    def save_index(self, sha256: str, raw: bytes) -> None:
        """Store the bytes of a verified chunk list. The next flush of a group makes them durable."""
        write_unflushed(self.index_folder / sha256, raw)

    # Media

    def asset_path(self, sha256: str) -> Path:
        """Return the path of a complete, verified media file; raise NotFound if it is not on this device."""
        return self.media.path(sha256)

    def has_asset(self, sha256: str) -> bool:
        """Tell whether an asset is on this device, complete and verified."""
        return self.media.has(sha256)

    def suspect(self, sha256: str) -> None:
        """Have an asset hashed again at once: a decoder failed on it."""
        self.media.suspect(sha256)

    def delete_documents_except(self, kept: Mapping[str, Release | None], indexes: frozenset[str]) -> None:
        """Delete all other releases, with the bookings that none of these names, and chunk lists."""
        with storage_errors(self.store):
            for path in self.releases.others(kept):
                self.media.delete(path)
            for name in hash_names(self.index_folder):
                if name not in indexes:
                    self.media.delete(self.index_folder / name)

    # Disk space

    def free_bytes(self) -> int:
        """Return the free bytes of the disk."""
        with storage_errors(self.store):
            return free_bytes(self.store)

    def has_ballast(self) -> bool:
        """Tell whether the reserve for a full disk is there."""
        try:
            return self._ballast.is_file() and self._ballast.stat().st_size == BALLAST_BYTES
        except OSError:
            return False

    def free_bytes_for_content(self) -> int:
        """Return the free bytes of the disk without those that the ballast takes when it is made again."""
        return self.free_bytes() - (0 if self.has_ballast() else BALLAST_BYTES)

    def create_ballast(self) -> None:
        """Reserve 8 MiB in a file. On a full disk even deleting from a database fails; deleting this file helps."""
        if self.has_ballast():
            return
        with storage_errors(self._ballast):
            if not self._ballast.is_file() or not os.access(self._ballast, os.W_OK):
                set_aside(self._ballast)
            with self._ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)

    def delete_ballast(self) -> None:
        """Delete the reserve, which frees its 8 MiB."""
        with storage_errors(self._ballast):
            self._ballast.unlink(missing_ok=True)


@contextmanager
def open_content_store(state_dir: Path) -> Iterator[ContentStore]:
    """Open and lock the files under `state_dir`. Content on a read-only disk can still be played.

    Raises:
        Conflict: another process has locked them.
    """
    store = ContentStore(state_dir)
    try:
        store.state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.error("state_dir=%s cannot be written; stored content is played: %s", state_dir, os_reason(error))
    with locked(store.state / "lock"):
        for step in (store.prepare, store.repair, store.create_ballast):
            try:
                step()
            except (StorageBroken, StorageFull) as error:
                log.error("state_dir=%s cannot be prepared; stored content is played: %s", state_dir, error)
        yield store


def _parse_root(raw: bytes) -> Root:
    return pin_root(open_envelope(raw, ROOT_CAP_BYTES))
