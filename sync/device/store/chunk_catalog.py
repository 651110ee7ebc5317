"""The catalogue `index.db`: which chunks of partial files are durable, and when an asset was last needed.

It can be rebuilt from the files. So a damaged or locked catalogue is renamed and a new one started. Playing content
does not need it.
"""

import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

from sync.errors import StorageBroken
from sync.runtime.durable_files import storage_errors
from sync.runtime.sqlite import Database, open_database

_MIGRATIONS = (
    """
    -- One row per whole asset that was hashed on this device.
    CREATE TABLE assets (
        sha256 TEXT PRIMARY KEY,
        needed_ms INTEGER NOT NULL -- when a release last needed it, Unix ms UTC
    ) STRICT;
    -- One row per asset under way.
    CREATE TABLE parts (
        asset TEXT PRIMARY KEY,
        chunk_list TEXT NOT NULL, -- SHA-256 of the index file the bits refer to
        bitmap BLOB NOT NULL -- a set bit: the chunk was verified and made durable before this was committed
    ) STRICT;
    """,
)
_BITMAPS = "SELECT asset, chunk_list, bitmap FROM parts"
_RECORD = """
    INSERT INTO parts (asset, chunk_list, bitmap) VALUES (:asset, :chunk_list, :bitmap)
    ON CONFLICT (asset) DO UPDATE SET chunk_list = excluded.chunk_list, bitmap = excluded.bitmap
"""
_ASSETS = "SELECT sha256, needed_ms FROM assets"
_NEEDED = """
    INSERT INTO assets (sha256, needed_ms) VALUES (:sha256, :needed_ms)
    ON CONFLICT (sha256) DO UPDATE SET needed_ms = excluded.needed_ms
"""
_FORGET_PART = "DELETE FROM parts WHERE asset = :asset"
_FORGET_ASSET = "DELETE FROM assets WHERE sha256 = :asset"

log = logging.getLogger(__name__)


class ChunkCatalog:
    """The open catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bitmaps(self) -> dict[tuple[str, str], bytes]:
        """Return the durable bitmap of each partial file, by asset and chunk list."""
        return {(row["asset"], row["chunk_list"]): bytes(row["bitmap"]) for row in await self._database.rows(_BITMAPS)}

    async def save_bitmaps(self, bitmaps: Mapping[tuple[str, str], bytes]) -> None:
        """Save bitmaps whose bytes are durable already."""
        rows = [{"asset": asset, "chunk_list": chunks, "bitmap": bits} for (asset, chunks), bits in bitmaps.items()]
        async with self._database.transaction():
            await self._database.execute_many(_RECORD, rows)

    async def assets(self) -> dict[str, int]:
        """Return the complete assets and when each was last needed, in Unix ms."""
        return {row["sha256"]: row["needed_ms"] for row in await self._database.rows(_ASSETS)}

    async def mark_complete(self, assets: Collection[str], at: datetime) -> None:
        """Record that assets are complete and were needed at `at`."""
        rows = [{"sha256": sha256, "needed_ms": int(at.timestamp() * 1000)} for sha256 in assets]
        async with self._database.transaction():
            await self._database.execute_many(_FORGET_PART, [{"asset": sha256} for sha256 in assets])
            await self._database.execute_many(_NEEDED, rows)

    async def delete(self, assets: Collection[str]) -> None:
        """Delete the rows of these assets; call it before their files are deleted."""
        rows = [{"asset": sha256} for sha256 in assets]
        async with self._database.transaction():
            await self._database.execute_many(_FORGET_PART, rows)
            await self._database.execute_many(_FORGET_ASSET, rows)


@asynccontextmanager
async def open_catalog(path: Path) -> AsyncIterator[ChunkCatalog]:
    """Open `index.db`. A damaged or locked one is renamed to `index.db.aside` and a new one is started.

    Raises:
        StorageBroken: a new one cannot be written either.
        StorageFull: the disk is full.
    """
    async with AsyncExitStack() as stack:
        try:
            database = await stack.enter_async_context(open_database(path, _MIGRATIONS))
        except StorageBroken as error:
            log.warning("catalog=%s is renamed and rebuilt: %s", path, error)
            _set_aside(path)
            database = await stack.enter_async_context(open_database(path, _MIGRATIONS))
        yield ChunkCatalog(database)


def _set_aside(path: Path) -> None:
    with storage_errors(path):
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        if path.exists():
            path.replace(path.with_name(path.name + ".aside"))
