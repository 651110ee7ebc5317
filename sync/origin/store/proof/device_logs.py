"""The log of a device as it arrived: how far without a gap, what is missing, and where its chain is broken."""

from collections.abc import Collection
from functools import cache
from typing import Any, Literal

from sqlalchemy import Column, Connection, Select, String, and_, bindparam, func, or_, select

from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.days.given_rows import Addition, GivenRows
from sync.origin.store.proof.deduplication import gaps_of
from sync.origin.store.spaces.visible_rows import of_seen_device
from sync.origin.tables.plays import play_conflicts, play_marks, plays
from sync.wire.device_reports import GENESIS

_BATCH_ROWS = 1_000  # read at once while the high water is counted up


class DeviceLogStore:
    """Reads logs as they are stored; each answer is computed from the rows, but for the mark of what arrived."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def logs(self, device: str | None) -> list[tuple[Any, ...]]:
        """Return each log: device, epoch, number of plays, first and last sequence, and their starts (Unix ms)."""
        key = (plays.c.device_id, plays.c.log_epoch)
        edges = select(
            *key,
            func.count().label("plays"),
            func.min(plays.c.sequence).label("first"),
            func.max(plays.c.sequence).label("last"),
        ).group_by(*key)
        edges = _of(edges, plays.c.device_id, device)
        log, first, last = edges.subquery(), plays.alias(), plays.alias()
        query = select(log, first.c.started_ms, last.c.started_ms)
        for edge, sequence in ((first, log.c.first), (last, log.c.last)):
            same_log = and_(edge.c.device_id == log.c.device_id, edge.c.log_epoch == log.c.log_epoch)
            query = query.join(edge, and_(same_log, edge.c.sequence == sequence))
        return await self._rows(query)

    async def breaks(self, device: str | None, from_ms: int, until_ms: int, limit: int) -> list[tuple[Any, ...]]:
        """Return the plays started in this time whose previous hash is not that of the play before them, newest first.

        Each as device, epoch, sequence, start, the nearest lower sequence that is stored (0: none), the previous hash
        it names, and the hash of the play directly before it.
        """
        before, lower = plays.alias(), plays.alias()
        previous_hash = plays.c.body["previous_hash"].as_string()
        same_log = and_(before.c.device_id == plays.c.device_id, before.c.log_epoch == plays.c.log_epoch)
        lower_in_log = (lower.c.device_id == plays.c.device_id, lower.c.log_epoch == plays.c.log_epoch)
        nearest = select(func.max(lower.c.sequence)).where(*lower_in_log, lower.c.sequence < plays.c.sequence)
        nearest_or_0 = func.coalesce(nearest.correlate(plays).scalar_subquery(), 0)
        is_first, is_later = plays.c.sequence == 1, plays.c.sequence > 1
        broken = or_(
            and_(is_first, previous_hash != GENESIS),
            and_(is_later, or_(before.c.hash.is_(None), before.c.hash != previous_hash)),
        )
        columns = (plays.c.device_id, plays.c.log_epoch, plays.c.sequence, plays.c.started_ms)
        query = (
            select(*columns, nearest_or_0, previous_hash, before.c.hash)
            .outerjoin(before, and_(same_log, before.c.sequence == plays.c.sequence - 1))
            .where(plays.c.started_ms >= from_ms, plays.c.started_ms < until_ms, broken)
            .order_by(plays.c.started_ms.desc())
            .limit(limit)
        )
        return await self._rows(_of(query, plays.c.device_id, device))

    async def judged(
        self, how: Literal["set_aside", "accepted"], device: str | None, from_ms: int, until_ms: int, limit: int
    ) -> list[tuple[Any, ...]]:
        """Return the plays received in this time: device, epoch, sequence, when it came, and how it was judged."""
        row = plays.c
        query = select(row.device_id, row.log_epoch, row.sequence, row.received_ms, row[how])
        query = query.where(row[how].is_not(None), row.received_ms >= from_ms, row.received_ms < until_ms)
        query = _of(query, row.device_id, device)
        return await self._rows(query.order_by(row.received_ms.desc()).limit(limit))

    async def conflicts(self, device: str | None, from_ms: int, until_ms: int, limit: int) -> list[tuple[Any, ...]]:
        """Return the conflicting plays received in this time, newest first: device, epoch, sequence, when it came."""
        row = play_conflicts.c
        query = select(row.device_id, row.log_epoch, row.sequence, row.received_ms)
        query = query.where(row.received_ms >= from_ms, row.received_ms < until_ms).order_by(row.id.desc())
        return await self._rows(_of(query, row.device_id, device).limit(limit))

    async def missing(self, device: str, log_epoch: str, limit: int) -> list[tuple[int, int]]:
        """Return the gaps below the newest play of this log: first and last missing sequence, the lowest first."""
        query = gaps_of(plays, device, log_epoch)
        return [(first, last) for first, last in await self._rows(query.limit(limit))]

    async def _rows(self, query: Select[Any]) -> list[tuple[Any, ...]]:
        async with self._database.reading() as connection:
            return [tuple(row) for row in await connection.execute(query)]


def _of(query: Any, column: Column[str], device: str | None) -> Any:
    """Select what is of a device, or of all that one may see."""
    query = query.where(of_seen_device(column))
    return query if device is None else query.where(column == device)


Log = tuple[str, str]
"""Device and log epoch."""


def high_waters(connection: Connection, logs: Collection[Log]) -> dict[Log, int]:
    """Return of each log the highest sequence without a gap below it, and note it; 0 if the first play is missing."""
    dialect, marks, changed = connection.dialect.name, dict[Log, int](), list[tuple[str, str, int]]()
    if not logs:
        return marks
    for device, epoch, noted, newest, above in connection.execute(
        _noted(dialect), _LOGS.values(dialect, [*logs])
    ).all():
        mark = noted or 0
        if (newest or 0) != mark:
            mark = newest if newest - mark == above else _contiguous_from(connection, device, epoch, mark)
        marks[device, epoch] = mark
        if mark != noted:
            changed.append((device, epoch, mark))
    _MARKS.add(connection, changed)
    return marks


def _contiguous_from(connection: Connection, device: str, epoch: str, mark: int) -> int:
    while True:
        found = connection.scalars(_ABOVE, {"device": device, "epoch": epoch, "mark": mark}).all()
        for sequence in found:
            if sequence != mark + 1:
                return mark
            mark = sequence
        if len(found) < _BATCH_ROWS:
            return mark


_LOGS = GivenRows(device=String(), epoch=String())
_MARKS = Addition(
    play_marks,
    ("device_id", "log_epoch", "high_water"),
    lambda insertion: insertion.on_conflict_do_update(
        index_elements=list(play_marks.primary_key), set_={"high_water": insertion.excluded.high_water}
    ),
)


@cache
def _noted(dialect: str) -> Select[Any]:
    """Return a query for what is noted of logs, their newest plays, and how many are within a batch above the mark."""
    given = _LOGS.table(dialect)
    same_log = (plays.c.device_id == given.c.device, plays.c.log_epoch == given.c.epoch)
    of_log = and_(play_marks.c.device_id == given.c.device, play_marks.c.log_epoch == given.c.epoch)
    mark = func.coalesce(play_marks.c.high_water, 0)
    newest = select(func.max(plays.c.sequence)).where(*same_log).scalar_subquery()
    within = (plays.c.sequence > mark, plays.c.sequence <= mark + _BATCH_ROWS)
    above = select(func.count()).select_from(plays).where(*same_log, *within).scalar_subquery()
    columns = (given.c.device, given.c.epoch, play_marks.c.high_water, newest, above)
    return select(*columns).select_from(given.outerjoin(play_marks, of_log))


_ABOVE = (
    select(plays.c.sequence)
    .where(plays.c.device_id == bindparam("device"), plays.c.log_epoch == bindparam("epoch"))
    .where(plays.c.sequence > bindparam("mark"))
    .order_by(plays.c.sequence)
    .limit(_BATCH_ROWS)
)
"""Made once: to make a statement costs several times what it costs to execute it."""
