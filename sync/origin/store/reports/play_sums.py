"""The tables of counted plays: which days are to be counted, from what, and the sums that reports read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.report_tables import ALL_DEVICES, HOURS, play_days, play_sums
from sync.origin.persistence.tables import plays, release_contents, releases
from sync.origin.planning.billable_rule import VersionedRule
from sync.origin.planning.release_contents import ReleaseContent, Runs
from sync.origin.planning.venue_days import around
from sync.origin.store.days.play_days import mark_days
from sync.origin.store.days.play_documents import DOCUMENT, documents
from sync.origin.store.reports.billable_rules import rules_of

_AT_ONCE = 500  # a statement takes a limited number of values
_ADDED = ("plays", "rendered_ms", *HOURS)


@dataclass(frozen=True, slots=True)
class DayPlays:
    """What days of a device are counted from, all read at one moment.

    `changes` of each day is that moment. `rows` are the plays on these days and around them: document, start, why it
    was set aside, whether a person accepted it, whether its time is corrected. `places` and `contents` say what
    releases named.
    """

    device: str
    changes: Mapping[int, int]
    rows: Sequence[tuple[Mapping[str, Any], int, str | None, bool, bool]]
    rules: Mapping[str, VersionedRule]
    places: Mapping[str, Sequence[tuple[str, int]]]
    contents: Mapping[tuple[str, str], Sequence[tuple[ReleaseContent, Runs]]]


@dataclass(frozen=True, slots=True)
class SumFilter:
    """Selects sums; None does not restrict. Both days are included."""

    first_day: int
    last_day: int
    device: str | None = None
    campaign: str | None = None
    line: str | None = None
    booked: bool = False  # no items of playlists


class PlaySumStore:
    """Keeps the sums of days; a day whose plays changed since it was counted is stale."""

    def __init__(self, database: OriginDatabase, judgement: int) -> None:
        self._database = database
        self._judgement = judgement

    async def stale_days(self, selected: SumFilter | None, most: int) -> list[tuple[str, list[int]]]:
        """Return devices with their days that are to be counted, `most` days in all."""
        row = play_days.c
        query = select(row.device_id, row.day).where(self._stale(), row.device_id != ALL_DEVICES)
        if selected is not None:
            query = query.where(row.day.between(selected.first_day, selected.last_day))
            query = query if selected.device is None else query.where(row.device_id == selected.device)
        async with self._database.reading() as connection:
            found = (await connection.execute(query.order_by(row.device_id, row.day).limit(most))).all()
        return [(device, [each[1] for each in days]) for device, days in groupby(found, key=lambda one: one[0])]

    async def plays_of(self, device: str, days: Collection[int]) -> DayPlays:
        """Return what these days, which follow each other, are counted from."""
        begins, ends = around(min(days))[0], around(max(days))[1]
        row = plays.c
        facts = (row.started_ms, row.set_aside, row.accepted.is_not(None), row.clock_offset_ms.is_not(None))
        shown = select(*DOCUMENT, *facts).where(
            row.device_id == device, row.started_ms >= begins, row.started_ms < ends
        )
        marks = select(play_days.c.day, play_days.c.changes).where(
            play_days.c.device_id == device, play_days.c.day.in_(days)
        )
        async with self._database.reading() as connection:
            changes = {day: count for day, count in await connection.execute(marks)}
            found = (await connection.execute(shown)).all()
        bodies = await documents(self._database, found)
        async with self._database.reading() as connection:
            places = await _places(connection, {body["release"] for body in bodies if body.get("line")})
            channels = {channel for each in places.values() for channel, _ in each}
            contents = await _contents(connection, channels, {body["asset"] for body in bodies if body.get("line")})
            rules = await rules_of(connection, {body["line"] for body in bodies if body.get("line")})
        rows = [(body, *one[len(DOCUMENT) :]) for body, one in zip(bodies, found, strict=True)]
        return DayPlays(device, changes, rows, rules, places, contents)

    async def keep(
        self, device: str, day: int, changes: int, rows: Sequence[Mapping[str, Any]], shown_ms: Sequence[int]
    ) -> None:
        """Store the sums of a day as it was at `changes`, unless a later count is there.

        `shown_ms`: for how long something was on in each of its hours.
        """
        own = (play_days.c.device_id == device, play_days.c.day == day)
        older = or_(play_days.c.counted < changes, play_days.c.judgement != self._judgement)
        values = {"counted": changes, "judgement": self._judgement, "shown_ms": list(shown_ms)}
        counted = update(play_days).where(*own, older).values(**values)
        async with self._database.writing() as connection:
            if not (await connection.execute(counted)).rowcount:
                return
            mine = (play_sums.c.device_id == device, play_sums.c.day == day)
            await connection.execute(delete(play_sums).where(*mine))
            for first in range(0, len(rows), _AT_ONCE):
                batch = [{**row, "device_id": device, "day": day} for row in rows[first : first + _AT_ONCE]]
                await connection.execute(insert(play_sums), batch)
            await connection.run_sync(mark_days, [(ALL_DEVICES, day)])

    async def add_up(self, selected: SumFilter | None) -> None:
        """Add up all devices on the days of which one was counted since."""
        query = select(play_days.c.day).where(play_days.c.device_id == ALL_DEVICES, self._stale())
        if selected is not None:
            query = query.where(play_days.c.day.between(selected.first_day, selected.last_day))
        async with self._database.reading() as connection:
            days = list(await connection.scalars(query))
        for day in days:
            async with self._database.writing() as connection:
                await self._add_up(connection, day)

    async def _add_up(self, connection: AsyncConnection, day: int) -> None:
        own = (play_days.c.device_id == ALL_DEVICES, play_days.c.day == day, self._stale())
        counted = update(play_days).where(*own)
        counted = counted.values(counted=play_days.c.changes, judgement=self._judgement)
        if not (await connection.execute(counted)).rowcount:
            return  # another process did
        groups = [column for column in play_sums.c if column.name not in ("id", "device_id", *_ADDED)]
        added = select(literal(ALL_DEVICES), *groups, *(func.sum(play_sums.c[name]) for name in _ADDED))
        added = added.where(play_sums.c.day == day, play_sums.c.device_id != ALL_DEVICES).group_by(*groups)
        await connection.execute(delete(play_sums).where(play_sums.c.device_id == ALL_DEVICES, play_sums.c.day == day))
        names = ["device_id", *(column.name for column in groups), *_ADDED]
        await connection.execute(insert(play_sums).from_select(names, added))

    def _stale(self) -> ColumnElement[bool]:
        return or_(play_days.c.counted < play_days.c.changes, play_days.c.judgement != self._judgement)

    async def rules(self, lines: Iterable[str]) -> dict[str, VersionedRule]:
        """Return the newest rule of each of these lines that ever had another than the default."""
        async with self._database.reading() as connection:
            return await rules_of(connection, lines)

    async def shown_ms(self, selected: SumFilter) -> dict[tuple[str, int], list[int]]:
        """Return for how many milliseconds of each hour each device showed something, by device and day."""
        row = play_days.c
        query = select(row.device_id, row.day, row.shown_ms)
        query = query.where(row.day.between(selected.first_day, selected.last_day))
        query = query if selected.device is None else query.where(row.device_id == selected.device)
        async with self._database.reading() as connection:
            return {(device, day): shown for device, day, shown in await connection.execute(query) if shown}

    async def sums(self, selected: SumFilter, by: Sequence[str], *, hours: bool = False) -> list[Mapping[str, Any]]:
        """Return plays and time shown by these columns; with `hours` also divided by hour.

        Where no device matters, the sums of all devices are read.
        """
        columns = [play_sums.c[name] for name in by]
        names = _ADDED if hours else _ADDED[:2]
        query: Select[Any] = select(*columns, *(func.sum(play_sums.c[name]).label(name) for name in names))
        of_all = selected.device is None and "device_id" not in by
        devices = play_sums.c.device_id == ALL_DEVICES if of_all else play_sums.c.device_id != ALL_DEVICES
        query = query.where(*_selected(selected), devices).group_by(*columns)
        async with self._database.reading() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]


def _selected(selected: SumFilter) -> list[ColumnElement[bool]]:
    equal = {
        play_sums.c.device_id: selected.device,
        play_sums.c.campaign_id: selected.campaign,
        play_sums.c.line_id: selected.line,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value is not None]
    if selected.booked:
        found.append(play_sums.c.verdict != "unbooked")
    return [play_sums.c.day.between(selected.first_day, selected.last_day), *found]


async def _places(connection: AsyncConnection, sha256s: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    wanted, found = sorted(sha256s), dict[str, list[tuple[str, int]]]()
    for first in range(0, len(wanted), _AT_ONCE):
        query = select(releases.c.sha256, releases.c.channel_id, releases.c.sequence)
        rows = await connection.execute(query.where(releases.c.sha256.in_(wanted[first : first + _AT_ONCE])))
        for sha256, channel, sequence in rows:
            found.setdefault(sha256, []).append((channel, sequence))
    return found


async def _contents(
    connection: AsyncConnection, channels: Collection[str], assets: Collection[str]
) -> dict[tuple[str, str], list[tuple[ReleaseContent, Runs]]]:
    own, found = release_contents.c, dict[tuple[str, str], list[tuple[ReleaseContent, Runs]]]()
    fields = [own[name] for name in ReleaseContent.__dataclass_fields__]
    wanted = sorted(assets) if channels else []
    for first in range(0, len(wanted), _AT_ONCE):
        query = select(own.channel_id, own.sequences, *fields).where(own.channel_id.in_(channels), own.line != "")
        for channel, runs, *values in await connection.execute(
            query.where(own.asset.in_(wanted[first : first + _AT_ONCE]))
        ):
            content = ReleaseContent(*values)
            found.setdefault((channel, content.asset), []).append((content, [(one[0], one[1]) for one in runs]))
    return found
