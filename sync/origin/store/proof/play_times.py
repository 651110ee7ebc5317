"""The times of plays whose clock nobody had set: those that get another time, and are judged anew by it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, or_, select, tuple_, update

from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.days.play_days import mark_plays
from sync.origin.store.days.play_documents import DOCUMENT, documents
from sync.origin.store.proof.deduplication import Key
from sync.origin.tables.plays import plays
from sync.runtime.clock import ClockTrust
from sync.wire.device_reports import Play


@dataclass(frozen=True, slots=True)
class StoredPlay:
    """A stored play, and what corrects its times."""

    play: Play
    offset_ms: int | None

    @property
    def key(self) -> Key:
        """Return what identifies it on its device."""
        return self.play.log_epoch, self.play.sequence


async def stored_plays(database: OriginDatabase, query: Select[Any]) -> list[StoredPlay]:
    """Return plays in the order of `query`, which selects `DOCUMENT` and what corrects their times."""
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    found = zip(await documents(database, rows), rows, strict=True)
    return [StoredPlay(Play.model_validate(document), row.clock_offset_ms) for document, row in found]


@dataclass(frozen=True, slots=True)
class MovedPlay:
    """When a stored play really was (Unix ms), and by how much that corrects what it says."""

    key: Key
    started_ms: int
    ended_ms: int
    offset_ms: int


JUDGED_ANEW = "its clock was set after it: it is being judged anew"
"""Why a play is set aside while it is moved to its right time."""


class PlayTimeStore:
    """Changes times and judgements in the table of plays, never a document."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def untrusted(
        self, device: str, boots: Collection[str], log_epochs: Collection[str], *, after: Key, limit: int
    ) -> list[StoredPlay]:
        """Return plays whose clock nobody had set, of these boots, or of these logs if they do not say their boot.

        They come by log and sequence, behind `after`.
        """
        boot = plays.c.body["boot_id"].as_string()
        of_these = or_(boot.in_(boots), and_(boot.is_(None), plays.c.log_epoch.in_(log_epochs)))
        query = select(*DOCUMENT, plays.c.clock_offset_ms).where(
            plays.c.device_id == device,
            plays.c.clock == ClockTrust.UNSYNCED.value,
            tuple_(plays.c.log_epoch, plays.c.sequence) > tuple_(*after),
            of_these,
        )
        query = query.order_by(plays.c.log_epoch, plays.c.sequence).limit(limit)
        return await stored_plays(self._database, query)

    async def move(self, device: str, moves: Sequence[MovedPlay], *, overlaps: str) -> None:
        """Give plays another time. They, and what was set aside as `overlaps` with the time they had, are `moved` now.

        What a person accepted goes on counting.
        """
        if not moves:
            return
        anew = case((plays.c.accepted.is_(None), JUDGED_ANEW), else_=plays.c.set_aside)
        of_device = plays.c.device_id == device
        these = and_(of_device, _among(move.key for move in moves))
        in_the_way = and_(of_device, plays.c.set_aside == overlaps, plays.c.accepted.is_(None))
        async with self._database.writing() as connection:
            ended_ms = func.coalesce(plays.c.ended_ms, plays.c.started_ms)
            span = select(func.min(plays.c.started_ms), func.max(ended_ms)).where(these, plays.c.set_aside.is_(None))
            since_ms, until_ms = (await connection.execute(span)).one()
            if since_ms is not None:
                victims = and_(in_the_way, ended_ms >= since_ms, plays.c.started_ms <= until_ms)
                await mark_plays(connection, victims)
                await connection.execute(update(plays).where(victims).values(set_aside=JUDGED_ANEW))
            await mark_plays(connection, these)
            times: dict[str, Any] = {
                "started_ms": bindparam("started"),
                "ended_ms": bindparam("ended"),
                "clock_offset_ms": bindparam("by"),
            }
            change = update(plays).where(of_device, *_ONE).values(**times, set_aside=anew)
            rows = [
                _key(move.key) | {"started": move.started_ms, "ended": move.ended_ms, "by": move.offset_ms}
                for move in moves
            ]
            await connection.execute(change, rows)
            await mark_plays(connection, these)

    async def moved(self, device: str, limit: int) -> list[StoredPlay]:
        """Return plays that have to be judged anew, the first to come first."""
        query = select(*DOCUMENT, plays.c.clock_offset_ms).where(
            plays.c.device_id == device, plays.c.set_aside == JUDGED_ANEW
        )
        query = query.order_by(plays.c.received_ms, plays.c.log_epoch, plays.c.sequence).limit(limit)
        return await stored_plays(self._database, query)

    async def devices_moved(self) -> set[str]:
        """Return the devices that have such plays."""
        query = select(plays.c.device_id).where(plays.c.set_aside == JUDGED_ANEW).distinct()
        async with self._database.reading() as connection:
            return set(await connection.scalars(query))

    async def judge(self, device: str, reasons: Mapping[Key, str | None]) -> None:
        """Set why these plays are in no sum; None: they count."""
        if not reasons:
            return
        async with self._database.writing() as connection:
            of_device = plays.c.device_id == device
            await mark_plays(connection, and_(of_device, _among(reasons)))
            change = update(plays).where(of_device, *_ONE).values(set_aside=bindparam("why"))
            await connection.execute(change, [_key(key) | {"why": reason} for key, reason in reasons.items()])


_ONE = (plays.c.log_epoch == bindparam("epoch"), plays.c.sequence == bindparam("place"))


def _key(key: Key) -> dict[str, Any]:
    return {"epoch": key[0], "place": key[1]}


def _among(keys: Iterable[Key]) -> ColumnElement[bool]:
    places: dict[str, list[int]] = {}
    for epoch, sequence in keys:
        places.setdefault(epoch, []).append(sequence)
    return or_(*(and_(plays.c.log_epoch == epoch, plays.c.sequence.in_(each)) for epoch, each in places.items()))
