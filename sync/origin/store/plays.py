"""The proof of play: each play once by (device, log epoch, sequence), conflicts kept aside, sums for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, case, func, insert, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.tables import play_conflicts, play_marks, plays
from sync.runtime.clock import unix_ms
from sync.wire.report import GENESIS, Play

_STEP = 1_000  # rows looked at in one go while counting up the high water

ReceiptStatus = Literal["accepted", "duplicate", "conflict"]
PlayKey = tuple[str, int]  # log epoch, sequence: unique on one device
GroupBy = Literal["item", "line", "campaign", "creative", "device"]


@dataclass(frozen=True, slots=True)
class ReceivedPlay:
    """A play that checked out, with the document it came as."""

    play: Play
    body: Mapping[str, Any]

    @property
    def key(self) -> PlayKey:
        """Return what is unique about it on its device."""
        return self.play.log_epoch, self.play.sequence


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of plays ended: newest first, so the next page is older."""

    started_ms: int
    device: str
    log_epoch: str
    sequence: int


@dataclass(frozen=True, slots=True)
class PlayFilter:
    """Which plays; None does not restrict. `from_ms <= started < until_ms`."""

    device: str | None = None
    line: str | None = None
    campaign: str | None = None
    item: str | None = None
    kind: str | None = None
    from_ms: int | None = None
    until_ms: int | None = None


