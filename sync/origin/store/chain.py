"""The statements on the chain of plays: which logs there are, and which plays do not follow the one before them."""

from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from sync.origin.database import OriginDatabase
from sync.origin.tables import play_conflicts, plays
from sync.report import GENESIS


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

    async def clashes(self, device: str | None, from_ms: int, until_ms: int, limit: int) -> list[tuple[Any, ...]]:
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
