"""The documents of releases on the disk, with their bookings; who uses one at the same time shares one value."""

import contextlib
import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from weakref import WeakValueDictionary

from pydantic import ValidationError

from sync.device.store.media_files import hash_names
from sync.errors import StorageBroken
from sync.runtime.durable_files import file_stamp, read_file, write_durably
from sync.wire.input.input_messages import rejected
from sync.wire.release import RELEASE_CAP_BYTES, BookingsFile, Release
from sync.wire.release_reader import read_bookings, read_release, with_bookings

BOOKED_AHEAD = timedelta(days=70)
"""So long before their first flight bookings are fetched: a screen offline for weeks has the ads of this time."""

log = logging.getLogger(__name__)


class ReleaseFiles:
    """The folders `releases` and `bookings` of the store. All methods block."""

    def __init__(self, store: Path) -> None:
        self._releases = store / "releases"
        self._bookings = store / "bookings"
        self._read: WeakValueDictionary[str, Release] = WeakValueDictionary()  # those that somebody uses now
        self._stamps: dict[str, str] = {}  # of their files when they were read
        self._reading = threading.Lock()

    def folders(self) -> tuple[Path, Path]:
        """Return both folders."""
        return self._releases, self._bookings

    def names(self) -> list[str]:
        """Return the names of all releases; raises OSError."""
        return [path.stem for path in self._releases.glob("*.json")]

    def read(self, sha256: str) -> Release | None:
        """Return a release with its bookings that are here, None if it is missing or damaged.

        A file is read again only after it was changed.
        """
        path = self._path(sha256)
        with self._reading:
            stamp, at_once = file_stamp(path), not self._stamps
            release = self._read.get(sha256)
            if (
                release is None
                or not stamp
                or self._stamps.get(sha256) != stamp
                or release.booked - self._here(release)
            ):
                raw = read_verified(path, sha256, RELEASE_CAP_BYTES)
                release = None if raw is None else _parsed(raw, path, read_release, at_once=at_once)
            if release is not None:
                release = self._with_bookings(release, at_once=at_once)
                self._read[sha256], self._stamps[sha256] = release, stamp
            return release

    def save(self, sha256: str, raw: bytes, release: Release | None = None) -> None:
        """Store the bytes of a verified release; `release` is their content, if it is known."""
        path = self._path(sha256)
        write_durably(path, raw)
        if release is not None:
            with self._reading:
                self._read[sha256], self._stamps[sha256] = release, file_stamp(path)

    def missing_bookings(self, release: Release, at: datetime) -> tuple[BookingsFile, ...]:
        """Return the files of bookings that a release needs at an instant and that are not here."""
        here = self._here(release)
        return tuple(file for file in needed_bookings(release, at) if file.sha256 not in here)

    def save_bookings(self, sha256: str, raw: bytes) -> None:
        """Store the bytes of a verified file of bookings."""
        write_durably(self._bookings / sha256, raw)

    def others(self, kept: Mapping[str, Release | None]) -> Iterator[Path]:
        """Yield the files of all other releases, and of bookings that none of these names."""
        named = {file.sha256 for release in kept.values() if release for file in release.bookings or ()}
        for name in self.names():
            if name not in kept:
                self._stamps.pop(name, None)
                yield self._path(name)
        yield from (self._bookings / name for name in hash_names(self._bookings) if name not in named)

    def _path(self, sha256: str) -> Path:
        return self._releases / f"{sha256}.json"

    def _here(self, release: Release) -> frozenset[str]:
        """Return which files of bookings of a release are here."""
        return frozenset(file.sha256 for file in release.bookings or () if (self._bookings / file.sha256).is_file())

    def _with_bookings(self, release: Release, *, at_once: bool) -> Release:
        """Return a release with all of its bookings that are here. A damaged file is deleted, to be fetched again."""
        found: dict[str, Release] = {}
        for name in self._here(release) - release.booked:
            path = self._bookings / name
            raw = read_verified(path, name, RELEASE_CAP_BYTES)
            part = None if raw is None else _parsed(raw, path, read_bookings, at_once=at_once)
            if part is not None:
                found[name] = part
            else:
                with contextlib.suppress(OSError):
                    path.unlink()
        return with_bookings(release, found)


def needed_bookings(release: Release, at: datetime) -> tuple[BookingsFile, ...]:
    """Return the files of bookings with flights between `at` and `BOOKED_AHEAD` later. No release is of the future."""
    at = max(at, release.created_at)
    return tuple(file for file in release.bookings or () if file.starts_at < at + BOOKED_AHEAD and at < file.ends_at)


def read_verified(path: Path, sha256: str, cap_bytes: int) -> bytes | None:
    """Return the content of a file that is named by its hash; None if it is missing or damaged."""
    try:
        raw = read_file(path, cap_bytes)
    except StorageBroken as error:
        log.error("%s", error)
        return None
    if raw is not None and hashlib.sha256(raw).hexdigest() != sha256:
        log.error("file=%s is damaged and is downloaded again", path)
        return None
    return raw


def _parsed(raw: bytes, path: Path, read: Callable[..., Release], *, at_once: bool) -> Release | None:
    try:
        return read(raw, at_once=at_once)
    except ValidationError as error:
        log.error("file=%s cannot be read, wrong fields: %s", path, ", ".join(sorted(rejected(error).fields)))
        return None
    except ValueError:  # an older version, which did not look for repeated names, has accepted it
        return read(raw, at_once=True)
