"""The table of days with plays. What changes plays marks their days in the same transaction: they are counted anew."""

from collections.abc import Iterable
from functools import cache

from sqlalchemy import ColumnElement, Connection, Insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.persistence.database import insertion
from sync.origin.persistence.report_tables import play_days, play_sums
from sync.origin.persistence.tables import plays
from sync.origin.planning.venue_days import venue_hour, zone_named


def day_of_play(started_ms: int, zone: str) -> int:
    """Return the day of the venue on which a play began."""
    return venue_hour(started_ms, zone_named(zone))[0]


def mark_days(connection: Connection, device: str, days: Iterable[int]) -> None:
    """Note that plays of a device on these days came or changed."""
    rows = [{"device_id": device, "day": day, "changes": 1} for day in sorted(set(days))]
    if rows:
        connection.execute(_mark(connection.dialect.name), rows)


@cache
def _mark(dialect: str) -> Insert:
    statement = insertion(play_days, dialect)
    change = {"changes": play_days.c.changes + 1}
    keys = [play_days.c.device_id, play_days.c.day]
    return statement.on_conflict_do_update(index_elements=keys, set_=change)


async def mark_plays(connection: AsyncConnection, these: ColumnElement[bool]) -> None:
    """Note that these plays change: before they get another time, and after it."""
    query = select(plays.c.device_id, plays.c.started_ms, plays.c.body["zone"].as_string()).where(these)
    days: dict[str, set[int]] = {}
    for device, started_ms, zone in await connection.execute(query):
        days.setdefault(device, set()).add(day_of_play(started_ms, zone or ""))
    for device in sorted(days):
        await connection.run_sync(mark_days, device, days[device])


async def mark_lines(connection: AsyncConnection, lines: Iterable[str]) -> None:
    """Note that the rule of these lines changed: days that have plays of them, or that nobody has counted yet."""
    for line in lines:
        own = (play_sums.c.device_id == play_days.c.device_id) & (play_sums.c.day == play_days.c.day)
        has_line = select(play_sums.c.id).where(own, play_sums.c.line_id == line).exists()
        stale = play_days.c.counted < play_days.c.changes  # one that is being counted knows the old rule
        change = update(play_days).where(or_(stale, has_line)).values(changes=play_days.c.changes + 1)
        await connection.execute(change)
