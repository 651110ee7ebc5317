"""The table of signs that two machines run with the identity of one device; a row stays when it is dealt with."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import insert, select, update

from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.store.audit.record import record
from sync.origin.store.changes.change_log import Subject, note
from sync.origin.tables.signing import identity_doubts


class DoubtKind(StrEnum):
    """What makes the origin doubt that a device is one machine."""

    FORK = "fork"  # two checkpoints have one place in the chain
    SET_BACK = "set_back"  # a checkpoint or heartbeat is behind what was signed before
    CONFLICT = "conflict"  # two plays have one place in the log
    TWO_BOOTS = "two_boots"  # two starts of a machine report in turn


@dataclass(frozen=True, slots=True)
class Doubt:
    """A doubt that nobody has dealt with; `at_ms` is when it came up."""

    device: str
    kind: DoubtKind
    at_ms: int
    detail: str


class IdentityDoubtStore:
    """Doubts about the identity of devices."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def raise_doubt(self, device: str, kind: DoubtKind, detail: str, now_ms: int) -> bool:
        """Add a doubt; return False if one of this kind is there that nobody has dealt with."""
        own = identity_doubts.c
        is_open = select(own.id).where(own.device_id == device, own.kind == kind, own.ended_ms.is_(None))
        row = {"device_id": device, "kind": kind.value, "at_ms": now_ms, "detail": detail}
        async with self._database.turn(f"doubts of {device}"), self._database.writing() as connection:
            if (await connection.execute(is_open)).first() is not None:
                return False
            await connection.execute(insert(identity_doubts).values(**row))
            await note(connection, Subject.MACHINE, device)
            return True

    async def open_doubts(self, device: str | None = None) -> list[Doubt]:
        """Return the doubts that nobody has dealt with, the oldest first."""
        own = identity_doubts.c
        query = select(own.device_id, own.kind, own.at_ms, own.detail).where(own.ended_ms.is_(None)).order_by(own.id)
        query = query if device is None else query.where(own.device_id == device)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
            return [Doubt(row.device_id, DoubtKind(row.kind), row.at_ms, row.detail) for row in rows]

    async def end(self, device: str, by: str, now_ms: int) -> int:
        """Note that a person dealt with all doubts about a device; return how many there were."""
        own = identity_doubts.c
        change = update(identity_doubts).where(own.device_id == device, own.ended_ms.is_(None))
        async with self._database.writing() as connection:
            ended = (await connection.execute(change.values(ended_ms=now_ms, ended_by=by))).rowcount
            if ended:
                record(connection, AuditedChange(ThingKind.DEVICE, device, device, Action.SETTLED))
            await note(connection, Subject.MACHINE, device)
            return ended
