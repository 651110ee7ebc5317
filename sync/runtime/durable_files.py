"""Writes files so that a power cut leaves the old or the new content, and translates disk errors."""

import errno
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync.errors import Conflict, StorageBroken, StorageFull
from sync.runtime.os_messages import os_reason

TEMP_SUFFIX = ".tmp"
READABLE = 0o644
"""Everybody can read the file: a web server of another user may serve the content of the origin."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # RLIMIT_FSIZE and old file systems say EFBIG

log = logging.getLogger(__name__)


def storage_error(error: OSError, path: Path) -> StorageFull | StorageBroken:
    """Return the error of this project for an error of the operating system about `path`."""
    if error.errno in _FULL:
        return StorageFull(f"the disk is full, {path.name} cannot be written: delete something and try again")
    return StorageBroken(f"{path} cannot be used: {os_reason(error)}")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn errors of the operating system about `path` into `StorageFull` or `StorageBroken`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


def write_durably(path: Path, content: bytes, *, mode: int = READABLE) -> None:
    """Replace the content of `path`: write a temporary file, fsync, rename, fsync of the folder.

    After a crash the path has all of the old content or all of the new.

    Raises:
        StorageFull: the disk is full; the old file stays.
        StorageBroken: the folder is missing or read-only, or the disk failed; the old file stays.
    """
    with _beside(path) as temporary:
        temporary.write_bytes(content)
        _replace_durably(temporary, path, mode)


def copy_durably(source: Path, path: Path) -> None:
    """Replace `path` by a copy of a file, which may be on another file system, as `write_durably` does.

    Raises:
        StorageFull: the disk is full; the old file stays.
        StorageBroken: one of the files cannot be read or written; the old file stays.
    """
    with _beside(path) as temporary:
        shutil.copyfile(source, temporary)
        _replace_durably(temporary, path, READABLE)


def move_durably(source: Path, path: Path) -> None:
    """Replace `path` by moving a finished file of the same file system.

    Raises:
        StorageFull: the disk is full.
        StorageBroken: the disk failed.
    """
    with storage_errors(path):
        _replace_durably(source, path, READABLE)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents durably.

    Raises:
        StorageFull: the disk is full.
        StorageBroken: the disk failed, or a file has this name.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with storage_errors(folder):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Yield a new file in the folder of `path`, readable by its owner only; delete it at the end."""
    with storage_errors(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMP_SUFFIX)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)  # renamed already, unless something failed


def _replace_durably(finished: Path, path: Path, mode: int) -> None:
    finished.chmod(mode)
    descriptor = os.open(finished, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    finished.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: created, renamed and deleted files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_data(path: Path) -> None:
    """Make the bytes of `path` durable, also those written through other descriptors."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """Return the free bytes for users without privileges."""
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a file exclusively. On a read-only disk without this file, nothing is locked.

    Raises:
        Conflict: another process has locked it.
    """
    descriptor = _open_lock(path)
    if descriptor is None:  # a read-only disk: no other process can write
        yield
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"another signage-player already uses {path.parent.parent}; stop it first") from error
        yield
    finally:
        os.close(descriptor)


def _open_lock(path: Path) -> int | None:
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        try:
            return os.open(path, flags | os.O_CLOEXEC, 0o644)
        except OSError as error:
            log.debug("lock=%s flags=%s: %s", path, flags, error)
    return None
