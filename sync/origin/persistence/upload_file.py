"""The file of one upload while it is written: locked, truncated to its durable length, checked and synced."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from sync.errors import Conflict, NotFound
from sync.runtime.durable_files import storage_error, storage_errors


@dataclass(frozen=True, slots=True)
class Checksum:
    """The hash a chunk must have; `algorithm` is `sha1` or `sha256`."""

    algorithm: str
    digest: bytes


class UploadFile:
    """An open upload: the first `durable` bytes are synced, the next piece is written at `end`.

    All methods block, so they run in threads. A write may outlive its task; `close` waits for it.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path
        self._in_use = Lock()
        self._hash = hashlib.sha256()
        self.checksum: Checksum | None = None
        self.durable = 0
        self.end = 0

    def start_chunk(self, offset: int, checksum: Checksum | None) -> None:
        """Start a chunk at `offset`; what a crash left beyond it is discarded."""
        self.checksum = checksum
        self.durable = self.end = offset
        self._hash = hashlib.new(checksum.algorithm if checksum else "sha256", usedforsecurity=False)
        self.discard_unflushed()

    def write(self, piece: bytes | bytearray) -> None:
        """Write a piece; it is not durable yet.

        Raises:
            StorageFull: no room.
            StorageBroken: the disk refuses.
        """
        with self._in_use, storage_errors(self._path):
            view = memoryview(piece)
            while view:
                written = os.pwrite(self._descriptor, view, self.end)
                self._hash.update(view[:written])
                self.end += written
                view = view[written:]

    def matches_checksum(self) -> bool:
        """Tell whether the chunk written so far matches its checksum; False if it has none."""
        return self.checksum is not None and self._hash.digest() == self.checksum.digest

    def flush(self) -> bool:
        """Make what was written durable; False if there was nothing new.

        Raises:
            StorageFull: no room.
            StorageBroken: the disk refuses; the bytes beyond `durable` are not reliable.
        """
        with self._in_use, storage_errors(self._path):
            if self.end == self.durable:
                return False
            os.fdatasync(self._descriptor)
            self.durable = self.end
            return True

    def discard_unflushed(self) -> None:
        """Truncate the file to what is durable."""
        with self._in_use, storage_errors(self._path):
            os.ftruncate(self._descriptor, self.durable)
            self.end = self.durable

    def close(self) -> None:
        """Close and unlock, once no write runs any more."""
        with self._in_use:
            os.close(self._descriptor)


@contextmanager
def lock_upload(path: Path) -> Iterator[UploadFile]:
    """Open an upload's file and lock it for this writer.

    Raises:
        NotFound: the file is missing.
        Conflict: another request, worker or process has locked it.
        StorageBroken: it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NotFound(f"the bytes of upload {path.name} are missing: send the file again") from error
    except OSError as error:  # too many open files, or the disk has become read-only
        raise storage_error(error, path) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Conflict("another chunk of this upload is being written: try again later") from error
    file = UploadFile(descriptor, path)
    try:
        yield file
    finally:
        file.close()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hex; a pipe never blocks this, and a link is not followed.

    Raises:
        StorageBroken: it cannot be read.
    """
    with storage_errors(path), open(path, "rb", opener=_open_at_once) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)
