"""A partial asset: one preallocated file, and the numbers of its verified chunks.

`write` checks each chunk against the chunk list, so the source of the bytes need not be trusted. Chunks are made
durable in groups (`flush`): 66 flushes per GiB instead of 1,026.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from sync.errors import CorruptContent
from sync.runtime.durable_files import read_at, set_aside, storage_errors, sync_data, sync_folder, write_at
from sync.runtime.os_messages import os_reason
from sync.wire.chunk_index import Chunk, Index

log = logging.getLogger(__name__)


class PartialFile:
    """One partial asset. All methods can be called from worker threads, and block."""

    def __init__(self, path: Path, index: Index, chunk_list: str, saved: set[int], unsaved: set[int]) -> None:
        self.index = index
        self.chunk_list = chunk_list  # the name of the index file of the bitmap
        self._path = path
        self._verified = saved | unsaved
        self._unsaved = unsaved
        self._lock = threading.Lock()

    def verified(self) -> frozenset[int]:
        """Return the numbers of the verified chunks."""
        with self._lock:
            return frozenset(self._verified)

    def unsaved_bytes(self) -> int:
        """Return the verified bytes that a power cut now would lose."""
        with self._lock:
            return sum(self.index.chunks[number].length for number in self._unsaved)

    def missing(self) -> tuple[Chunk, ...]:
        """Return the missing chunks, in file order."""
        verified = self.verified()
        return tuple(chunk for chunk in self.index.chunks if chunk.number not in verified)

    def write(self, chunk: Chunk, content: memoryview) -> None:
        """Verify one chunk and write it.

        Raises:
            CorruptContent: the bytes do not match the hash; nothing is written.
            StorageFull, StorageBroken: the disk is full or failed.
        """
        if hashlib.sha256(content).hexdigest() != chunk.sha256:
            raise CorruptContent(f"asset {self.index.asset}: chunk {chunk.number} does not match its hash")
        with storage_errors(self._path):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_NOFOLLOW)
            try:
                write_at(descriptor, content, chunk.offset)
            finally:
                os.close(descriptor)
        with self._lock:
            self._verified.add(chunk.number)
            self._unsaved.add(chunk.number)

    def flush(self) -> bytes:
        """Make the verified chunks durable and return their bitmap, which the caller can save now.

        Raises:
            StorageBroken: the flush failed. The kernel no longer knows which bytes are lost, so the file must be
                deleted. A second flush would succeed and prove nothing.
        """
        with self._lock:
            numbers, saved = frozenset(self._verified), frozenset(self._unsaved)
        with storage_errors(self._path):
            sync_data(self._path)
        with self._lock:
            self._unsaved -= saved
        return dump_bitmap(numbers, len(self.index.chunks))

    def recheck(self) -> int:
        """Hash all verified chunks again and discard damaged ones; return how many."""
        with storage_errors(self._path), self._path.open("rb", buffering=0) as file:
            damaged = {n for n in self.verified() if not _matches(file.fileno(), self.index.chunks[n])}
        with self._lock:
            self._verified -= damaged
            self._unsaved -= damaged
        return len(damaged)


def open_partial_file(path: Path, index: Index, bitmap: bytes, chunk_list: str) -> PartialFile:
    """Open or create the file of a partial asset.

    Chunks with a set bit count as verified: a bit is saved after its bytes are durable. Other chunks are hashed where
    the file has data, so that chunks that arrived after the last flush survive a kill. Holes are skipped.

    Raises:
        StorageFull: the complete file does not fit; nothing was downloaded.
    """
    with storage_errors(path):
        new = not path.exists()
        descriptor = _open_or_replace(path)
        try:
            if os.fstat(descriptor).st_size != index.size_bytes:
                bitmap = b""
                os.ftruncate(descriptor, 0)
                _reserve(descriptor, path, index.size_bytes)
            saved = set(load_bitmap(bitmap, len(index.chunks)))
            unsaved = set(_recovered(descriptor, index, saved))
        finally:
            os.close(descriptor)
        if new:
            sync_folder(path.parent)
    return PartialFile(path, index, chunk_list, saved, unsaved)


def _open_or_replace(path: Path) -> int:
    """Open the file. What is no file of ours is put out of the way: the asset is fetched again."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    if os.path.lexists(path) and not path.is_symlink() and not path.is_file():
        set_aside(path)
    try:
        return os.open(path, flags, 0o644)
    except PermissionError:
        if not path.exists():
            raise
        path.unlink()
        return os.open(path, flags, 0o644)


def _reserve(descriptor: int, path: Path, size_bytes: int) -> None:
    try:
        os.posix_fallocate(descriptor, 0, size_bytes)
        os.fsync(descriptor)
    except OSError:
        path.unlink()  # a partly reserved file would take space from others
        raise


def _recovered(descriptor: int, index: Index, verified: set[int]) -> Iterator[int]:
    data_from = 0
    for chunk in index.chunks:
        if chunk.number in verified or chunk.offset + chunk.length <= data_from:
            continue
        data_from = _next_data(descriptor, chunk.offset, index.size_bytes)
        if data_from < chunk.offset + chunk.length and _matches(descriptor, chunk):
            yield chunk.number


def _next_data(descriptor: int, offset: int, size_bytes: int) -> int:
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError:  # ENXIO: holes to the end
        return size_bytes


def _matches(descriptor: int, chunk: Chunk) -> bool:
    try:
        return hashlib.sha256(read_at(descriptor, chunk.length, chunk.offset)).hexdigest() == chunk.sha256
    except OSError as error:  # a chunk that cannot be read is not there
        log.warning("chunk=%s cannot be read: %s", chunk.sha256, os_reason(error))
        return False


def dump_bitmap(numbers: frozenset[int], count: int) -> bytes:
    """Return one bit per chunk, lowest bit of the first byte first."""
    bits = bytearray((count + 7) // 8)
    for number in numbers:
        bits[number // 8] |= 1 << number % 8
    return bytes(bits)


def load_bitmap(bitmap: bytes, count: int) -> frozenset[int]:
    """Return the numbers of the set bits; none if the bitmap has another length."""
    if len(bitmap) != (count + 7) // 8:
        return frozenset()
    return frozenset(number for number in range(count) if bitmap[number // 8] >> number % 8 & 1)
