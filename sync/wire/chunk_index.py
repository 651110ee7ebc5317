r"""The chunk list of an asset: how a file is divided into chunks, and the file format of the list.

`SIDX1` format: magic `SIDX1\\n`, asset SHA-256 (32 bytes), size (u64), count (u32), then per chunk its length (u32) and
SHA-256 (32 bytes); integers are big-endian. The lengths are explicit, so the origin chooses how it divides.
"""

import hashlib
import struct
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import BinaryIO

from sync.errors import CorruptContent
from sync.wire.release import INDEX_CAP_BYTES, Asset

MIB = 1024 * 1024
MOST_CHUNKS = 2048  # as in Syncthing: larger chunks instead of a longer list
LARGEST_CHUNK_BYTES = 16 * MIB

_MAGIC = b"SIDX1\n"
_HEAD = struct.Struct(">32sQI")
_ENTRY = struct.Struct(">I32s")
INDEX_HEAD_BYTES = len(_MAGIC) + _HEAD.size


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of an asset with its own hash: `offset` and `length` in bytes, `sha256` in hex."""

    number: int
    offset: int
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Index:
    """The chunk list of one asset."""

    asset: str
    size_bytes: int
    chunks: tuple[Chunk, ...]


def chunk_length(size_bytes: int) -> int:
    """Return the chunk length for a file: 1 MiB, doubled until there are at most 2,048 chunks; at most 16 MiB."""
    length = MIB
    while length < LARGEST_CHUNK_BYTES and length * MOST_CHUNKS < size_bytes:
        length *= 2
    return length


def index_file(file: BinaryIO, size_bytes: int) -> Index:
    """Divide an open file, from its present position, into chunks of `chunk_length(size_bytes)` and hash it."""
    whole = hashlib.sha256()
    chunks: list[Chunk] = []
    offset = 0
    while piece := file.read(chunk_length(size_bytes)):
        whole.update(piece)
        chunks.append(Chunk(len(chunks), offset, len(piece), hashlib.sha256(piece).hexdigest()))
        offset += len(piece)
    return Index(whole.hexdigest(), offset, tuple(chunks))


def dump_index(index: Index) -> bytes:
    """Return the index as the bytes of a file, whose name is their SHA-256."""
    head = _MAGIC + _HEAD.pack(bytes.fromhex(index.asset), index.size_bytes, len(index.chunks))
    return head + b"".join(_ENTRY.pack(chunk.length, bytes.fromhex(chunk.sha256)) for chunk in index.chunks)


def one_chunk_index(asset: Asset) -> Index | None:
    """Return the chunk list of an asset of one chunk, None if it has more: then its index file says which.

    That chunk is the whole file, so the release tells all of the list, and the hash of the list that it is right.
    """
    if asset.size_bytes > LARGEST_CHUNK_BYTES:
        return None
    index = Index(asset.sha256, asset.size_bytes, (Chunk(0, 0, asset.size_bytes, asset.sha256),))
    return index if hashlib.sha256(dump_index(index)).hexdigest() == asset.index else None


def load_index(raw: bytes) -> Index:
    """Parse an index file; raise CorruptContent if the magic, the size or the sum of the lengths is wrong."""
    start = INDEX_HEAD_BYTES
    if len(raw) > INDEX_CAP_BYTES or not raw.startswith(_MAGIC) or len(raw) < start:
        raise CorruptContent("not an index file")
    asset, size_bytes, count = _HEAD.unpack_from(raw, len(_MAGIC))
    if len(raw) != start + count * _ENTRY.size:
        raise CorruptContent(f"index names {count} chunks but has {len(raw)} bytes")
    chunks = tuple(_chunks(raw[start:]))
    if sum(chunk.length for chunk in chunks) != size_bytes or any(chunk.length == 0 for chunk in chunks):
        raise CorruptContent("chunk lengths do not add up to the size of the asset")
    return Index(asset.hex(), size_bytes, chunks)


def indexed_asset(head: bytes) -> str:
    """Return which asset an index file is of, from its first `INDEX_HEAD_BYTES` or more; empty: of none."""
    is_index = head.startswith(_MAGIC) and len(head) >= INDEX_HEAD_BYTES
    return head[len(_MAGIC) : len(_MAGIC) + 32].hex() if is_index else ""


def find_chunks(raw: bytes, wanted: AbstractSet[bytes]) -> Iterator[tuple[bytes, int]]:
    """Yield those chunks of an index file whose hash (as bytes) is wanted, each with its offset in the asset.

    Fast enough for a million chunks. Nothing is verified; the rest of a damaged list is ignored.
    """
    offset, count = 0, (len(raw) - INDEX_HEAD_BYTES) // _ENTRY.size
    for length, digest in _ENTRY.iter_unpack(raw[INDEX_HEAD_BYTES : INDEX_HEAD_BYTES + count * _ENTRY.size]):
        if digest in wanted:
            yield digest, offset
        offset += length


def _chunks(entries: bytes) -> Iterator[Chunk]:
    offset = 0
    for number, (length, digest) in enumerate(_ENTRY.iter_unpack(entries)):
        yield Chunk(number, offset, length, digest.hex())
        offset += length
