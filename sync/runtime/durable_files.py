"""Files that must last: reads them whole, writes them so that a power cut leaves old or new content.

Only a file that is not there counts as missing. One that cannot be read is there: nothing may be concluded from that.
"""

import ctypes
import errno
import fcntl
import hashlib
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from sync.errors import Conflict, StorageBroken, StorageFull
from sync.runtime.os_messages import os_reason

TEMP_SUFFIX = ".tmp"
READABLE = 0o644
"""Everybody can read the file: a web server of another user may serve the content of the origin."""
_FULL = {errno.ENOSPC, errno.EDQUOT}
_OF_THE_DISK = {*_FULL, errno.EROFS, errno.ENODEV, errno.ENXIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_MAY_PASS = {errno.EIO, errno.EAGAIN, errno.ENOMEM, errno.ESTALE, errno.ETIMEDOUT}
_READ_TRIES = 3  # a memory card or a network disk that fails once often answers the next time
_HASH_BYTES = 4 * 1024 * 1024
_LIBC = ctypes.CDLL(None, use_errno=True)

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


def storage_error(error: OSError, path: Path) -> StorageFull | StorageBroken:
    """Return the error of this project for an error of the operating system about `path`."""
    found: StorageFull | StorageBroken
    if error.errno == errno.EFBIG:  # of RLIMIT_FSIZE, and of old file systems
        found = StorageFull(f"{path.name} cannot be written: {os_reason(error)}")
    elif error.errno in _FULL:
        found = StorageFull(f"the disk is full, {path.name} cannot be written: delete something and try again")
    else:
        found = StorageBroken(f"{path} cannot be used: {os_reason(error)}")
    found.__cause__ = error
    return found


def is_of_one_file(error: BaseException | None) -> bool:
    """Return whether a fault may be of one file alone, such as a damaged inode, so that others can be used."""
    cause = error.__cause__ if isinstance(error, StorageBroken | StorageFull) else error
    return isinstance(cause, OSError) and cause.errno not in _OF_THE_DISK


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn errors of the operating system about `path` into `StorageFull` or `StorageBroken`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


def read_file(path: Path, cap_bytes: int) -> bytes | None:
    """Return the content of a file; None if there is none. Of a larger file only `cap_bytes` + 1 bytes are returned.

    A read that fails, or that ends before the end of the file, is tried again twice.

    Raises:
        StorageBroken: something has this name, and it cannot be read or is not a file.
    """
    with storage_errors(path):
        try:
            return _tried_again(lambda: _read_whole(path, cap_bytes + 1))
        except FileNotFoundError:
            if not os.path.lexists(path):
                return None
    raise StorageBroken(f"{path} cannot be used: it is a link to a file that is not there")


def _read_whole(path: Path, most_bytes: int) -> bytes:
    descriptor = _open_file(path)
    try:
        return read_at(descriptor, min(most_bytes, os.fstat(descriptor).st_size), 0)
    finally:
        os.close(descriptor)


def _open_file(path: Path, flags: int = 0) -> int:
    """Open a regular file to read. Opening anything else does not block."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | flags)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    raise StorageBroken(f"{path} cannot be used: it is {'a folder' if stat.S_ISDIR(mode) else 'a device'}, not a file")


def read_at(descriptor: int, length: int, offset: int) -> bytes:
    """Return `length` bytes from `offset`, in as many reads as it takes.

    Raises:
        OSError: the file cannot be read, or ends before that (EIO).
    """
    content = bytearray()
    while len(content) < length:
        piece = os.pread(descriptor, length - len(content), offset + len(content))
        if not piece:
            raise OSError(errno.EIO, "the file ends too early")
        content += piece
    return bytes(content)


def write_at(descriptor: int, content: memoryview, offset: int) -> None:
    """Write all of `content` at `offset`, in as many writes as it takes."""
    written = 0
    while written < len(content):
        written += os.pwrite(descriptor, content[written:], offset + written)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file without filling the page cache, which playback needs. Blocks; follows no link.

    Raises:
        OSError: the file cannot be read to its end. This says nothing about its content.
    """
    return _tried_again(lambda: _hash_whole(path))


def _hash_whole(path: Path) -> str:
    digest, done = hashlib.sha256(), 0
    buffer = memoryview(bytearray(_HASH_BYTES))
    descriptor = _open_file(path, os.O_NOFOLLOW)
    try:
        while count := os.preadv(descriptor, [buffer], done):
            digest.update(buffer[:count])
            done += count
        if done < os.fstat(descriptor).st_size:
            raise OSError(errno.EIO, "the file ends too early")
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def _tried_again(read: Callable[[], Answer]) -> Answer:
    for _ in range(_READ_TRIES - 1):
        try:
            return read()
        except OSError as error:
            if error.errno not in _MAY_PASS:
                raise
            log.debug("read again after: %s", error)
    return read()


def write_durably(path: Path, content: bytes, *, mode: int = READABLE, later: bool = False) -> None:
    """Replace the content of `path`: write a temporary file, fsync, rename, fsync of the folder.

    After a crash the path has all of the old content or all of the new. With `later` its time of change is in a later
    second than before, even if the clock is not.

    Raises:
        StorageFull: the disk is full; the old file stays.
        StorageBroken: the folder is missing or read-only, or the disk failed; the old file stays.
    """
    with _beside(path, content) as temporary:
        if later and path.exists() and temporary.stat().st_mtime < (next_s := int(path.stat().st_mtime) + 1):
            os.utime(temporary, (next_s, next_s))
        _replace_durably(temporary, path, mode)


def write_unflushed(path: Path, content: bytes) -> None:
    """Replace the content of `path` without waiting for the disk: after a power cut it may be missing or damaged.

    For what has its hash as its name and can be fetched again.

    Raises:
        StorageFull, StorageBroken: as `write_durably`.
    """
    with _beside(path, content) as temporary:
        temporary.chmod(READABLE)
        _rename(temporary, path)


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
def _beside(path: Path, content: bytes = b"") -> Iterator[Path]:
    """Yield a new file in the folder of `path`, readable by its owner only; delete it at the end."""
    with storage_errors(path):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=TEMP_SUFFIX)
        try:
            try:
                write_at(descriptor, memoryview(content), 0)
            finally:
                os.close(descriptor)
            yield Path(name)
        finally:
            Path(name).unlink(missing_ok=True)  # renamed already, unless something failed


