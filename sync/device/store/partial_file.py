"""A partial asset: one preallocated file, and the numbers of its verified chunks.

`write` checks each chunk against the chunk list, so the source of the bytes need not be trusted. Chunks are made
durable in groups (`sync.device.store.media_intake`): 66 flushes per GiB instead of 1,026.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sync.errors import CorruptContent
from sync.runtime.durable_files import read_at, set_aside, storage_error, storage_errors, write_at
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

    __slots__ = ("_kept", "_lock", "_unsaved", "_verified", "chunk_list", "index", "is_left", "path", "wrote")

    def __init__(
        self,
        path: Path,
        index: Index,
        chunk_list: str,
        saved: set[int],
        unsaved: set[int],
        kept: Mapping[int, int] = {},
    ) -> None:
        self.index = index
        self.chunk_list = chunk_list  # the name of the index file of the bitmap
        self.path = path
        self.is_left = False  # it could not be written, and is opened anew
        self.wrote: Callable[[PartialFile, int], None] = lambda part, length: None
        self._verified = saved | unsaved
        self._unsaved = unsaved
        self._kept = dict(kept)  # how much of the beginning of a missing chunk is in the file
        self._lock = threading.Lock()

    def verified(self) -> frozenset[int]:
        """Return the numbers of the verified chunks."""
        with self._lock:
            return frozenset(self._verified)

    def has(self, chunk: Chunk) -> bool:
        """Tell whether a chunk is verified."""
        with self._lock:
            return chunk.number in self._verified

    def has_all(self, chunks: Iterable[Chunk]) -> bool:
        """Tell whether these chunks are verified."""
        with self._lock:
            return self._verified.issuperset([chunk.number for chunk in chunks])

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
        self._write_at(content, chunk.offset)
        with self._lock:
            new = chunk.number not in self._verified
            self._kept.pop(chunk.number, None)
            self._verified.add(chunk.number)
            self._unsaved.add(chunk.number)
        if new:
            self.wrote(self, chunk.length)

    def _write_at(self, content: memoryview, offset: int) -> None:
        one_chunk = len(self.index.chunks) == 1
        try:
            descriptor = _open_new(self.path) if one_chunk else _open_to_write(self.path)
            try:
                if one_chunk and len(content) < self.index.size_bytes:
                    os.ftruncate(descriptor, self.index.size_bytes)
                write_at(descriptor, content, offset)
            finally:
                os.close(descriptor)
        except OSError as error:  # as `storage_errors`, in a fraction of its time
            raise storage_error(error, self.path) from error

    def kept_bytes(self, chunk: Chunk) -> int:
        """Return how much of the beginning of a missing chunk is in the file; nobody has verified it."""
        with self._lock:
            return self._kept.get(chunk.number, 0)

    def keep(self, chunk: Chunk, content: memoryview, kept: int) -> None:
        """Write the beginning of a missing chunk, of which `kept` bytes are in the file already.

        Raises:
            StorageFull, StorageBroken: the disk is full or failed.
        """
        self._write_at(content[kept:], chunk.offset + kept)
        with self._lock:
            self._kept[chunk.number] = len(content)

    def read_kept(self, chunk: Chunk, content: memoryview) -> None:
        """Read what was kept of a chunk; raises StorageBroken."""
        with storage_errors(self.path):
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                content[:] = read_at(descriptor, len(content), chunk.offset)
            finally:
                os.close(descriptor)

    def drop_kept(self, chunk: Chunk) -> None:
        """Discard what was kept of a chunk: it was wrong. Zeros replace it, so that no restart takes it up again."""
        with self._lock:
            kept = self._kept.pop(chunk.number, 0)
        if kept:
            self._write_at(memoryview(bytes(kept)), chunk.offset)

    def written(self) -> Written:
        """Return what was written until now, to take before a flush of the file."""
        with self._lock:
            return Written(frozenset(self._verified), frozenset(self._unsaved))

    def saved(self, written: Written) -> bytes:
        """Record that this was made durable, and return its bitmap, which the caller can save now."""
        with self._lock:
            self._unsaved -= written.unsaved
        return dump_bitmap(written.verified, len(self.index.chunks))

    def leave_cache(self, written: Written) -> None:
        """Give back the memory that holds what was made durable: a GiB that arrives pushes out nothing that plays."""
        with suppress(OSError):  # it is only an advice
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                for chunk in (self.index.chunks[number] for number in written.unsaved):
                    os.posix_fadvise(descriptor, chunk.offset, chunk.length, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)

    def discard(self) -> None:
        """Delete the file and forget its chunks: nobody knows which bytes are lost after a flush that failed.

        A second flush would succeed and prove nothing.
        """
        with storage_errors(self.path):
            self.path.unlink(missing_ok=True)
        with self._lock:
            self._verified.clear()
            self._unsaved.clear()
            self._kept.clear()


def open_partial_file(
    path: Path, index: Index, bitmap: bytes, chunk_list: str, *, damaged: bool = False
) -> PartialFile:
    """Open or create the file of a partial asset.

    Chunks with a set bit count as verified: a bit is saved after its bytes are durable. Other chunks are hashed where
    the file has data, so that chunks that arrived after the last flush survive a kill. Holes are skipped.
    With `damaged`, of a chunk that is not whole nothing is kept.

    Raises:
        StorageFull: the complete file does not fit; nothing was downloaded.
    """
    with storage_errors(path):
        descriptor = _open_or_replace(path)
        try:
            if os.fstat(descriptor).st_size != index.size_bytes:
                bitmap = b""
                os.ftruncate(descriptor, min(os.fstat(descriptor).st_size, index.size_bytes))
                _reserve(descriptor, path, index.size_bytes)
            saved = set(load_bitmap(bitmap, len(index.chunks)))
            unsaved, kept = _recovered(descriptor, index, saved)
            kept = {} if damaged else kept
        finally:
            os.close(descriptor)
    return PartialFile(path, index, chunk_list, saved, unsaved, kept)


def _open_or_replace(path: Path) -> int:
    """Open the file. What is no file of ours is put out of the way: the asset is fetched again."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
        set_aside(path)
    try:
        return os.open(path, flags, 0o644)
    except PermissionError:
        if not path.exists():
            raise
        path.unlink()
        return os.open(path, flags, 0o644)


