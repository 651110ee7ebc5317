"""The statements on what is still needed: read at one moment, and written down what is not."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Select, Table, Text, bindparam, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.tables import assets, channels, devices, media, metadata, releases
from sync.runtime.clock import Clock, unix_ms

_REPORTED = ("release", "preparing")  # what a heartbeat says the device plays and fetches

# Files that nothing in the database knows, by their path, and since the look that found it so: this store's own notes.
_STRAY = (Column("path", Text, primary_key=True), Column("since_ms", BigInteger, nullable=False))
strays = Table("strays", metadata, *_STRAY)


@dataclass(frozen=True, slots=True)
class ContentReferences:
    """What the database says of the content tree: rows of (channel, sequence, sha256, made at, in force), and so on."""

    issued: tuple[tuple[str, int, str, int, int], ...]
    reported: frozenset[str]  # releases devices play or prepare
    stored: tuple[tuple[str, str, int, int | None], ...]  # assets: sha256, index, bytes, unneeded since
    shown: frozenset[str]  # assets of media
    media: frozenset[str]
    failed: tuple[tuple[str, int], ...]  # media, and when they failed
    strays: tuple[tuple[str, int], ...]  # files that nothing knew, and since when


class RetentionStore:
    """Knows who needs what, and since when nobody needs an asset."""

    def __init__(self, database: OriginDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def references(self) -> ContentReferences:
        """Return who needs what, at one moment."""
        issued = select(
            releases.c.channel_id, releases.c.sequence, releases.c.sha256, releases.c.created_ms, channels.c.sequence
        ).join(channels, channels.c.id == releases.c.channel_id)
        stored = select(assets.c.sha256, assets.c.index_sha256, assets.c.size_bytes, assets.c.unneeded_ms)
        shown = select(media.c.asset_sha256).where(media.c.asset_sha256.is_not(None)).distinct()
        failed = select(media.c.id, media.c.updated_ms).where(media.c.state == "failed")
        pulses = select(devices.c.heartbeat).where(devices.c.removed_ms.is_(None), devices.c.heartbeat.is_not(None))
        async with self._database.reading() as connection:
            heartbeats = (await connection.execute(pulses)).scalars().all()
            return ContentReferences(
                issued=await _rows(connection, issued),
                reported=frozenset(one for beat in heartbeats for key in _REPORTED if beat and (one := beat.get(key))),
                stored=await _rows(connection, stored),
                shown=frozenset((await connection.execute(shown)).scalars()),
                media=frozenset((await connection.execute(select(media.c.id))).scalars()),
                failed=await _rows(connection, failed),
                strays=await _rows(connection, select(strays.c.path, strays.c.since_ms)),
            )

    async def mark_unneeded(self, back: Collection[str], unneeded: Collection[str]) -> None:
        """Write down which assets are needed again, and which are not any more as of now."""
        changes = [*((sha256, None) for sha256 in back), *((sha256, unix_ms(self._clock.now())) for sha256 in unneeded)]
        change = update(assets).where(assets.c.sha256 == bindparam("of")).values(unneeded_ms=bindparam("at"))
        if changes:
            async with self._database.writing() as connection:
                await connection.execute(change, [{"of": sha256, "at": at_ms} for sha256, at_ms in changes])

    async def mark_orphans(self, gone: Collection[str], found: Collection[str]) -> None:
        """Write down which files nothing knows as of now, and forget those that are known or gone."""
        now_ms = unix_ms(self._clock.now())
        if not gone and not found:
            return
        async with self._database.writing() as connection:
            stale = delete(strays).where(strays.c.path == bindparam("stray"))
            await connection.execute(stale, [{"stray": path} for path in (*gone, *found)])
            if found:
                await connection.execute(insert(strays), [{"path": path, "since_ms": now_ms} for path in found])

    async def delete_assets(self, over: Collection[str]) -> None:
        """Forget assets, but none that a media shows."""
        shown = exists().where(media.c.asset_sha256 == bindparam("of"))
        gone = delete(assets).where(assets.c.sha256 == bindparam("of"), ~shown)
        if over:
            async with self._database.writing() as connection:
                await connection.execute(gone, [{"of": sha256} for sha256 in over])


async def _rows(connection: AsyncConnection, query: Select[Any]) -> tuple[Any, ...]:
    return tuple(tuple(row) for row in await connection.execute(query))
