"""What the stored chunk lists (`store/index`) tell of the assets on this device: whose they are, where a chunk is."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path

from sync.device.store.media_files import hash_names
from sync.errors import StorageBroken
from sync.runtime.durable_files import read_file
from sync.wire.chunk_index import INDEX_HEAD_BYTES, find_chunks, indexed_asset
from sync.wire.release import INDEX_CAP_BYTES


def listed_assets(folder: Path) -> dict[str, str]:
    """Return the names of all chunk lists, each with its asset. Blocks."""
    return {name: indexed_asset(_read(folder / name, INDEX_HEAD_BYTES)) for name in hash_names(folder)}


def chunk_places(folder: Path, wanted: Iterable[str], assets: AbstractSet[str]) -> dict[str, tuple[str, int]]:
    """Return where chunks are in these assets: by the hash of each that is found the asset, and the offset in it.

    Who copies from there has to verify the bytes: neither lists nor assets are. One list after the other is read, so
    that memory does not grow with what is stored. Blocks.
    """
    hashes = {bytes.fromhex(sha256) for sha256 in wanted}
    found: dict[str, tuple[str, int]] = {}
    for name in hash_names(folder) if hashes and assets else ():
        raw = _read(folder / name, INDEX_CAP_BYTES)
        if (asset := indexed_asset(raw)) in assets:
            found |= {digest.hex(): (asset, offset) for digest, offset in find_chunks(raw, hashes)}
    return found


def _read(path: Path, most_bytes: int) -> bytes:
    try:
        return (read_file(path, most_bytes) or b"")[:most_bytes]
    except StorageBroken:  # it is fetched again when it is needed
        return b""
