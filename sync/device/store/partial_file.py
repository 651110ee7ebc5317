"""A partial asset: one preallocated file, and the numbers of its verified chunks.

`write` checks each chunk against the chunk list, so the source of the bytes need not be trusted. Chunks are made
durable in groups (`sync.device.store.media_intake`): 66 flushes per GiB instead of 1,026.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sync.errors import CorruptContent
from sync.runtime.durable_files import read_at, set_aside, storage_errors, write_at
from sync.runtime.os_messages import os_reason
from sync.wire.chunk_index import Chunk, Index

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """What was verified and written at one moment; all numbers of chunks. It is durable after a later flush."""

    verified: frozenset[int]
    unsaved: frozenset[int]


class PartialFile:
    """One partial asset. All methods can be called from worker threads, and block.

    `wrote` is called after each chunk, with the number of bytes.
    """

    def __init__(self, path: Path, index: Index, chunk_list: str, saved: set[int], unsaved: set[int]) -> None:
        self.index = index
        self.chunk_list = chunk_list  # the name of the index file of the bitmap
        self.path = path
        self.wrote: Callable[[PartialFile, int], None] = lambda part, length: None
        self._verified = saved | unsaved
        self._unsaved = unsaved
        self._lock = threading.Lock()

    def verified(self) -> frozenset[int]:
        """Return the numbers of the verified chunks."""
        with self._lock:
            return frozenset(self._verified)

    def is_whole(self) -> bool:
        """Tell whether all chunks are verified."""
        return len(self._verified) == len(self.index.chunks)

    def has_unsaved(self) -> bool:
        """Tell whether a power cut now would lose verified bytes."""
        return bool(self._unsaved)

    def verified_bytes(self) -> int:
        """Return the bytes of the verified chunks."""
        return sum(self.index.chunks[number].length for number in self.verified())

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
        with storage_errors(self.path):
            descriptor = _open_or_replace(self.path) if self._is_one_chunk() else _open_to_write(self.path)
            try:
                write_at(descriptor, content, chunk.offset)
            finally:
                os.close(descriptor)
        with self._lock:
            new = chunk.number not in self._verified
            self._verified.add(chunk.number)
            self._unsaved.add(chunk.number)
        if new:
            self.wrote(self, chunk.length)

    def _is_one_chunk(self) -> bool:
        return len(self.index.chunks) == 1

    def written(self) -> Written:
        """Return what was written until now, to take before a flush of the file."""
        with self._lock:
            return Written(frozenset(self._verified), frozenset(self._unsaved))

    def saved(self, written: Written) -> bytes:
        """Record that this was made durable, and return its bitmap, which the caller can save now."""
        with self._lock:
            self._unsaved -= written.unsaved
        return dump_bitmap(written.verified, len(self.index.chunks))

    def discard(self) -> None:
        """Delete the file and forget its chunks: nobody knows which bytes are lost after a flush that failed.

        A second flush would succeed and prove nothing.
        """
        with storage_errors(self.path):
            self.path.unlink(missing_ok=True)
        with self._lock:
            self._verified.clear()
            self._unsaved.clear()


def open_partial_file(path: Path, index: Index, bitmap: bytes, chunk_list: str) -> PartialFile:
    """Open or create the file of a partial asset.

    Chunks with a set bit count as verified: a bit is saved after its bytes are durable. Other chunks are hashed where
    the file has data, so that chunks that arrived after the last flush survive a kill. Holes are skipped. The file of
    a single chunk is created when that arrives.

    Raises:
        StorageFull: the complete file does not fit; nothing was downloaded.
    """
    if len(index.chunks) == 1 and not os.path.lexists(path):
        return PartialFile(path, index, chunk_list, set(), set())
    with storage_errors(path):
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


def _open_to_write(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _reserve(descriptor: int, path: Path, size_bytes: int) -> None:
    try:
        os.posix_fallocate(descriptor, 0, size_bytes)
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
