"""Divides an asset into chunks by its content, so that a screen fetches only what an edit changed.

The cuts are those of FastCDC (W. Xia et al., "The Design of Fast Content-Defined Chunking for Data Deduplication Based
Storage Systems", IEEE TPDS 2020) in the variant of `pyfastcdc`. They depend on the bytes before them only, so what was
inserted or removed moves them along. An MP4 file is also cut where its media data begin and end: its table of samples
changes with every edit, and takes no neighbour along.

Only the compiled `pyfastcdc` is used; in pure Python it is 200 times slower. Without it chunks have a fixed length.
Devices take any lengths, so a list by one rule is as good as by another.
"""

import hashlib
import warnings
from itertools import pairwise
from typing import BinaryIO

from sync.wire.chunk_index import LARGEST_CHUNK_BYTES, MIB, MOST_CHUNKS, Chunk, Index, index_file

_COMPILED: bool
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns when its compiled part is missing
        import pyfastcdc
    _COMPILED = pyfastcdc.FastCDC.__module__.startswith("pyfastcdc.cy")
except ImportError:
    _COMPILED = False

SMALLEST_DIVIDED_BYTES = 256 * 1024
"""An asset up to this size is one chunk: then a device needs no list of it."""

SMALLEST_AVERAGE_BYTES = 128 * 1024
EXPECTED_CHUNKS = 1024
"""The average length is doubled until about as many chunks are expected."""

_LARGEST_CUTTER_BYTES = 4 * MIB  # of pyfastcdc
_MOST_BOXES = 64  # on the top level of an MP4 file, before its media data


def describe_chunker() -> str:
    """Return how this origin divides assets, for people."""
    if _COMPILED:
        return f"by content (pyfastcdc {pyfastcdc.__version__}, compiled)"
    return "at fixed lengths, because the compiled pyfastcdc is not installed: screens fetch more after an edit"


def divides_by_content() -> bool:
    """Tell whether the compiled chunker is here."""
    return _COMPILED


def divide(file: BinaryIO, size_bytes: int) -> Index:
    """Divide an open file of this size, and hash it and its chunks.

    By content if that is possible here, and gives no more than 2,048 chunks and more than one. The same bytes always
    have the same cuts.
    """
    average = average_bytes(size_bytes)
    while _COMPILED and size_bytes > SMALLEST_DIVIDED_BYTES and average <= 2 * _LARGEST_CUTTER_BYTES:
        index = _cut(file, size_bytes, average)
        if len(index.chunks) <= MOST_CHUNKS:
            return index
        average *= 2
    return divide_evenly(file, size_bytes)


def divide_evenly(file: BinaryIO, size_bytes: int) -> Index:
    """Divide an open file into chunks of one length: the rule before there was another one."""
    file.seek(0)
    return index_file(file, size_bytes)


def average_bytes(size_bytes: int) -> int:
    """Return the average chunk length for a file: 128 KiB, doubled until about 1,024 chunks are expected."""
    average = SMALLEST_AVERAGE_BYTES
    while average * EXPECTED_CHUNKS < size_bytes:
        average *= 2
    return average


def _cut(file: BinaryIO, size_bytes: int, average: int) -> Index:
    cutter = pyfastcdc.FastCDC(
        min(average * 3 // 4, _LARGEST_CUTTER_BYTES),  # after this length a cut is four times as probable
        min_size=min(average // 8, MIB),
        max_size=min(average * 4, LARGEST_CHUNK_BYTES),
        normalized_chunking=1,
    )
    whole = hashlib.sha256()
    chunks: list[Chunk] = []
    edges = (0, *media_data_edges(file, size_bytes), size_bytes)
    file.seek(0)
    for start, end in pairwise(edges):
        for piece in cutter.cut_stream(_Section(file, end - start)):
            whole.update(piece.data)
            chunks.append(
                Chunk(len(chunks), start + piece.offset, piece.length, hashlib.sha256(piece.data).hexdigest())
            )
            if len(chunks) > MOST_CHUNKS:
                return Index("", size_bytes, tuple(chunks))
    return Index(whole.hexdigest(), size_bytes, tuple(chunks))


def media_data_edges(file: BinaryIO, size_bytes: int) -> tuple[int, ...]:
    """Return where the media data of an MP4 file (the first `mdat`, ISO/IEC 14496-12) begin and end, inside the file.

    Of other files nowhere. The head of the box, which has its length, belongs to what is before it.
    """
    at = 0
    for number in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        length, kind, head_bytes = int.from_bytes(head[:4]), head[4:8], 8
        if length == 1:  # the length is in the 8 bytes after the kind
            length, head_bytes = int.from_bytes(head[8:]), 16
        elif length == 0:  # to the end of the file
            length = size_bytes - at
        if length < head_bytes or at + length > size_bytes or (number == 0 and kind != b"ftyp"):
            break
        if kind == b"mdat":
            return tuple(sorted({at + head_bytes, at + length} - {size_bytes}))
        at += length
    return ()


class _Section:
    """The next `length` bytes of an open file, as a stream."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def readinto(self, buffer: memoryview) -> int:
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)
