"""The catalogue `index.db`: which chunks of partial files are durable, and when an asset was last needed.

It can be rebuilt from the files. So a damaged or locked catalogue is renamed and a new one started. Playing content
does not need it.
"""

import json
import logging
import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

from sync.errors import StorageBroken
from sync.runtime.clock import unix_ms
from sync.runtime.durable_files import set_aside, storage_errors
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
    """
    -- Size and time of the last change of the file when it was hashed; another one: hash it again.
    ALTER TABLE assets ADD COLUMN stamp TEXT NOT NULL DEFAULT '';
    """,
    """
    -- SHA-256 of the index file whose chunks the file has, until it was hashed as a whole; then empty.
    ALTER TABLE assets ADD COLUMN chunk_list TEXT NOT NULL DEFAULT '';
    -- When it was last hashed as a whole on this device, Unix ms UTC; 0: never, or by an older version.
    ALTER TABLE assets ADD COLUMN hashed_ms INTEGER NOT NULL DEFAULT 0;
    """,
)
_BITMAPS = "SELECT asset, chunk_list, bitmap FROM parts WHERE asset IN (SELECT value FROM json_each(:names))"
_RECORD = """
    INSERT INTO parts (asset, chunk_list, bitmap) VALUES (:asset, :chunk_list, :bitmap)
    ON CONFLICT (asset) DO UPDATE SET chunk_list = excluded.chunk_list, bitmap = excluded.bitmap
"""
_ASSETS = "SELECT sha256, needed_ms, stamp FROM assets"
_COMPLETE = """
    INSERT INTO assets (sha256, needed_ms, stamp, chunk_list, hashed_ms)
    VALUES (:sha256, :at_ms, :stamp, :chunk_list, iif(:chunk_list = '', :at_ms, 0))
    ON CONFLICT (sha256) DO UPDATE
    SET needed_ms = excluded.needed_ms, stamp = excluded.stamp, chunk_list = excluded.chunk_list,
        hashed_ms = excluded.hashed_ms
"""
_STAMPED = "UPDATE assets SET stamp = :stamp WHERE sha256 = :sha256"
_NEEDED = "UPDATE assets SET needed_ms = :at_ms WHERE sha256 IN (SELECT value FROM json_each(:names))"
_UNPROVEN = "SELECT sha256, chunk_list FROM assets WHERE chunk_list != ''"
_HASHED_FIRST = """
    SELECT sha256 FROM assets WHERE chunk_list = '' ORDER BY iif(hashed_ms > :now_ms, 0, hashed_ms), sha256 LIMIT 1
"""
_HASHED = "UPDATE assets SET stamp = :stamp, chunk_list = '', hashed_ms = :at_ms WHERE sha256 = :sha256"
_FORGET_PART = "DELETE FROM parts WHERE asset = :asset"
_FORGET_ASSET = "DELETE FROM assets WHERE sha256 = :asset"

log = logging.getLogger(__name__)