class PlayStore:
    """Plays as evidence: inserted, never changed."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def insert(self, device: str, arrivals: Sequence[ReceivedPlay], now_ms: int) -> list[ReceiptStatus]:
        """Keep what is new, in one transaction; return a verdict for each arrival in order."""
        async with self._database.writing() as connection:
            held = await _hashes(connection, device, [arrival.key for arrival in arrivals])
            verdicts: list[ReceiptStatus] = []
            fresh: list[dict[str, Any]] = []
            odd: list[dict[str, Any]] = []
            for arrival in arrivals:
                known = held.get(arrival.key)
                if known is None:
                    held[arrival.key] = arrival.play.hash
                    fresh.append(_row(arrival, now_ms))
                    verdicts.append("accepted")
                elif known == arrival.play.hash:
                    verdicts.append("duplicate")
                else:
                    odd.append(_conflict(arrival, now_ms))
                    verdicts.append("conflict")
            if fresh:
                await _insert_new(connection, fresh)
            if odd:
                await connection.execute(insert(play_conflicts), odd)
            return verdicts

    async def high_water(self, device: str, log_epoch: str) -> int:
        """Return the highest sequence of this log with no gap below it; 0 when the first is missing."""
        async with self._database.writing() as connection:
            mine = (play_marks.c.device_id == device) & (play_marks.c.log_epoch == log_epoch)
            known = await connection.scalar(select(play_marks.c.high_water).where(mine))
            mark = await _climb(connection, device, log_epoch, known or 0)
            if known is None:
                row = {"device_id": device, "log_epoch": log_epoch, "high_water": mark}
                await connection.execute(insert(play_marks).values(**row))
            elif mark != known:
                await connection.execute(update(play_marks).where(mine).values(high_water=mark))
            return mark

    async def page(self, wanted: PlayFilter, *, after: Cursor | None, limit: int) -> list[dict[str, Any]]:
        """Return plays as they were sent, the newest first."""
        query = _filtered(select(plays.c.body), wanted)
        keys = (plays.c.started_ms, plays.c.device_id, plays.c.log_epoch, plays.c.sequence)
        if after is not None:
            values = (after.started_ms, after.device, after.log_epoch, after.sequence)
            query = query.where(tuple_(*keys) < tuple_(*values))
        query = query.order_by(*(key.desc() for key in keys)).limit(limit)
        async with self._database.reading() as connection:
            return [row.body for row in await connection.execute(query)]

    async def totals(self, wanted: PlayFilter, by: GroupBy) -> list[dict[str, Any]]:
        """Return plays, complete plays and milliseconds rendered for each thing played, the most played first."""
        column = _GROUPS[by]
        complete = func.sum(case((plays.c.outcome == "complete", 1), else_=0))
        query = select(
            column.label("id"),
            func.count().label("plays"),
            complete.label("complete"),
            func.sum(plays.c.rendered_ms).label("rendered_ms"),
            func.min(plays.c.started_ms).label("first_ms"),
            func.max(plays.c.started_ms).label("last_ms"),
        ).where(column.is_not(None))
        query = _filtered(query, wanted).group_by(column).order_by(func.count().desc(), column)
        async with self._database.reading() as connection:
            return [dict(row._mapping) for row in await connection.execute(query)]

    async def conflicts(self, limit: int) -> list[dict[str, Any]]:
        """Return the newest plays that claimed a taken sequence, as they were sent."""
        query = select(play_conflicts.c.body).order_by(play_conflicts.c.id.desc()).limit(limit)
        async with self._database.reading() as connection:
            return [row.body for row in await connection.execute(query)]


_GROUPS: dict[GroupBy, ColumnElement[str | None]] = {
    "item": plays.c.item_id,
    "line": plays.c.line_id,
    "campaign": plays.c.campaign_id,
    "creative": plays.c.creative_id,
    "device": plays.c.device_id,
}


async def _hashes(connection: AsyncConnection, device: str, keys: Sequence[PlayKey]) -> dict[PlayKey, str]:
    held: dict[PlayKey, str] = {}
    for epoch in {epoch for epoch, _ in keys}:
        sequences = [sequence for mine, sequence in keys if mine == epoch]
        query = select(plays.c.sequence, plays.c.hash).where(
            plays.c.device_id == device, plays.c.log_epoch == epoch, plays.c.sequence.in_(sequences)
        )
        held.update({(epoch, row.sequence): row.hash for row in await connection.execute(query)})
    return held


async def _insert_new(connection: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    # A batch sent twice at once may meet itself on PostgreSQL: the second then adds nothing.
    if connection.dialect.name == "sqlite":
        await connection.execute(sqlite.insert(plays).on_conflict_do_nothing(), rows)
    else:
        await connection.execute(postgresql.insert(plays).on_conflict_do_nothing(), rows)


async def _climb(connection: AsyncConnection, device: str, log_epoch: str, mark: int) -> int:
    while True:
        query = select(plays.c.sequence).where(
            plays.c.device_id == device, plays.c.log_epoch == log_epoch, plays.c.sequence > mark
        )
        found = (await connection.scalars(query.order_by(plays.c.sequence).limit(_STEP))).all()
        for sequence in found:
            if sequence != mark + 1:
                return mark
            mark = sequence
        if len(found) < _STEP:
            return mark


def _filtered(query: Select[*tuple[Any, ...]], wanted: PlayFilter) -> Select[*tuple[Any, ...]]:
    equal = {
        plays.c.device_id: wanted.device,
        plays.c.line_id: wanted.line,
        plays.c.campaign_id: wanted.campaign,
        plays.c.item_id: wanted.item,
        plays.c.kind: wanted.kind,
    }
    query = query.where(*(column == value for column, value in equal.items() if value is not None))
    if wanted.from_ms is not None:
        query = query.where(plays.c.started_ms >= wanted.from_ms)
    return query if wanted.until_ms is None else query.where(plays.c.started_ms < wanted.until_ms)


def _row(arrival: ReceivedPlay, now_ms: int) -> dict[str, Any]:
    play = arrival.play
    return {
        **_conflict(arrival, now_ms),
        "hash": play.hash,
        "kind": play.kind.value,
        "item_id": play.item,
        "campaign_id": play.campaign,
        "line_id": play.line,
        "creative_id": play.creative,
        "outcome": play.outcome.value,
        "started_ms": unix_ms(play.started_at),
        "rendered_ms": play.rendered_ms,
    }


def _conflict(arrival: ReceivedPlay, now_ms: int) -> dict[str, Any]:
    return {
        "device_id": arrival.play.device,
        "log_epoch": arrival.play.log_epoch,
        "sequence": arrival.play.sequence,
        "body": dict(arrival.body),
        "received_ms": now_ms,
    }


class ChainStore:
    """Reads the evidence as it stands; nothing about it is remembered, so each answer is worked out anew."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def logs(self, device: str | None) -> list[tuple[Any, ...]]:
        """Return each log: device, epoch, plays, first and last sequence, and when those two began (Unix ms)."""
        key = (plays.c.device_id, plays.c.log_epoch)
        edges = select(
            *key,
            func.count().label("plays"),
            func.min(plays.c.sequence).label("first"),
            func.max(plays.c.sequence).label("last"),
        ).group_by(*key)
        if device is not None:
            edges = edges.where(plays.c.device_id == device)
        log, first, last = edges.subquery(), plays.alias(), plays.alias()
        query = select(log, first.c.started_ms, last.c.started_ms)
        for edge, sequence in ((first, log.c.first), (last, log.c.last)):
            here = and_(edge.c.device_id == log.c.device_id, edge.c.log_epoch == log.c.log_epoch)
            query = query.join(edge, and_(here, edge.c.sequence == sequence))
        return await self._rows(query)

    async def breaks(self, device: str | None, from_ms: int, until_ms: int, limit: int) -> list[tuple[Any, ...]]:
        """Return the plays begun in this time that do not follow the one before them, the newest first.

        Each as device, epoch, sequence, when it began, the nearest sequence below that is here (0: none), the hash it
        names, and the hash of the play directly before it.
        """
        before, below = plays.alias(), plays.alias()
        named = plays.c.body["previous_hash"].as_string()
        here = and_(before.c.device_id == plays.c.device_id, before.c.log_epoch == plays.c.log_epoch)
        same_log = (below.c.device_id == plays.c.device_id, below.c.log_epoch == plays.c.log_epoch)
        nearest = select(func.max(below.c.sequence)).where(*same_log, below.c.sequence < plays.c.sequence)
        nearest_one = func.coalesce(nearest.correlate(plays).scalar_subquery(), 0)
        begins, follows = plays.c.sequence == 1, plays.c.sequence > 1
        wrong = or_(and_(begins, named != GENESIS), and_(follows, or_(before.c.hash.is_(None), before.c.hash != named)))
        columns = (plays.c.device_id, plays.c.log_epoch, plays.c.sequence, plays.c.started_ms)
        query = (
            select(*columns, nearest_one, named, before.c.hash)
            .outerjoin(before, and_(here, before.c.sequence == plays.c.sequence - 1))
            .where(plays.c.started_ms >= from_ms, plays.c.started_ms < until_ms, wrong)
            .order_by(plays.c.started_ms.desc())
            .limit(limit)
        )
        return await self._rows(query if device is None else query.where(plays.c.device_id == device))

    async def conflicts(self, device: str | None, from_ms: int, until_ms: int, limit: int) -> list[tuple[Any, ...]]:
        """Return the plays set aside in this time: device, epoch, sequence, when it came."""
        own = play_conflicts.c
        query = select(own.device_id, own.log_epoch, own.sequence, own.received_ms).where(
            own.received_ms >= from_ms, own.received_ms < until_ms
        )
        query = query.order_by(own.id.desc()).limit(limit)
        return await self._rows(query if device is None else query.where(own.device_id == device))

    async def _rows(self, query: Select[Any]) -> list[tuple[Any, ...]]:
        async with self._database.reading() as connection:
            return [tuple(row) for row in await connection.execute(query)]
