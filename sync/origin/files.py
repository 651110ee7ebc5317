"""The origin's folders, and how a file becomes durable in them: whole under its name, or not there at all.

`content/` is the tree devices download: written beside, fsynced, renamed, folder fsynced; what is there is never
written again, only `replace` swaps a pointer. `uploads/` holds bytes as they come in, `work/` what is being made of
them, `thumbnails/` the small pictures for pages.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync import StorageBroken, StorageFull

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READABLE = 0o644  # another user's nginx may serve the tree


class Files:
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
        with _converted(self.data_dir):
            for folder in (self.uploads, self.work, self.content, self.thumbnails):
                folder.mkdir(parents=True, exist_ok=True)

    def free_bytes(self) -> int:
        """Return how much an unprivileged process may still write."""
        with _converted(self.data_dir):
            room = os.statvfs(self.data_dir)
        return room.f_bavail * room.f_frsize

    def put(self, relative: str, data: bytes) -> Path:
        """Write `data` durably to `content/{relative}`, unless that is there; return its path.

        Raises:
            StorageFull: no room; nothing was changed.
            StorageBroken: the disk refuses; nothing was changed.
        """
        target = self._inside(relative)
        if not target.exists():
            write_durably(target, data)
        return target

    def replace(self, relative: str, data: bytes) -> Path:
        """Write `data` durably to `content/{relative}` in place of what is there: for pointers only."""
        target = self._inside(relative)
        write_durably(target, data)
        return target

    def adopt(self, path: Path, relative: str) -> Path:
        """Move a finished file durably to `content/{relative}`; if that is there, only remove `path`.

        Raises:
            StorageFull: no room.
            StorageBroken: the disk refuses.
        """
        target = self._inside(relative)
        if target.exists():
            path.unlink()
        else:
            move_durably(path, target)
        return target

    def thumbnail(self, media_id: str) -> Path:
        """Return where the small picture of a media lies once it is ready."""
        return self.thumbnails / f"{media_id}.jpg"

    def source(self, media_id: str) -> Path:
        """Return where the bytes of an upload, and of the media made from it, lie until they are processed."""
        return self.uploads / media_id

    def _inside(self, relative: str) -> Path:
        parts = relative.split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"not a name inside the content tree: {relative!r}")
        return self.content.joinpath(*parts)


def write_durably(target: Path, data: bytes) -> None:
    """Write a file beside `target`, fsync it, rename it over `target`, fsync the folder.

    Raises:
        StorageFull: no room; `target` is as before.
        StorageBroken: the disk refuses; `target` is as before.
    """
    with _beside(target) as beside:
        with beside.open("xb") as file:
            file.write(data)
        _settle(beside, target)


def move_durably(path: Path, target: Path) -> None:
    """Give a finished file of the same file system the name `target`, durably."""
    with _converted(target):
        _make_folder(target.parent)
        _settle(path, target)


def copy_durably(path: Path, target: Path) -> None:
    """Copy a file of any file system to `target`, durably.

    Raises:
        StorageFull: no room; `target` is as before.
        StorageBroken: either file cannot be read or written.
    """
    with _beside(target) as beside:
        shutil.copyfile(path, beside)
        _settle(beside, target)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Give a temporary name in the folder of `target`, and leave nothing under it."""
    beside = target.with_name(f".{secrets.token_hex(8)}.tmp")
    with _converted(target):
        _make_folder(target.parent)
        try:
            yield beside
        finally:
            beside.unlink(missing_ok=True)


def _settle(path: Path, target: Path) -> None:
    path.chmod(_READABLE)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.replace(target)
    sync_folder(target.parent)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _converted(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


def storage_error(error: OSError, path: Path) -> StorageFull | StorageBroken:
    """Return what an error of the operating system about `path` means to us."""
    if error.errno in _NO_ROOM:
        return StorageFull(f"no room left to write {path.name}: free some space and try again")
    return StorageBroken(f"{path} cannot be used: {error.strerror or error}")