class ChunkCatalog:
    """The open catalogue."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bitmaps(self, assets: Collection[str]) -> dict[tuple[str, str], bytes]:
        """Return the durable bitmaps of the partial files of these assets, by asset and chunk list."""
        rows = await self._database.rows(_BITMAPS, {"names": json.dumps(list(assets))})
        return {(row["asset"], row["chunk_list"]): bytes(row["bitmap"]) for row in rows}

    async def save(
        self,
        bitmaps: Mapping[tuple[str, str], bytes],
        complete: Mapping[str, str],
        lists: Mapping[str, str],
        lost: Collection[str],
        at: datetime,
    ) -> None:
        """Save in one commit what became durable before: bitmaps, and `complete` assets with their stamps.

        `lists` are the chunk lists of those that were not hashed as a whole. Partial files that are `lost` are
        forgotten.
        """
        rows = [{"asset": asset, "chunk_list": chunks, "bitmap": bits} for (asset, chunks), bits in bitmaps.items()]
        async with self._database.transaction():
            await self._database.execute_many(_RECORD, rows)
            await self._complete(complete, lists, at)
            await self._database.execute_many(_FORGET_PART, [{"asset": asset} for asset in lost])

    async def _complete(self, stamps: Mapping[str, str], lists: Mapping[str, str], at: datetime) -> None:
        at_ms = unix_ms(at)
        rows = [
            {"sha256": name, "at_ms": at_ms, "stamp": stamp, "chunk_list": lists.get(name, "")}
            for name, stamp in stamps.items()
        ]
        await self._database.execute_many(_FORGET_PART, [{"asset": name} for name in stamps])
        await self._database.execute_many(_COMPLETE, rows)

    async def assets(self) -> dict[str, int]:
        """Return the complete assets and when each was last needed, in Unix ms."""
        return {row["sha256"]: row["needed_ms"] for row in await self._database.rows(_ASSETS)}

    async def stamps(self) -> dict[str, str]:
        """Return the stamp of each complete asset when it was hashed; empty if an older version did so."""
        return {row["sha256"]: row["stamp"] for row in await self._database.rows(_ASSETS)}

    async def unproven(self) -> dict[str, str]:
        """Return the assets that were not hashed as a whole yet, each with the chunk list that it matches."""
        return {row["sha256"]: row["chunk_list"] for row in await self._database.rows(_UNPROVEN)}

    async def hashed_first(self, now: datetime) -> str | None:
        """Return the asset that was hashed as a whole the longest time ago, None if there are no assets.

        A time in the future is of a wrong clock, and counts as never.
        """
        row = await self._database.row(_HASHED_FIRST, {"now_ms": unix_ms(now)})
        return None if row is None else str(row["sha256"])

    async def mark_stamped(self, stamps: Mapping[str, str]) -> None:
        """Save the stamps of assets that an older version hashed, which saved none."""
        rows = [{"sha256": name, "stamp": stamp} for name, stamp in stamps.items()]
        async with self._database.transaction():
            await self._database.execute_many(_STAMPED, rows)

    async def mark_hashed(self, stamps: Mapping[str, str], at: datetime) -> None:
        """Record that assets match their names, with their stamps. Those that were not known count as needed now."""
        rows = [{"sha256": name, "stamp": stamp, "at_ms": unix_ms(at)} for name, stamp in stamps.items()]
        async with self._database.transaction():
            known = {row["sha256"] for row in await self._database.rows(_ASSETS)}
            await self._database.execute_many(_FORGET_PART, [{"asset": name} for name in stamps])
            await self._database.execute_many(_HASHED, rows)
            await self._complete({name: stamp for name, stamp in stamps.items() if name not in known}, {}, at)

    async def mark_needed(self, assets: Collection[str], at: datetime) -> None:
        """Record that a release needed these assets at `at`."""
        values = {"at_ms": unix_ms(at), "names": json.dumps(list(assets))}
        async with self._database.transaction():
            await self._database.execute(_NEEDED, values)

    async def restore(self) -> None:
        """Write the file again if somebody deleted or replaced it while it is open."""
        await self._database.restore()

    async def delete(self, assets: Collection[str]) -> None:
        """Delete the rows of these assets; call it before their files are deleted."""
        rows = [{"asset": sha256} for sha256 in assets]
        async with self._database.transaction():
            await self._database.execute_many(_FORGET_PART, rows)
            await self._database.execute_many(_FORGET_ASSET, rows)


@asynccontextmanager
async def open_catalog(path: Path) -> AsyncIterator[ChunkCatalog]:
    """Open `index.db`. One that is damaged, locked or of another user is renamed to `index.db.aside`; a new one begins.

    Raises:
        StorageBroken: a new one cannot be written either.
        StorageFull: the disk is full.
    """
    async with AsyncExitStack() as stack:
        try:
            if path.exists() and not os.access(path, os.R_OK | os.W_OK):
                raise StorageBroken(f"{path} cannot be read and written by this user")
            database = await stack.enter_async_context(open_database(path, _MIGRATIONS))
        except StorageBroken as error:
            log.warning("catalog=%s is renamed and rebuilt: %s", path, error)
            _set_aside(path)
            database = await stack.enter_async_context(open_database(path, _MIGRATIONS))
        yield ChunkCatalog(database)


def _set_aside(path: Path) -> None:
    with storage_errors(path):
        if not path.is_dir():
            path.with_name(path.name + ".aside").unlink(missing_ok=True)  # nobody needs two: it can be rebuilt
        for suffix in ("-wal", "-shm"):
            set_aside(path.with_name(path.name + suffix))
        set_aside(path)
