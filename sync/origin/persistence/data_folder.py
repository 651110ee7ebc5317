"""The folders of the origin. A file in them is whole and durable under its name, or it is not there.

`content/` is the tree that devices download. A file there is never written again; only the signed timestamps are
replaced. `uploads/` has the bytes that people send, `work/` the files of the pipeline, `thumbnails/` small pictures,
`previews/` small films for browsers, `plays/` the Parquet files of archived plays (`play_files`).

Code that adds a reference to content (a release, a media that becomes ready) holds the shared lock `adding_content`
from the moment it checks a file until its row is stored. Code that deletes content holds the exclusive lock
`clearing_content`. The locks also count between processes, and the kernel releases those of a process that died.
"""

import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from sync.errors import Conflict
from sync.runtime.clock import Clock
from sync.runtime.durable_files import (
    TEMP_SUFFIX,
    free_bytes,
    make_folder,
    move_durably,
    storage_errors,
    sync_folder,
    write_durably,
)
from sync.wire.content_paths import asset_path, index_path
from sync.wire.release import Asset

_LOCK_RETRY_S = 0.02


class DataFolder:
    """The files below `data_dir`. All methods block: call them from a thread when a file may be large."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.uploads = data_dir / "uploads"
        self.work = data_dir / "work"
        self.content = data_dir / "content"
        self.thumbnails = data_dir / "thumbnails"
        self.previews = data_dir / "previews"
        self.plays = data_dir / "plays"

    def prepare(self) -> None:
        """Create the folders that are missing.

        Raises:
            StorageFull: no room.
            StorageBroken: `data_dir` cannot be written.
        """
        with storage_errors(self.data_dir):
            for folder in (self.uploads, self.work, self.content, self.thumbnails, self.previews):
                folder.mkdir(parents=True, exist_ok=True)

    def free_bytes(self) -> int:
        """Return how many bytes an unprivileged process may still write."""
        with storage_errors(self.data_dir):
            return free_bytes(self.data_dir)

    def put(self, relative: str, data: bytes) -> Path:
        """Write `data` durably to `content/{relative}` unless that file exists; return its path.

        Raises:
            StorageFull: no room; nothing was changed.
            StorageBroken: the disk refuses; nothing was changed.
        """
        target = self._content_path(relative)
        if not target.exists():
            make_folder(target.parent)
            write_durably(target, data)
        return target

    def replace(self, relative: str, data: bytes) -> Path:
        """Write `data` durably to `content/{relative}`, replacing what is there; return its path.

        Its time of change is in a later second than that of the file it replaces: servers that make an ETag of time and
        size (nginx), and tools that compare them (rsync), take the two for different.
        """
        target = self._content_path(relative)
        make_folder(target.parent)
        write_durably(target, data, later=True)
        return target

    def move_in(self, path: Path, relative: str) -> Path:
        """Move a finished file durably to `content/{relative}`; if that exists, only delete `path`.

        Raises:
            StorageFull: no room.
            StorageBroken: the disk refuses.
        """
        target = self._content_path(relative)
        if target.exists():
            path.unlink()
        else:
            make_folder(target.parent)
            move_durably(path, target)
        return target

    def has_asset(self, asset: Asset) -> bool:
        """Tell whether the file of an asset is there in its size, and its chunk list is whole."""
        path, index = self.content / asset_path(asset.sha256), self.content / index_path(asset.index)
        try:
            return path.stat().st_size == asset.size_bytes and _sha256(index) == asset.index
        except OSError:
            return False

    def remove_damaged(self, asset: Asset) -> None:
        """Delete the file of an asset if it has another size, and its chunk list if it is damaged.

        Raises:
            StorageBroken: the disk refuses.
        """
        path, index = self.content / asset_path(asset.sha256), self.content / index_path(asset.index)
        with storage_errors(path):
            if path.is_file() and path.stat().st_size != asset.size_bytes:
                path.unlink()
            if index.is_file() and _sha256(index) != asset.index:
                index.unlink()

    def remove_temporary_files(self, before_s: float) -> None:
        """Delete temporary files of writers that were killed, if they are older than `before_s` (Unix)."""
        for folder in (self.content, self.thumbnails, self.previews):
            for path in folder.rglob(f".*{TEMP_SUFFIX}"):
                if path.stat().st_mtime < before_s:
                    path.unlink(missing_ok=True)

    @asynccontextmanager
    async def adding_content(self, clock: Clock) -> AsyncIterator[None]:
        """Prevent the deletion of content; waits while content is being deleted."""
        async with self._locked("content.lock", fcntl.LOCK_SH, clock):
            yield

    @asynccontextmanager
    async def publishing_alone(self, clock: Clock) -> AsyncIterator[None]:
        """Prevent that another folder becomes plans at the same time, in any process; waits while one does."""
        async with self._locked("publish.lock", fcntl.LOCK_EX, clock):
            yield

    @asynccontextmanager
    async def _locked(self, name: str, kind: int, clock: Clock) -> AsyncIterator[None]:
        descriptor = self._open_lock(name)
        try:
            while not _try_lock(descriptor, kind):
                await clock.sleep(_LOCK_RETRY_S)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def clearing_content(self) -> Iterator[int]:
        """Lock the content tree exclusively; the value is the descriptor of the lock.

        Raises:
            Conflict: content is being added or deleted at this moment.
        """
        descriptor = self._open_lock("content.lock")
        try:
            if not _try_lock(descriptor, fcntl.LOCK_EX):
                raise Conflict("content is being added or deleted at this moment: try again")
            yield descriptor
        finally:
            os.close(descriptor)

    def remove(self, paths: Iterable[Path], lock: int) -> None:
        """Delete files under the lock of `clearing_content`; each folder is durable before the next one starts.

        The lock is duplicated, so that a thread that outlives its task still holds it.

        Raises:
            StorageBroken: the disk refuses; some files may be deleted.
        """
        own_lock = os.dup(lock)
        try:
            folder: Path | None = None
            for path in paths:
                with storage_errors(path):
                    if folder is not None and folder != path.parent:
                        sync_folder(folder)
                    folder = path.parent
                    path.unlink(missing_ok=True)
            if folder is not None:
                sync_folder(folder)
        finally:
            os.close(own_lock)

    def _open_lock(self, name: str) -> int:
        path = self.data_dir / name
        with storage_errors(path):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def thumbnail_path(self, media_id: str) -> Path:
        """Return the path of the small picture of a media; it is there once the media is ready."""
        return self.thumbnails / f"{media_id}.jpg"

    def preview_path(self, asset: str) -> Path:
        """Return the path of the small film of an asset; it is there some time after a media of it is ready."""
        return self.previews / f"{asset}.mp4"

    def source_path(self, media_id: str) -> Path:
        """Return the path of the bytes of an upload or of the media it became; they are there until it is processed."""
        return self.uploads / media_id

    def _content_path(self, relative: str) -> Path:
        parts = relative.split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"not a name inside the content tree: {relative!r}")
        return self.content.joinpath(*parts)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
