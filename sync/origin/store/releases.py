"""The statements on releases: what one is made from, read at one moment, and the line of those published.

A release is written down before the channel points to it: `channels.sequence` follows once the signed timestamp lies
on the disk, so nobody is told of a release that cannot be fetched, and a crash in between is seen and made good.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.row_checks import FACT_COLUMNS, join_media_facts, media_fact
from sync.origin.persistence.tables import campaigns, channels, media, playlists, releases
from sync.origin.planning.plans import ChannelPlan, MediaFact, ReleaseRecord, StoredSchedule
from sync.origin.store.campaigns import load_campaigns
from sync.origin.store.playlists import load_playlists
from sync.origin.store.schedules import get_schedule, logo_facts


class ReleaseStore:
    """Reads plans and remembers releases."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def plan(self, channel: str) -> ChannelPlan:
        """Return all that a release of the channel is made from, as it is at one moment.

        Raises:
            NotFound: there is no such channel.
        """
        async with self._database.reading() as connection:
            schedule = await get_schedule(connection, channel)
            used = {part.playlist for part in schedule.dayparts} | {schedule.default_playlist} - {None}
            booked = campaigns.c.channel_id.is_(None) | (campaigns.c.channel_id == channel)
            return ChannelPlan(
                schedule=schedule,
                playlists=await load_playlists(connection, playlists.c.id.in_(used)),
                campaigns=await load_campaigns(connection, booked),
                fallback=await _fallback(connection, schedule),
                logos=await logo_facts(connection, schedule),
            )

    async def latest(self, channel: str) -> ReleaseRecord | None:
        """Return the release published last, None before the first."""
        async with self._database.reading() as connection:
            return await _newest(connection, channel)

    async def list_releases(self, channel: str | None, *, most: int) -> tuple[ReleaseRecord, ...]:
        """Return releases, of one channel or all, the newest first."""
        query = select(releases).order_by(releases.c.created_ms.desc(), releases.c.sequence.desc()).limit(most)
        if channel is not None:
            query = query.where(releases.c.channel_id == channel)
        async with self._database.reading() as connection:
            return tuple(_record(row) for row in (await connection.execute(query)).mappings())

    async def published_channels(self) -> tuple[str, ...]:
        """Return the channels that have a release."""
        async with self._database.reading() as connection:
            return tuple((await connection.execute(select(releases.c.channel_id).distinct())).scalars())

    async def add(self, record: ReleaseRecord) -> None:
        """Write a release down as the newest of its channel; its sequence may skip some.

        Raises:
            Conflict: somebody else published this channel at the same moment.
        """
        values = {name: getattr(record, name) for name in ReleaseRecord.__dataclass_fields__ if name != "channel"}
        async with self._database.writing() as connection:
            newest = await _newest(connection, record.channel)
            if newest is not None and record.sequence <= newest.sequence:
                raise Conflict(f"somebody else has just published {record.channel}: look at it and try again")
            await connection.execute(insert(releases).values(channel_id=record.channel, **values))

    @asynccontextmanager
    async def locked_latest(self, channel: str) -> AsyncIterator[ReleaseRecord]:
        """Hold a channel against all other publishers while its timestamp is written for the newest release.

        The channel is at that release once the block ends well. There has to be one.
        """
        async with self._database.writing() as connection:
            await connection.execute(select(channels.c.id).where(channels.c.id == channel).with_for_update())
            newest = await _newest(connection, channel)
            assert newest is not None, f"{channel} has no release to point to"
            yield newest
            change = update(channels).where(channels.c.id == channel)
            await connection.execute(change.values(sequence=newest.sequence))

    async def plan_version(self, channel: str) -> tuple[Any, ...]:
        """Return a value that differs whenever the plan of a channel may: cheap to get, to be compared only."""
        queries = (
            select(channels.c.version, channels.c.sequence).where(channels.c.id == channel),
            _state_of(playlists),
            _state_of(campaigns),
            _state_of(media).add_columns(func.count(media.c.asset_sha256)),
            select(func.count()).select_from(releases).where(releases.c.channel_id == channel),
        )
        async with self._database.reading() as connection:
            return tuple([tuple(row) for query in queries for row in await connection.execute(query)])


def _state_of(table: Any) -> Select[Any]:
    return select(func.count(), func.sum(table.c.version), func.max(table.c.updated_ms)).select_from(table)


async def _newest(connection: AsyncConnection, channel: str) -> ReleaseRecord | None:
    query = select(releases).where(releases.c.channel_id == channel).order_by(releases.c.sequence.desc()).limit(1)
    row = (await connection.execute(query)).mappings().first()
    return None if row is None else _record(row)


async def _fallback(connection: AsyncConnection, schedule: StoredSchedule) -> MediaFact | None:
    query = select(*FACT_COLUMNS).select_from(join_media_facts(media))
    row = (await connection.execute(query.where(media.c.id == schedule.fallback))).mappings().first()
    return None if row is None else media_fact(row)


def _record(row: RowMapping) -> ReleaseRecord:
    own = {name: row[name] for name in ReleaseRecord.__dataclass_fields__ if name != "channel"}
    return ReleaseRecord(channel=row["channel_id"], **own)
