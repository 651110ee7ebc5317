"""The tables of counted plays: which days are to be counted, from what, and the sums that reports read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, insert, literal, or_, select, true, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.held_plays import Day
from sync.origin.planning.billable_rule import VersionedRule
from sync.origin.planning.venue_days import around
from sync.origin.sent_plays.counted_play import counted_document
from sync.origin.store.days.play_days import mark_days
from sync.origin.store.days.play_documents import DOCUMENT, documents
from sync.origin.store.reports.billable_rules import hold_rules, rules_of
from sync.origin.store.reports.day_plays import JUDGED, DayPlays, known_of_lines
from sync.origin.store.reports.new_plays import ADDED, NEW_SUMS, Added, Count, DaySums, add_new_plays
from sync.origin.store.spaces.visible_rows import of_no_hidden_campaign, of_seen_device
from sync.origin.tables.plays import plays
from sync.origin.tables.reports import ALL_DEVICES, play_days, play_sums
from sync.origin.tables.signing import device_keys


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

    async def many_came(self) -> None:
        """Return when many plays have come that nobody has counted."""
        await self._database.held_plays.half_full.wait()

    def all_counted(self) -> None:
        """Note that all stale days were counted."""
        self._database.held_plays.forget()

    async def stale_days(self, selected: SumFilter | None, after: Day, most: int) -> list[Day]:
        """Return the first days behind `after` that are to be counted, so many at most."""
        row = play_days.c
        query = select(row.device_id, row.day).where(self._stale(), row.device_id != ALL_DEVICES)
        query = query.where(tuple_(row.device_id, row.day) > tuple_(*after))
        if selected is not None:
            query = query.where(row.day.between(selected.first_day, selected.last_day))
            query = query if selected.device is None else query.where(row.device_id == selected.device)
        query = query.order_by(row.device_id, row.day).limit(most)
        return await self._database.read(lambda connection: [(row[0], row[1]) for row in connection.execute(query)])

    async def add(self, days: Sequence[Day], count: Count) -> Added:
        """Add the plays that came since these days were counted, where nothing else changed."""
        held = self._database.held_plays.take(days)
        added = await self._database.write(
            lambda connection: add_new_plays(connection, days, self._judgement, count, held)
        )
        self._database.held_plays.put_back({day: held[day] for day in added.later if day in held})
        return added

    async def plays_of(self, device: str, days: Collection[int]) -> DayPlays:
        """Return what these days, which follow each other, are counted from."""
        begins, ends = around(min(days))[0], around(max(days))[1]
        row = plays.c
        in_time = (row.device_id == device, row.started_ms >= begins, row.started_ms < ends)
        shown = select(*DOCUMENT, *JUDGED).where(*in_time)
        marks = select(play_days.c.day, play_days.c.changes).where(
            play_days.c.device_id == device, play_days.c.day.in_(days)
        )
        async with self._database.reading() as connection:
            changes = {day: count for day, count in await connection.execute(marks)}
            found = (await connection.execute(shown)).all()
            log = max(found, key=itemgetter(len(DOCUMENT)))[1] if found else ""
            newest = select(func.max(row.sequence)).where(row.device_id == device, row.log_epoch == log)
            until = await connection.scalar(newest) or 0  # also of what moved away: whoever holds it counts it no more
        bodies = await documents(self._database, found)
        rows = (counted_document(body, *one[len(DOCUMENT) :]) for body, one in zip(bodies, found, strict=True))
        counted = [one for one in rows if one is not None]
        known = await self._database.read(lambda connection: known_of_lines(connection, counted))
        return DayPlays(device, changes, counted, known, (log, until))

    async def keep(self, counted_from: DayPlays, day: int, count: DaySums) -> None:
        """Store the count of a day, unless a later one is there."""
        device, changes, (log, until) = counted_from.device, counted_from.changes[day], counted_from.last
        own = (play_days.c.device_id == device, play_days.c.day == day)
        older = or_(play_days.c.counted < changes, play_days.c.judgement != self._judgement)
        unchanged = play_days.c.changes == changes
        counted = (
            update(play_days)
            .where(*own, older)
            .values(
                counted=changes,
                judgement=self._judgement,
                shown_ms=list(count.shown_ms),
                counted_log=case((unchanged, log), else_=""),
                counted_until=until,
            )
        )
        async with self._database.writing() as connection:
            await connection.run_sync(hold_rules)
            if not (await connection.execute(counted)).rowcount:
                return
            mine = (play_sums.c.device_id == device, play_sums.c.day == day)
            await connection.execute(delete(play_sums).where(*mine))
            rows = [[device, day, *key, *values] for key, values in count.sums.items()]
            await connection.run_sync(NEW_SUMS.add, rows)
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
        groups = [column for column in play_sums.c if column.name not in ("id", "device_id", *ADDED)]
        added = select(literal(ALL_DEVICES), *groups, *(func.sum(play_sums.c[name]) for name in ADDED))
        added = added.where(play_sums.c.day == day, play_sums.c.device_id != ALL_DEVICES).group_by(*groups)
        await connection.execute(delete(play_sums).where(play_sums.c.device_id == ALL_DEVICES, play_sums.c.day == day))
        names = ["device_id", *(column.name for column in groups), *ADDED]
        await connection.execute(insert(play_sums).from_select(names, added))

    def _stale(self) -> ColumnElement[bool]:
        return or_(play_days.c.counted < play_days.c.changes, play_days.c.judgement != self._judgement)

    async def rules(self, lines: Iterable[str]) -> dict[str, VersionedRule]:
        """Return the newest rule of each of these lines that ever had another than the default."""
        return await self._database.read(lambda connection: rules_of(connection, lines))

    async def shown_ms(self, selected: SumFilter) -> dict[tuple[str, int], list[int]]:
        """Return for how many milliseconds of each hour each device showed something, by device and day."""
        row = play_days.c
        query = select(row.device_id, row.day, row.shown_ms)
        query = query.where(row.day.between(selected.first_day, selected.last_day))
        query = query if selected.device is None else query.where(row.device_id == selected.device)
        async with self._database.reading() as connection:
            return {(device, day): shown for device, day, shown in await connection.execute(query) if shown}

    async def unsigned(self, selected: SumFilter) -> list[tuple[str, int | None]]:
        """Return the devices with plays on these days that had no key on the first one, and when they got it (Unix ms).

        None: they have none. What they played before, the key has not signed.
        """
        issued = func.min(device_keys.c.issued_ms)
        device = play_days.c.device_id
        query = select(device, issued).outerjoin(device_keys, device_keys.c.device_id == device)
        these = (play_days.c.day.between(selected.first_day, selected.last_day), device != ALL_DEVICES)
        query = query.where(*these, of_seen_device(device))
        query = query if selected.device is None else query.where(device == selected.device)
        query = query.group_by(device).having(or_(issued.is_(None), issued > around(selected.first_day)[0]))
        async with self._database.reading() as connection:
            return [(row[0], row[1]) for row in await connection.execute(query.order_by(device))]

    async def sums(self, selected: SumFilter, by: Sequence[str], *, hours: bool = False) -> list[Mapping[str, Any]]:
        """Return plays and time shown by these columns; with `hours` also divided by hour.

        Of screens and campaigns that one may see. Where no device matters, the sums of all devices are read.
        """
        columns = [play_sums.c[name] for name in by]
        names = ADDED if hours else ADDED[:2]
        query: Select[Any] = select(*columns, *(func.sum(play_sums.c[name]).label(name) for name in names))
        seen = of_seen_device(play_sums.c.device_id)
        of_all = selected.device is None and "device_id" not in by and seen is true()
        devices = play_sums.c.device_id == ALL_DEVICES if of_all else play_sums.c.device_id != ALL_DEVICES
        query = query.where(*_selected(selected), devices)
        if not of_all:
            query = query.where(seen, of_no_hidden_campaign(play_sums.c.campaign_id))
        query = query.group_by(*columns)
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
