"""Writing files so that a power cut leaves the old or the new one, and disk faults as errors of ours."""

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
"""Anyone may read: another user's nginx may serve what an origin writes."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # RLIMIT_FSIZE and old file systems say EFBIG

log = logging.getLogger(__name__)


def storage_error(error: OSError, path: Path) -> StorageFull | StorageBroken:
    """Return what an error of the operating system about `path` means to us."""
    if error.errno in _FULL:
        return StorageFull(f"no room left to write {path.name}: free some space and try again")
    return StorageBroken(f"{path} cannot be used: {os_reason(error)}")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says about `path` into `StorageFull` or `StorageBroken`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


def write_durably(path: Path, content: bytes, *, mode: int = READABLE) -> None:
    """Replace `path` by `content`: a temporary file beside it, fsync, rename, fsync of the folder.

    At every instant of a crash the path holds all of the old content or all of the new.

    Raises:
        StorageFull: no room; the old file stands.
        StorageBroken: the folder is missing or read-only, or the disk failed; the old file stands.
    """
    with _beside(path) as temporary:
        temporary.write_bytes(content)
        _replace_durably(temporary, path, mode)


def copy_durably(source: Path, path: Path) -> None:
    """Replace `path` by a copy of a file of any file system, as `write_durably` does.

    Raises:
        StorageFull: no room; the old file stands.
        StorageBroken: either file cannot be read or written; the old file stands.
    """
    with _beside(path) as temporary:
        shutil.copyfile(source, temporary)
        _replace_durably(temporary, path, READABLE)


def move_durably(source: Path, path: Path) -> None:
    """Replace `path` by a finished file of the same file system, which is gone then.

    Raises:
        StorageFull: no room after all.
        StorageBroken: the disk refuses.
    """
    with storage_errors(path):
        _replace_durably(source, path, READABLE)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, that are there after a power cut, too.

    Raises:
        StorageFull: no room.
        StorageBroken: the disk refuses, or a file is in the way.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with storage_errors(folder):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Give a new file in the folder of `path`, readable by nobody else, and leave nothing under its name."""
    with storage_errors(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMP_SUFFIX)
        os.close(handle)
        try:
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)  # not there any more if all went well


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
    """Make the names inside `folder` durable: renames and unlinks are not, until this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_data(path: Path) -> None:
    """Make the bytes of `path` durable, whichever descriptor wrote them."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """Return the bytes an unprivileged writer still finds free."""
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock file; on a read-only disk without one, nothing is held.

    Raises:
        Conflict: another process holds it.
    """
    descriptor = _open_lock(path)
    if descriptor is None:  # read-only and never used before: nobody can write, so nobody is in the way
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
