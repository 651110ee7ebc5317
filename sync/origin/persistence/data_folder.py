"""The origin's folders, and how a file becomes durable in them: whole under its name, or not there at all.

`content/` is the tree devices download: written beside, fsynced, renamed, folder fsynced; what is there is never
written again, only `replace` swaps a pointer. `uploads/` holds bytes as they come in, `work/` what is being made of
them, `thumbnails/` the small pictures for pages.

Who names content (a release, a media that became ready) holds the tree by `adding` from looking at a file to its row in
the database; who takes content away holds it alone by `clearing`. Both count across the processes of several origins,
and the kernel lets go of what was held by one that died.
"""

import fcntl
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

_TRY_EVERY_S = 0.02


class DataFolder:
    """Everything below `data_dir`; all methods block, so call them from a thread when a file may be large."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.uploads = data_dir / "uploads"
        self.work = data_dir / "work"
        self.content = data_dir / "content"
        self.thumbnails = data_dir / "thumbnails"

    def prepare(self) -> None:
        """Make the folders that are missing.

        Raises:
            StorageFull: no room.
            StorageBroken: `data_dir` cannot be written.
        """
        with storage_errors(self.data_dir):
            for folder in (self.uploads, self.work, self.content, self.thumbnails):
                folder.mkdir(parents=True, exist_ok=True)

    def free_bytes(self) -> int:
        """Return how much an unprivileged process may still write."""
        with storage_errors(self.data_dir):
            return free_bytes(self.data_dir)

    def put(self, relative: str, data: bytes) -> Path:
        """Write `data` durably to `content/{relative}`, unless that is there; return its path.

        Raises:
            StorageFull: no room; nothing was changed.
            StorageBroken: the disk refuses; nothing was changed.
        """
        target = self._inside(relative)
        if not target.exists():
            make_folder(target.parent)
            write_durably(target, data)
        return target

    def replace(self, relative: str, data: bytes) -> Path:
        """Write `data` durably to `content/{relative}` in place of what is there: for pointers only."""
        target = self._inside(relative)
        make_folder(target.parent)
        write_durably(target, data)
        return target

    def move_in(self, path: Path, relative: str) -> Path:
        """Move a finished file durably to `content/{relative}`; if that is there, only remove `path`.

        Raises:
            StorageFull: no room.
            StorageBroken: the disk refuses.
        """
        target = self._inside(relative)
        if target.exists():
            path.unlink()
        else:
            make_folder(target.parent)
            move_durably(path, target)
        return target

    def remove_temporary_files(self, before_s: float) -> None:
        """Remove what writers that were killed left beside their target, if it is older than `before_s` (Unix)."""
        for folder in (self.content, self.thumbnails):
            for scrap in folder.rglob(f".*{TEMP_SUFFIX}"):
                if scrap.stat().st_mtime < before_s:
                    scrap.unlink(missing_ok=True)

    @asynccontextmanager
    async def adding_content(self, clock: Clock) -> AsyncIterator[None]:
        """Keep everything in the content tree from being cleared away; waits for a clearing under way."""
        descriptor = self._open_lock()
        try:
            while not _lock(descriptor, fcntl.LOCK_SH):
                await clock.sleep(_TRY_EVERY_S)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def clearing_content(self) -> Iterator[int]:
        """Hold the content tree alone, by the descriptor given.

        Raises:
            Conflict: somebody adds to it or clears it at this moment.
        """
        descriptor = self._open_lock()
        try:
            if not _lock(descriptor, fcntl.LOCK_EX):
                raise Conflict("content is being added or cleared away at this moment: try again")
            yield descriptor
        finally:
            os.close(descriptor)

    def remove(self, paths: Iterable[Path], held: int) -> None:
        """Remove files, each folder's for good before the next one's, under the lock of `clearing`.

        A thread that outlives its task keeps the lock: its own copy of the descriptor holds it.

        Raises:
            StorageBroken: the disk refuses; some may be gone.
        """
        own = os.dup(held)
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
            os.close(own)

    def _open_lock(self) -> int:
        path = self.data_dir / "content.lock"
        with storage_errors(path):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def thumbnail_path(self, media_id: str) -> Path:
        """Return where the small picture of a media lies once it is ready."""
        return self.thumbnails / f"{media_id}.jpg"

    def source_path(self, media_id: str) -> Path:
        """Return where the bytes of an upload, and of the media made from it, lie until they are processed."""
        return self.uploads / media_id

    def _inside(self, relative: str) -> Path:
        parts = relative.split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"not a name inside the content tree: {relative!r}")
        return self.content.joinpath(*parts)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
