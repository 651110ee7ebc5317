"""The table of what schedules promised: read by reports, written once a day of a channel."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, func, insert, select

from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.spaces.visible_rows import of_no_hidden_campaign, of_seen_channel, seen
from sync.origin.tables.devices import devices
from sync.origin.tables.plans import channels, creatives
from sync.origin.tables.releases import releases
from sync.origin.tables.reports import promised_plays

_AT_ONCE = 500  # a statement takes a limited number of values


@dataclass(frozen=True, slots=True)
class PublishedAt:
    """A release that came into force at `created_ms` (Unix)."""

    channel: str
    sequence: int
    sha256: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class ScreenTimes:
    """A screen with its channel, and from when to when it was paired (Unix ms; None: it still is)."""

    device: str
    channel: str
    paired_ms: int
    removed_ms: int | None


class PromiseStore:
    """Stores what a day of a channel was to bring, on one screen."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def zones(self) -> dict[str, str]:
        """Return the zone of each channel; empty: none was named."""
        async with self._database.reading() as connection:
            return {row[0]: row[1] for row in await connection.execute(select(channels.c.id, channels.c.zone))}

    async def releases(self, channel: str) -> list[PublishedAt]:
        """Return the releases of a channel, the oldest first."""
        own = releases.c
        query = select(own.channel_id, own.sequence, own.sha256, own.created_ms).where(own.channel_id == channel)
        async with self._database.reading() as connection:
            return [PublishedAt(*row) for row in await connection.execute(query.order_by(own.sequence))]

    async def bases(self, channel: str, days: Collection[int]) -> dict[int, str]:
        """Return what each of these days is kept from, where it is kept."""
        own = promised_plays.c
        query = select(own.day, own.basis).where(own.channel_id == channel, own.day.in_(days), own.line_id == "")
        async with self._database.reading() as connection:
            return {row[0]: row[1] for row in await connection.execute(query)}

    async def keep(self, channel: str, day: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store the promise of a day, instead of an earlier one."""
        async with self._database.turn(f"promise of {channel}"), self._database.writing() as connection:
            mine = (promised_plays.c.channel_id == channel, promised_plays.c.day == day)
            await connection.execute(delete(promised_plays).where(*mine))
            for first in range(0, len(rows), _AT_ONCE):
                batch = [{**row, "channel_id": channel, "day": day} for row in rows[first : first + _AT_ONCE]]
                await connection.execute(insert(promised_plays), batch)

    async def days(self, first_day: int, last_day: int) -> dict[str, int]:
        """Return for each channel that one may see of how many of these days the promise is kept."""
        own = promised_plays.c
        query = select(own.channel_id, func.count()).where(own.day.between(first_day, last_day), own.line_id == "")
        query = query.where(of_seen_channel(own.channel_id))
        async with self._database.reading() as connection:
            return {row[0]: row[1] for row in await connection.execute(query.group_by(own.channel_id))}

    async def promised(
        self, first_day: int, last_day: int, *, campaign: str | None = None, line: str | None = None
    ) -> list[Mapping[str, Any]]:
        """Return the rows of these days, of all channels, about campaigns that one may see; both days are included."""
        own = promised_plays.c
        query: Select[Any] = select(promised_plays).where(own.day.between(first_day, last_day))
        query = query.where(of_no_hidden_campaign(own.campaign_id))
        query = query if campaign is None else query.where(own.campaign_id == campaign)
        query = query if line is None else query.where(own.line_id == line)
        async with self._database.reading() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]

    async def screens(self, device: str | None) -> list[ScreenTimes]:
        """Return one screen or all that one may see, those that were removed, too."""
        own = devices.c
        query = select(own.id, own.channel_id, own.paired_ms, own.removed_ms).where(seen(devices))
        async with self._database.reading() as connection:
            rows = await connection.execute(query if device is None else query.where(own.id == device))
            return [ScreenTimes(*row) for row in rows]

    async def creatives(self) -> dict[str, tuple[str, int]]:
        """Return of each creative its line, and how many that has: they take turns."""
        count = func.count().over(partition_by=creatives.c.line_id)
        async with self._database.reading() as connection:
            rows = await connection.execute(select(creatives.c.id, creatives.c.line_id, count))
            return {row[0]: (row[1], row[2]) for row in rows}
