"""The table of days with plays. What changes plays marks their days in the same transaction: they are counted anew."""

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.persistence.held_plays import Day, HeldDay
from sync.origin.planning.venue_days import venue_hour, zone_named
from sync.origin.store.days.given_rows import Addition
from sync.origin.tables.plays import plays
from sync.origin.tables.reports import ALL_DEVICES, play_days, play_sums


def day_of_play(started_ms: int, zone: str) -> int:
    """Return the day of the venue on which a play began."""
    return venue_hour(started_ms, zone_named(zone))[0]


def mark_days(connection: Connection, days: Iterable[tuple[str, int]]) -> None:
    """Note that plays of these devices on these days changed: the days are to be counted as a whole."""
    _MARKS.add(connection, [(device, day, 1, "", 0) for device, day in sorted(set(days))])


def mark_new_plays(connection: Connection, new: Mapping[Day, HeldDay]) -> None:
    """Note which plays came to these days."""
    _MARKS.add(
        connection, [(*day, 1, came.log, came.first - 1) for day, came in sorted(new.items(), key=itemgetter(0))]
    )


_log, _until = play_days.c.counted_log, play_days.c.counted_until
_MARKS = Addition(
    play_days,
    ("device_id", "day", "changes", "counted_log", "counted_until"),
    lambda insertion: insertion.on_conflict_do_update(
        index_elements=list(play_days.primary_key),
        set_={
            "changes": play_days.c.changes + insertion.excluded.changes,
            "counted_log": case(
                (and_(_log == insertion.excluded.counted_log, _until <= insertion.excluded.counted_until), _log),
                else_=literal_column("''"),
            ),
        },
    ),
)


async def mark_plays(connection: AsyncConnection, these: ColumnElement[bool]) -> None:
    """Note that these plays change: before they get another time, and after it."""
    query = select(plays.c.device_id, plays.c.started_ms, plays.c.body["zone"].as_string()).where(these)
    rows = await connection.execute(query)
    days = {(device, day_of_play(started_ms, zone or "")) for device, started_ms, zone in rows}
    await connection.run_sync(mark_days, days)


async def mark_lines(connection: AsyncConnection, lines: Iterable[str]) -> None:
    """Note that the rule of these lines changed: days that have plays of them, or that nobody has counted yet."""
    for line in lines:
        own = (play_sums.c.device_id == play_days.c.device_id) & (play_sums.c.day == play_days.c.day)
        has_line = select(play_sums.c.id).where(own, play_sums.c.line_id == line).exists()
        stale = play_days.c.counted < play_days.c.changes  # one that is being counted knows the old rule
        these = or_(stale, has_line)
        locked = in_order(select(play_days.c.day).where(these), connection.dialect.name).subquery()
        await connection.execute(select(func.count()).select_from(locked))
        change = update(play_days).where(these).values(changes=play_days.c.changes + 1, counted_log="")
        await connection.execute(change)


def in_order(query: Select[Any], dialect: str) -> Select[Any]:
    """Have a query lock days in the order in which all do who change several: those of all devices last."""
    device = play_days.c.device_id
    by_bytes = device if dialect == "sqlite" else device.collate("C")
    return query.order_by(device == ALL_DEVICES, by_bytes, play_days.c.day).with_for_update(of=play_days)