def _open_new(path: Path) -> int:
    """Open a file that most often is not there yet."""
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        return _open_or_replace(path)


def _open_to_write(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _reserve(descriptor: int, path: Path, size_bytes: int) -> None:
    try:
        os.posix_fallocate(descriptor, 0, size_bytes)
    except OSError:
        path.unlink()  # a partly reserved file would take space from others
        raise


def _recovered(descriptor: int, index: Index, verified: set[int]) -> tuple[set[int], dict[int, int]]:
    """Return the chunks that are whole in the file, and how much there is of the beginning of others.

    A beginning ends with its last byte that is not zero: what follows was never written, and no hole is left where it
    was not written in order. If a power cut has lost some of it, the hash of the chunk tells. What is there to its end
    and wrong is damaged: nothing of it is kept.
    """
    whole: set[int] = set()
    kept: dict[int, int] = {}
    data_from = 0
    for chunk in index.chunks:
        if chunk.number in verified or chunk.offset + chunk.length <= data_from:
            continue
        data_from = _next_data(descriptor, chunk.offset, index.size_bytes)
        if data_from >= chunk.offset + chunk.length:
            continue
        content = _read(descriptor, chunk)
        if hashlib.sha256(content).hexdigest() == chunk.sha256:
            whole.add(chunk.number)
        elif 0 < (length := len(content.rstrip(b"\0"))) < chunk.length:
            kept[chunk.number] = length
    return whole, kept


def _next_data(descriptor: int, offset: int, size_bytes: int) -> int:
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError:  # ENXIO: holes to the end
        return size_bytes


def _read(descriptor: int, chunk: Chunk) -> bytes:
    try:
        return read_at(descriptor, chunk.length, chunk.offset)
    except OSError as error:  # a chunk that cannot be read is not there
        log.warning("chunk=%s cannot be read: %s", chunk.sha256, os_reason(error))
        return b""


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
