"""Adds to the sums of days the plays that came since these were counted, many days in one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from operator import add
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Select, String, and_, func, select

from sync.origin.persistence.held_plays import Day, HeldDay
from sync.origin.planning.venue_days import around
from sync.origin.sent_plays.counted_play import CountedPlay, counted_document
from sync.origin.store.days.given_rows import Addition, GivenRows, Increase
from sync.origin.store.days.play_days import in_order
from sync.origin.store.days.play_documents import DOCUMENT
from sync.origin.store.reports.billable_rules import hold_rules
from sync.origin.store.reports.day_plays import JUDGED, DayPlays, known_of_lines
from sync.origin.tables.plays import plays
from sync.origin.tables.reports import ALL_DEVICES, HOURS, play_days, play_sums

MOST_PLAYS = 2_000
"""So many new plays in one transaction: to count them takes 20 ms."""

ADDED = ("plays", "rendered_ms", *HOURS)
KEY = tuple(column.name for column in play_sums.c if column.name not in ("id", "device_id", "day", *ADDED))
"""What plays have in common that are counted together."""

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class DaySums:
    """The sums of a day, `ADDED` by `KEY`, and for how many milliseconds something was on in each of its hours."""

    sums: Mapping[Key, Sequence[int]]
    shown_ms: Sequence[int]


Count = Callable[[DayPlays], Mapping[int, DaySums]]


@dataclass(frozen=True, slots=True)
class Added:
    """What is left: days that have to be counted as a whole, and those that were too many for one transaction."""

    whole: Sequence[Day]
    later: Sequence[Day]


@dataclass(frozen=True, slots=True)
class _Row:
    """A locked row of `play_days`, and about how many plays came."""

    changes: int
    counted: int
    judgement: int
    shown_ms: Sequence[int] | None
    log: str
    until: int
    new: int

    def is_stale(self, judgement: int) -> bool:
        """Tell whether it is to be counted."""
        return self.counted < self.changes or self.judgement != judgement

    def can_be_added_to(self, judgement: int) -> bool:
        """Tell whether plays came and nothing else changed, of a day with sums of this judgement or without any."""
        return bool(self.log) and (self.judgement == judgement or not self.counted) and self.new <= MOST_PLAYS

    def is_all_held(self, held: HeldDay) -> bool:
        """Tell whether what is held is all that happened since it was counted."""
        return held.log == self.log and held.marks == self.changes - self.counted and self.until < held.first


def add_new_plays(
    connection: Connection, asked: Sequence[Day], judgement: int, count: Count, held: Mapping[Day, HeldDay]
) -> Added:
    """Count what came on these days; deliveries to them wait meanwhile. `held` need not be read."""
    hold_rules(connection)
    rows = _locked(connection, {*asked, *((ALL_DEVICES, day) for _, day in asked)})
    stale = [day for day in asked if day in rows and rows[day].is_stale(judgement)]
    ready = [day for day in stale if rows[day].can_be_added_to(judgement)]
    sizes = accumulate(rows[day].new for day in ready)
    now = {day: rows[day] for day, size in zip(ready, sizes, strict=True) if size <= MOST_PLAYS}
    new = _new_plays(connection, now, held)
    known = known_of_lines(connection, (play for each in new.values() for play in each.plays))
    counts = {
        (device, day): count(DayPlays(device, {day: 0}, each.plays, known))[day] for (device, day), each in new.items()
    }
    _keep(connection, rows, new, counts, judgement)
    _add(connection, rows, counts, judgement)
    whole = [day for day in stale if day not in ready or (day in now and day not in new)]
    return Added(whole, [day for day in ready if day not in now])


def _locked(connection: Connection, days: Collection[Day]) -> dict[Day, _Row]:
    dialect = connection.dialect.name
    found = connection.execute(_rows(dialect), _DAYS.values(dialect, sorted(days)))
    return {
        (device, day): _Row(changes, counted, judgement, shown_ms, log, until, max(0, (newest or 0) - until))
        for device, day, changes, counted, judgement, shown_ms, log, until, newest in found
    }


@dataclass(slots=True)
class _New:
    """The plays that came on a day, and the last sequence that was looked at."""

    plays: list[CountedPlay]
    until: int


def _new_plays(connection: Connection, rows: Mapping[Day, _Row], held: Mapping[Day, HeldDay]) -> dict[Day, _New]:
    """Return what came; a day is left out if its plays are in files, as after a backup was restored."""
    known = {day: one for day, one in held.items() if day in rows and rows[day].is_all_held(one)}
    read = _read_plays(connection, {day: row for day, row in rows.items() if day not in known})
    return {day: _New(known[day].plays, known[day].until) if day in known else read[day] for day in rows
            if day in known or day in read}  # fmt: skip


def _read_plays(connection: Connection, rows: Mapping[Day, _Row]) -> dict[Day, _New]:
    dialect = connection.dialect.name
    found, archived = {day: _New([], row.until) for day, row in rows.items()}, set[Day]()
    asked = [(device, day, row.log, row.until, *around(day)) for (device, day), row in rows.items()]
    for day, device, _, sequence, archive, body, *judged in (
        connection.execute(_plays(dialect), _SINCE.values(dialect, asked)) if asked else ()
    ):
        each = found[device, day]
        each.until = max(each.until, sequence)
        if archive is not None:
            archived.add((device, day))
        elif one := counted_document(body, *judged):
            each.plays.append(one)
    return {day: each for day, each in found.items() if day not in archived}


def _keep(
    connection: Connection,
    rows: Mapping[Day, _Row],
    new: Mapping[Day, _New],
    counts: Mapping[Day, DaySums],
    judgement: int,
) -> None:
    """Note that these days are counted."""
    kept = list[tuple[Any, ...]]()
    for (device, day), count in counts.items():
        row = rows[device, day]
        shown_ms = [*map(add, row.shown_ms, count.shown_ms)] if row.shown_ms and row.counted else count.shown_ms
        kept.append((device, day, row.changes, row.changes, judgement, shown_ms, row.log, new[device, day].until))
    _KEPT.add(connection, kept)
    first = {day for _, day in counts} - {day for device, day in rows if device == ALL_DEVICES}
    _FIRST.add(connection, [(ALL_DEVICES, day, 1, 1, judgement) for day in sorted(first)])


def _add(connection: Connection, rows: Mapping[Day, _Row], counts: Mapping[Day, DaySums], judgement: int) -> None:
    """Add to the sums of these days, and to those of all devices where these are not to be added up anew."""
    added = dict[tuple[Any, ...], Sequence[int]]()
    for (device, day), count in counts.items():
        all_devices = rows.get((ALL_DEVICES, day))
        for key, values in count.sums.items():
            added[device, day, *key] = values
            if all_devices is None or not all_devices.is_stale(judgement):
                together = (ALL_DEVICES, day, *key)
                added[together] = [*map(add, added[together], values)] if together in added else values
    dialect, days = connection.dialect.name, sorted({(device, day) for device, day, *_ in added})
    found = connection.execute(_sums(dialect), _DAYS.values(dialect, days)) if days else ()
    known = {tuple(key): id for id, *key in found}
    _INCREASE.add(connection, [(known[key], *values) for key, values in added.items() if key in known])
    NEW_SUMS.add(connection, [(*key, *values) for key, values in added.items() if key not in known])


NEW_SUMS = Addition(play_sums, ("device_id", "day", *KEY, *ADDED), lambda insertion: insertion)
_INCREASE = Increase(play_sums, "id", ADDED)
_CHANGED = ("counted", "judgement", "shown_ms", "counted_log", "counted_until")
_KEPT = Addition(
    play_days,
    ("device_id", "day", "changes", *_CHANGED),
    lambda insertion: insertion.on_conflict_do_update(
        index_elements=list(play_days.primary_key), set_={name: insertion.excluded[name] for name in _CHANGED}
    ),
)
_FIRST = Addition(  # another origin may have made it meanwhile: then it is locked, and stays as stale as it is
    play_days,
    ("device_id", "day", "changes", "counted", "judgement"),
    lambda insertion: insertion.on_conflict_do_update(
        index_elements=list(play_days.primary_key), set_={"changes": play_days.c.changes}
    ),
)
_DAYS = GivenRows(device=String(), day=Integer())
_SINCE = GivenRows(
    device=String(), day=Integer(), epoch=String(), until=BigInteger(), begins=BigInteger(), ends=BigInteger()
)


@cache
def _rows(dialect: str) -> Select[Any]:
    given, own = _DAYS.table(dialect), play_days.c
    newest = select(func.max(plays.c.sequence)).where(
        plays.c.device_id == own.device_id, plays.c.log_epoch == own.counted_log
    )
    columns = (own.changes, own.counted, own.judgement, own.shown_ms, own.counted_log, own.counted_until)
    same = and_(own.device_id == given.c.device, own.day == given.c.day)
    query = select(own.device_id, own.day, *columns, newest.scalar_subquery()).select_from(given.join(play_days, same))
    return in_order(query, dialect)


@cache
def _plays(dialect: str) -> Select[Any]:
    given, own = _SINCE.table(dialect), plays.c
    same_log = (own.device_id == given.c.device, own.log_epoch == given.c.epoch, own.sequence > given.c.until)
    in_time = (own.started_ms >= given.c.begins, own.started_ms < given.c.ends)
    return select(given.c.day, *DOCUMENT, *JUDGED).select_from(given.join(plays, and_(*same_log, *in_time)))


@cache
def _sums(dialect: str) -> Select[Any]:
    given, own = _DAYS.table(dialect), play_sums.c
    same = and_(own.device_id == given.c.device, own.day == given.c.day)
    key = [own[name] for name in ("device_id", "day", *KEY)]
    return select(own.id, *key).select_from(given.join(play_sums, same))
