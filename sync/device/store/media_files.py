"""Media files on the device: complete ones, verified and named by their hash, and partial ones."""

import asyncio
import hashlib
import logging
import os
import re
import stat
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from sync.errors import CorruptContent, NotFound, SignageError
from sync.runtime.clock import give_way
from sync.runtime.durable_files import (
    hash_file,
    is_of_one_file,
    read_at,
    set_aside,
    storage_error,
    storage_errors,
    sync_folder,
)
from sync.runtime.os_messages import os_reason
from sync.wire.chunk_index import Index
from sync.wire.release import Asset

_AT_ONCE = 50  # files
_NAME = re.compile(r"[0-9a-f]{64}")

log = logging.getLogger(__name__)


class WrongName(CorruptContent):
    """The chunk list of an asset, which the origin signed, does not make the file that the asset is named by."""


class MediaFiles:
    """The folders `store/assets` and `store/parts`. A file in `store/assets` is verified and durable.

    A file that this user cannot read, or that the disk cannot read, does not count as being here. It is not deleted
    either: another file replaces it once that was fetched.
    """

    def __init__(self, store: Path) -> None:
        self._assets = store / "assets"
        self._parts = store / "parts"
        self._unreadable: set[str] = set()  # the disk reported an error
        self._stuck: set[Path] = set()  # could not be deleted
        self._renaming = threading.Lock()  # of `_assets`: what is removed there is what was found damaged
        self.suspects: dict[str, None] = {}  # to be hashed again at once, the oldest suspicion first
        self.missed: dict[str, None] = {}  # assets that were to be shown and are not here
        self.damaged: set[str] = set()  # were found damaged, and not found right since
        self.intact: set[str] = set()  # were suspect, and have the bytes that the origin signed
        self.check_wanted = asyncio.Event()
        self.spare_bytes = 0  # of the assets that no release names

    def folders(self) -> tuple[Path, ...]:
        """Return both folders."""
        return (self._assets, self._parts)

    def suspect(self, sha256: str) -> None:
        """Have an asset hashed again at once: a decoder failed on it. One that is gone is fetched again."""
        (self.suspects if self.has(sha256) else self.missed)[sha256] = None
        self.check_wanted.set()

    def delete_links(self) -> None:
        """Delete symbolic links: this program makes none, and one could lead out of the store."""
        for folder in self.folders():
            with os.scandir(folder) as entries:
                links = [Path(entry.path) for entry in entries if entry.is_symlink()]
            for path in links:
                log.error("file=%s is a symbolic link and was deleted", path)
                path.unlink()

    def path(self, sha256: str) -> Path:
        """Return the path of a complete, verified media file; raise NotFound if it is not on this device."""
        if not self.has(sha256):
            raise NotFound(f"asset {sha256} is not on this device")
        return self._assets / sha256

    def has(self, sha256: str) -> bool:
        """Tell whether a complete, verified asset is here; a link or folder of that name does not count."""
        return _NAME.fullmatch(sha256) is not None and self._stat(sha256) is not None

    def _stat(self, sha256: str) -> os.stat_result | None:
        path = f"{self._assets}/{sha256}"  # text: this is asked for thousands of assets
        try:
            found = os.lstat(path)
        except OSError:
            return None
        readable = sha256 not in self._unreadable and os.access(path, os.R_OK)
        return found if readable and stat.S_ISREG(found.st_mode) else None

    def assets(self) -> frozenset[str]:
        """Return the names of all complete assets."""
        return frozenset(name for name in self.names() if self.has(name))

    def sizes(self) -> dict[str, int]:
        """Return the names of all complete assets, each with its size in bytes."""
        found = ((name, self._stat(name)) for name in self.names())
        return {name: at.st_size for name, at in found if at is not None}

    def stamps(self) -> dict[str, str]:
        """Return the stamps of all complete assets."""
        found: dict[str, str] = {}
        for number, name in enumerate(self.names()):
            if stamp := self.stamp(name):
                found[name] = stamp
            if number % _AT_ONCE == 0:
                give_way()
        return found

    def whole(self, assets: Iterable[Asset]) -> frozenset[str]:
        """Return the names of those assets that are here with all their bytes."""
        here = frozenset(self.names())
        found = ((asset, self._stat(asset.sha256)) for asset in assets if asset.sha256 in here)
        return frozenset(asset.sha256 for asset, at in found if at is not None and at.st_size == asset.size_bytes)

    def names(self) -> list[str]:
        """Return the names of all asset files, also of those that cannot be read."""
        return hash_names(self._assets)

    def unreadable(self) -> list[str]:
        """Return the names of the asset files that this user cannot read."""
        folder = str(self._assets)
        return [name for name in self.names() if not os.access(f"{folder}/{name}", os.R_OK)]

    def file(self, sha256: str) -> Path:
        """Return where the file of an asset is, or would be."""
        return self._assets / sha256

    def stamp(self, sha256: str) -> str:
        """Return what changes when somebody writes to an asset: size and time of the last change; empty: not here."""
        found = self._stat(sha256)
        return _stamp(found) if found else ""

    def parts(self) -> frozenset[str]:
        """Return the names of all partial assets."""
        return frozenset(hash_names(self._parts))

    def part_path(self, sha256: str) -> Path:
        """Return the path of a partial asset."""
        return self._parts / sha256

    def part_bytes(self, sha256: str) -> int:
        """Return the size of the file of a partial asset; -1: there is none that can be written."""
        path = self._parts / sha256
        try:
            found = path.lstat()
        except OSError:
            return -1
        return found.st_size if stat.S_ISREG(found.st_mode) and os.access(path, os.R_OK | os.W_OK) else -1

    def admit(self, sizes: Mapping[str, int]) -> tuple[dict[str, str], dict[str, SignageError]]:
        """Make partial files that are verified and durable complete assets, by renaming them. Blocks.

        Return the stamps of those that are assets now, and why the others are not: they are no longer what was written
        (CorruptContent), or what has their names cannot be replaced (StorageBroken).

        Raises:
            StorageFull, StorageBroken: the disk failed.
        """
        stamps: dict[str, str] = {}
        refused: dict[str, SignageError] = {}
        with storage_errors(self._assets):
            for sha256, size_bytes in sizes.items():
                try:
                    stamps[sha256] = self._admit(sha256, size_bytes)
                except OSError as error:
                    if not is_of_one_file(error):
                        raise
                    refused[sha256] = storage_error(error, self._assets / sha256)
                except CorruptContent as error:
                    refused[sha256] = error
            if stamps:
                sync_folder(self._assets)
        self._unreadable -= stamps.keys()
        return stamps, refused

    def _admit(self, sha256: str, size_bytes: int) -> str:
        """Return the stamp of the asset, which renaming does not change."""
        part, path = f"{self._parts}/{sha256}", f"{self._assets}/{sha256}"  # half the time of a `Path`
        try:
            found = os.lstat(part)
            if found.st_size != size_bytes:
                raise CorruptContent(f"asset {sha256}: its file has another size than what was written to it")
            os.chmod(part, 0o444)  # noqa: PTH101 - as above
        except FileNotFoundError:  # it has its name already, if an admission did not come to its end
            if stamp := self.stamp(sha256):
                return stamp
            raise CorruptContent(f"asset {sha256}: its file was deleted before it was whole") from None
        with self._renaming:
            try:
                os.replace(part, path)  # noqa: PTH105 - as above
            except IsADirectoryError:
                set_aside(Path(path))
                os.replace(part, path)  # noqa: PTH105 - as above
        return _stamp(found)

    def recheck(self, sha256: str, index: Index | None = None) -> bool:
        """Hash an asset again; return False if it has to be downloaded again, after `take_off`. Blocks.

        One that cannot be read no longer counts as being here; its content is not known. `index` is its chunk list if
        that is known.

        Raises:
            WrongName: it has all the chunks of that list, which the origin signed, but another hash. It stays.
        """
        path = self._assets / sha256
        intact = False
        try:
            intact = self.has(sha256) and hash_file(path) == sha256
            if not intact and index is not None and self.has(sha256) and _has_chunks(path, index):
                raise WrongName(f"asset {sha256} has another hash, though it has the chunks that the origin signed")
        except OSError as error:
            log.error("asset=%s cannot be read: %s", sha256, os_reason(error))
            self._unreadable.add(sha256)
            self.damaged.add(sha256)
        return intact

    def take_off(self, sha256: str, stamp: str) -> None:
        """Make an asset that was found damaged a partial file: its right chunks need not be downloaded. Blocks.

        The catalogue has forgotten it before: bits of the past must not count for it. One with another `stamp` has
        taken its place meanwhile, and stays.
        """
        with self._renaming, storage_errors(self._assets):
            if stamp and self.stamp(sha256) == stamp:
                self._take_off(sha256)

    def set_wrong_sizes_aside(self, assets: Iterable[Asset]) -> None:
        """Make those of these assets partial files that are longer or shorter than the release says. Blocks."""
        here = frozenset(self.names())
        for asset in (asset for asset in assets if asset.sha256 in here):
            with self._renaming, storage_errors(self._assets):
                found = self._stat(asset.sha256)
                if found is not None and found.st_size != asset.size_bytes:
                    log.warning("asset=%s has %d bytes instead of %d", asset.sha256, found.st_size, asset.size_bytes)
                    self._take_off(asset.sha256)

    def _take_off(self, sha256: str) -> None:
        """Set a damaged asset aside; where its file does not let itself be renamed, it no longer counts as here."""
        try:
            self._set_aside(sha256)
        except OSError as error:
            if not is_of_one_file(error):
                raise
            self._unreadable.add(sha256)
            log.error("asset=%s is damaged and stays on the disk: %s", sha256, os_reason(error))

    def _set_aside(self, sha256: str) -> None:
        """Make a damaged asset a partial file, of which nothing is known to be right, so that nothing shows it."""
        path, part = self._assets / sha256, self._parts / sha256
        self.damaged.add(sha256)
        self.intact.discard(sha256)
        if part.exists():  # it is being downloaded again already
            path.unlink()
        else:
            with suppress(PermissionError):  # of another user: it is replaced
                path.chmod(0o644)
            path.replace(part)
        sync_folder(self._parts)
        sync_folder(self._assets)

    def remove(self, assets: tuple[str, ...]) -> bool:
        """Delete complete and partial files that no release needs; return whether any could be deleted."""
        with storage_errors(self._assets):
            deleted = [self.delete(folder / sha256) for sha256 in assets for folder in self.folders()]
            sync_folder(self._assets)
            sync_folder(self._parts)
        return any(deleted)

    def delete(self, path: Path) -> bool:
        """Delete a file, and return whether that was done. One that cannot be deleted stays, and is told once.

        Raises:
            OSError: the disk failed.
        """
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            if not is_of_one_file(error):
                raise
            if path not in self._stuck:
                log.error("file=%s is not needed and cannot be deleted: %s", path, os_reason(error))
            self._stuck.add(path)
            return False
        self._stuck.discard(path)
        return True


def _stamp(found: os.stat_result) -> str:
    return f"{found.st_size}:{found.st_mtime_ns}"


def _has_chunks(path: Path, index: Index) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.fstat(descriptor).st_size == index.size_bytes and all(
            hashlib.sha256(read_at(descriptor, chunk.length, chunk.offset)).hexdigest() == chunk.sha256
            for chunk in index.chunks
        )
    finally:
        os.close(descriptor)


def hash_names(folder: Path) -> list[str]:
    """Return the file names in a folder that are hashes. Links and other files are ignored."""
    try:
        with os.scandir(folder) as entries:
            return [e.name for e in entries if e.is_file(follow_symlinks=False) and _NAME.fullmatch(e.name)]
    except OSError:  # the status names a folder that cannot be read
        return []
