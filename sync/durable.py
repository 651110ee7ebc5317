"""Writing files so that a power cut leaves the old or the new one, and disk faults as errors of ours."""

import errno
import fcntl
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync import Conflict, StorageBroken, StorageFull

TEMP_SUFFIX = ".tmp"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # RLIMIT_FSIZE and old file systems say EFBIG

log = logging.getLogger(__name__)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says about `path` into `StorageFull` or `StorageBroken`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(f"no room to write {path}: {error.strerror}") from error
        raise StorageBroken(f"{path}: {error.strerror or error}") from error


def write_durably(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` by `content`: a temporary file beside it, fsync, rename, fsync of the folder.

    At every instant of a crash the path holds all of the old content or all of the new.

    Raises:
        StorageFull: no room; the old file stands.
        StorageBroken: the folder is missing or read-only, or the disk failed; the old file stands.
    """
    with storage_errors(path):
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMP_SUFFIX)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
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