def _replace_durably(finished: Path, path: Path, mode: int) -> None:
    finished.chmod(mode)
    if os.geteuid() == 0:  # a person who runs a command as root must not take the file from the service
        folder = path.parent.stat()
        with suppress(PermissionError):  # of file systems without owners, or without the capability
            os.chown(finished, folder.st_uid, folder.st_gid)
    descriptor = os.open(finished, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _rename(finished, path)
    sync_folder(path.parent)


def _rename(finished: Path, path: Path) -> None:
    try:
        finished.replace(path)
    except IsADirectoryError:
        set_aside(path)
        finished.replace(path)


def set_aside(path: Path) -> Path | None:
    """Rename what has this name to `NAME.aside`, or to `NAME.aside-2` and so on. Nothing that has content is deleted.

    Returns the new name; None if there was nothing, or an empty folder, which is removed.

    Raises:
        OSError: it cannot be renamed.
    """
    if not os.path.lexists(path):
        return None
    with suppress(OSError):  # it is a file, or has content
        path.rmdir()
        return None
    names = (path.with_name(f"{path.name}.aside{number}") for number in ("", *(f"-{n}" for n in range(2, 10_000))))
    aside = next(name for name in names if not os.path.lexists(name))
    path.rename(aside)
    log.warning("path=%s is in the way and was renamed to %s", path, aside.name)
    return aside


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


def sync_files(folder: Path, paths: Sequence[Path]) -> Mapping[Path, OSError]:
    """Make files of `folder`, their bytes and their names, durable together; return those of which that failed.

    Several files share one `syncfs`: one flush of the disk instead of one for each file. It reports lost bytes from
    Linux 5.8 on, and also waits for what other programs wrote. When it fails, each file is asked by itself, because
    the one that was lost may be of another program.
    """
    if len(paths) > 1 and _syncfs_reports_errors():
        try:
            _syncfs(folder)
        except OSError as error:
            log.warning("folder=%s cannot be flushed as a whole: %s", folder, os_reason(error))
        else:
            return {}
    failed: dict[Path, OSError] = {}
    for path in paths:
        try:
            sync_data(path)
        except OSError as error:
            failed[path] = error
    if len(failed) < len(paths):
        sync_folder(folder)
    return failed


def _syncfs_reports_errors() -> bool:
    release = os.uname().release.split(".")
    return hasattr(_LIBC, "syncfs") and tuple(int(part) for part in release[:2] if part.isdecimal()) >= (5, 8)


def _syncfs(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _LIBC.syncfs(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(descriptor)


def file_stamp(path: Path) -> str:
    """Return what changes when somebody writes to a file or replaces it; empty if it is not there."""
    try:
        found = path.lstat()
    except OSError:
        return ""
    return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def free_bytes(folder: Path) -> int:
    """Return the free bytes for users without privileges."""
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a file and its folder exclusively: the folder counts when the file was deleted or cannot be opened.

    Where neither can be opened, nothing is locked: no other process can write there either.

    Raises:
        Conflict: another process has locked one of them.
    """
    descriptors = [opened for opened in (_open_lock(path), _open_folder(path.parent)) if opened is not None]
    try:
        for descriptor in descriptors:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                folder = path.parent.parent
                raise Conflict(f"another signage-player already uses {folder}; stop it first") from error
        yield
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _open_lock(path: Path) -> int | None:
    for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        try:
            return os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
        except OSError as error:
            log.debug("lock=%s flags=%s: %s", path, flags, error)
    return None


def _open_folder(folder: Path) -> int | None:
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        log.debug("folder=%s: %s", folder, error)
        return None
