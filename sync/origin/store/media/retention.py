"""The statements about what content is needed: what refers to it, and since when nothing does."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.heartbeats.heartbeats import write_held
from sync.origin.store.media.media_rows import MediaState
from sync.origin.store.publications import OPEN
from sync.origin.tables.devices import devices
from sync.origin.tables.media import assets, media, orphans
from sync.origin.tables.plans import channels
from sync.origin.tables.releases import publications, releases
from sync.runtime.clock import Clock, unix_ms

_REPORTED = ("release", "preparing")  # fields of a heartbeat: what the device plays, and what it downloads


@dataclass(frozen=True, slots=True)
class ContentReferences:
    """What the database knows about content, read at one moment."""

    releases: tuple[tuple[str, int, str, int, int, bool], ...]  # channel, sequence, sha256, created, in force, kept
    reported: frozenset[str]  # releases that devices play or prepare
    assets: tuple[tuple[str, str, int, int | None], ...]  # sha256, index, bytes, unneeded since
    media_assets: frozenset[str]  # assets that media refer to
    media: frozenset[str]
    failed_media: tuple[tuple[str, int], ...]  # id, and when it failed
    orphans: tuple[tuple[str, int], ...]  # path of the file, and when a scan first found it


class RetentionStore:
    """Reads what refers to content, and records since when nothing does."""

    def __init__(self, database: OriginDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def references(self) -> ContentReferences:
        """Return what the database knows about content."""
        await write_held(self._database)
        own = releases.c
        kept = (own.pinned | _is_to_come_back()).label("kept")
        columns = (own.channel_id, own.sequence, own.sha256, own.created_ms, channels.c.sequence, kept)
        published = select(*columns).join(channels, channels.c.id == own.channel_id)
        stored = select(assets.c.sha256, assets.c.index_sha256, assets.c.size_bytes, assets.c.unneeded_ms)
        used = select(media.c.asset_sha256).where(media.c.asset_sha256.is_not(None)).distinct()
        failed = select(media.c.id, media.c.updated_ms).where(media.c.state == MediaState.FAILED)
        last = select(devices.c.heartbeat).where(devices.c.removed_ms.is_(None), devices.c.heartbeat.is_not(None))
        async with self._database.reading() as connection:
            heartbeats = [heartbeat for heartbeat in (await connection.execute(last)).scalars() if heartbeat]
            return ContentReferences(
                releases=await _rows(connection, published),
                reported=frozenset(filter(None, (heartbeat.get(key) for heartbeat in heartbeats for key in _REPORTED))),
                assets=await _rows(connection, stored),
                media_assets=frozenset((await connection.execute(used)).scalars()),
                media=frozenset((await connection.execute(select(media.c.id))).scalars()),
                failed_media=await _rows(connection, failed),
                orphans=await _rows(connection, select(orphans.c.path, orphans.c.since_ms)),
            )

    async def mark_unneeded(self, needed_again: Collection[str], unneeded: Collection[str]) -> None:
        """Record which assets are needed again, and which are unneeded from now on."""
        now_ms = unix_ms(self._clock.now())
        values: list[dict[str, Any]] = [{"asset": sha256, "since_ms": None} for sha256 in needed_again]
        values += [{"asset": sha256, "since_ms": now_ms} for sha256 in unneeded]
        change = update(assets).where(assets.c.sha256 == bindparam("asset"))
        if values:
            async with self._database.writing() as connection:
                await connection.execute(change.values(unneeded_ms=bindparam("since_ms")), values)

    async def mark_orphans(self, known_or_gone: Collection[str], found: Collection[str]) -> None:
        """Record which files are orphans from now on, and drop the records of files that are known now or gone."""
        now_ms = unix_ms(self._clock.now())
        if not known_or_gone and not found:
            return
        async with self._database.writing() as connection:
            dropped = delete(orphans).where(orphans.c.path == bindparam("orphan"))
            await connection.execute(dropped, [{"orphan": path} for path in (*known_or_gone, *found)])
            if found:
                await connection.execute(insert(orphans), [{"path": path, "since_ms": now_ms} for path in found])

    async def delete_assets(self, expired: Collection[str]) -> None:
        """Delete the rows of assets, except those that a media refers to by now."""
        used = exists().where(media.c.asset_sha256 == bindparam("asset"))
        deletion = delete(assets).where(assets.c.sha256 == bindparam("asset"), ~used)
        if expired:
            async with self._database.writing() as connection:
                await connection.execute(deletion, [{"asset": sha256} for sha256 in expired])


def _is_to_come_back() -> ColumnElement[bool]:
    """Return the condition for releases that a planned publication will bring back."""
    own, planned = releases.c, publications.c
    these = (planned.channel_id == own.channel_id, planned.again == own.sequence, planned.state.in_(OPEN))
    return exists().where(*these).correlate(releases)


async def _rows(connection: AsyncConnection, query: Select[Any]) -> tuple[Any, ...]:
    return tuple(tuple(row) for row in await connection.execute(query))
