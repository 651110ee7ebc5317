"""The file of one upload while it is written: locked, cut to what is durable, checked, synced."""

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
    """What a chunk must hash to; `algorithm` is `sha1` or `sha256`."""

    algorithm: str
    digest: bytes


class UploadFile:
    """An open upload: `durable` bytes count, `end` is where the next piece goes.

    Its methods block and run in threads; the lock keeps the descriptor open until a write that outlives its task ends.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path
        self._busy = Lock()
        self._hash = hashlib.sha256()
        self.checksum: Checksum | None = None
        self.durable = 0
        self.end = 0

    def start_chunk(self, offset: int, checksum: Checksum | None) -> None:
        """Start a chunk at `offset`, cutting off what a crash left beyond it."""
        self.checksum = checksum
        self.durable = self.end = offset
        self._hash = hashlib.new(checksum.algorithm if checksum else "sha256", usedforsecurity=False)
        self.discard_unflushed()

    def write(self, piece: bytes | bytearray) -> None:
        """Add a piece; it does not count yet.

        Raises:
            StorageFull: no room.
            StorageBroken: the disk refuses.
        """
        with self._busy, storage_errors(self._path):
            view = memoryview(piece)
            while view:
                written = os.pwrite(self._descriptor, view, self.end)
                self._hash.update(view[:written])
                self.end += written
                view = view[written:]

    def matches_checksum(self) -> bool:
        """Tell whether the chunk so far is what its checksum says."""
        return self.checksum is not None and self._hash.digest() == self.checksum.digest

    def flush(self) -> bool:
        """Make what was written durable; tell whether that was anything.

        Raises:
            StorageFull: no room after all.
            StorageBroken: the disk refuses; what it holds beyond `durable` is not to be believed.
        """
        with self._busy, storage_errors(self._path):
            if self.end == self.durable:
                return False
            os.fdatasync(self._descriptor)
            self.durable = self.end
            return True

    def discard_unflushed(self) -> None:
        """Cut off what is not durable."""
        with self._busy, storage_errors(self._path):
            os.ftruncate(self._descriptor, self.durable)
            self.end = self.durable

    def close(self) -> None:
        """Close and unlock, after a write that may still run."""
        with self._busy:
            os.close(self._descriptor)


@contextmanager
def lock_upload(path: Path) -> Iterator[UploadFile]:
    """Open an upload's file for this writer alone.

    Raises:
        NotFound: the file is gone.
        Conflict: another request, process or worker has it.
        StorageBroken: it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NotFound(f"the bytes of upload {path.name} are gone: send the file again") from error
    except OSError as error:  # no descriptor left, or a disk that is read-only now
        raise storage_error(error, path) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Conflict("another chunk of this upload is being written: wait for it") from error
    part = UploadFile(descriptor, path)
    try:
        yield part
    finally:
        part.close()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hex.

    Raises:
        StorageBroken: it cannot be read.
    """
    with storage_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
