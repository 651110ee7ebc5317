"""An asset under way: one preallocated file, and which of its chunks are verified in it.

Bytes enter only through `write`, which checks them against the chunk list, so any source may send anything: what
arrives is verified data or nothing. Made durable in groups (`settle`): 66 flushes per GiB instead of 1,026.
"""

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from sync.errors import CorruptContent
from sync.runtime.durable_files import storage_errors, sync_data, sync_folder
from sync.wire.chunk_index import Chunk, Index


class PartialFile:
    """One asset under way; all methods may be called from worker threads, and block."""

    def __init__(self, path: Path, index: Index, chunk_list: str, saved: set[int], unsaved: set[int]) -> None:
        self.index = index
        self.chunk_list = chunk_list  # the name of the index file its bitmap refers to
        self._path = path
        self._verified = saved | unsaved
        self._unsaved = unsaved
        self._lock = threading.Lock()

    def verified(self) -> frozenset[int]:
        """Return the numbers of the chunks verified so far."""
        with self._lock:
            return frozenset(self._verified)

    def unsaved_bytes(self) -> int:
        """Return how much would have to be fetched or hashed again after a power cut now."""
        with self._lock:
            return sum(self.index.chunks[number].length for number in self._unsaved)

    def missing(self) -> tuple[Chunk, ...]:
        """Return the chunks still to come, in file order."""
        held = self.verified()
        return tuple(chunk for chunk in self.index.chunks if chunk.number not in held)

    def write(self, chunk: Chunk, content: memoryview) -> None:
        """Verify one chunk and put it in its place.

        Raises:
            CorruptContent: the bytes are not the chunk; nothing is written.
            StorageFull, StorageBroken: the disk refused.
        """
        if hashlib.sha256(content).hexdigest() != chunk.sha256:
            raise CorruptContent(f"asset {self.index.asset}: chunk {chunk.number} does not hash to its name")
        with storage_errors(self._path):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_NOFOLLOW)
            try:
                written = 0
                while written < chunk.length:
                    written += os.pwrite(descriptor, content[written:], chunk.offset + written)
            finally:
                os.close(descriptor)
        with self._lock:
            self._verified.add(chunk.number)
            self._unsaved.add(chunk.number)

    def flush(self) -> bytes:
        """Make what is held durable and return its bitmap; only then may the bitmap be committed.

        Raises:
            StorageBroken: the flush failed. The kernel has by then forgotten which bytes are lost: the part must be
                discarded, never flushed again and believed.
        """
        with self._lock:
            numbers, saved = frozenset(self._verified), frozenset(self._unsaved)
        with storage_errors(self._path):
            sync_data(self._path)
        with self._lock:
            self._unsaved -= saved
        return dump_bitmap(numbers, len(self.index.chunks))

    def recheck(self) -> int:
        """Hash every held chunk again and give up those that are wrong; return how many."""
        with storage_errors(self._path), self._path.open("rb", buffering=0) as file:
            wrong = {n for n in self.verified() if not _matches(file.fileno(), self.index.chunks[n])}
        with self._lock:
            self._verified -= wrong
            self._unsaved -= wrong
        return len(wrong)


def open_partial_file(path: Path, index: Index, bitmap: bytes, chunk_list: str) -> PartialFile:
    """Open or create the file of an asset under way.

    Set bits are believed: they were committed after the bytes were durable. Chunks without a bit are hashed where the
    file has data, so that what arrived after the last commit survives a kill. Holes are skipped.

    Raises:
        StorageFull: the whole file does not fit; nothing was transferred.
    """
    with storage_errors(path):
        fresh = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            if os.fstat(descriptor).st_size != index.size_bytes:
                bitmap = b""
                os.ftruncate(descriptor, 0)
                _reserve(descriptor, path, index.size_bytes)
            saved = set(load_bitmap(bitmap, len(index.chunks)))
            unsaved = set(_recovered(descriptor, index, saved))
        finally:
            os.close(descriptor)
        if fresh:
            sync_folder(path.parent)
    return PartialFile(path, index, chunk_list, saved, unsaved)


def _reserve(descriptor: int, path: Path, size_bytes: int) -> None:
    try:
        os.posix_fallocate(descriptor, 0, size_bytes)
        os.fsync(descriptor)
    except OSError:
        path.unlink()  # a half-reserved file would hold room that others need
        raise


def _recovered(descriptor: int, index: Index, held: set[int]) -> Iterator[int]:
    data_from = 0
    for chunk in index.chunks:
        if chunk.number in held or chunk.offset + chunk.length <= data_from:
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
    return hashlib.sha256(os.pread(descriptor, chunk.length, chunk.offset)).hexdigest() == chunk.sha256


def dump_bitmap(numbers: frozenset[int], count: int) -> bytes:
    """Return one bit per chunk, lowest bit of the first byte first."""
    bits = bytearray((count + 7) // 8)
    for number in numbers:
        bits[number // 8] |= 1 << number % 8
    return bytes(bits)


def load_bitmap(bitmap: bytes, count: int) -> frozenset[int]:
    """Return the numbers of the set bits; one of another length says nothing."""
    if len(bitmap) != (count + 7) // 8:
        return frozenset()
    return frozenset(number for number in range(count) if bitmap[number // 8] >> number % 8 & 1)
