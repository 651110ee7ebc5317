"""The log of changes: of each thing the number of its last change, higher than all numbers before.

It has a row for each thing that ever changed, so it does not grow with time. Whoever changes what `Subject` names notes
that in the same transaction, as the last thing: on PostgreSQL only one transaction at a time may note, until it ends.
So numbers appear in their order, and who reads those above a number misses none.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.persistence.database import HAS_NOTED, OriginDatabase, insertion
from sync.origin.tables.history import changes

_LOCK = int.from_bytes(b"changes")


class Subject(StrEnum):
    """What changes."""

    DEVICE = "device"  # its name, channel or token, what a person let through, or that it was removed
    MACHINE = "machine"  # what is known or doubted of the machines of a device
    CHANNEL = "channel"  # the sequence of its timestamp


@dataclass(frozen=True, slots=True)
class NotedChange:
    """One thing that changed."""

    subject: Subject
    id: str
    number: int


def note_change(connection: Connection, subject: Subject, id: str) -> None:
    """Note a change inside the caller's transaction; this origin reads it when that is committed."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    number = select(func.coalesce(func.max(changes.c.number), 0) + 1).scalar_subquery()
    added = insertion(changes, connection.dialect.name).values(subject=subject.value, id=id, number=number)
    key, value = [changes.c.subject, changes.c.id], {"number": added.excluded.number}
    connection.execute(added.on_conflict_do_update(index_elements=key, set_=value))
    connection.info[HAS_NOTED] = True


async def note(connection: AsyncConnection, subject: Subject, id: str) -> None:
    """Do the same on a connection of the event loop."""
    await connection.run_sync(note_change, subject, id)


_NEWEST = select(func.coalesce(func.max(changes.c.number), 0))


class ChangeLog:
    """Reads changes."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def newest(self) -> int:
        """Return the highest number, 0 before the first change."""
        return await self._database.read(lambda connection: connection.scalar(_NEWEST) or 0)

    async def since(self, number: int) -> list[NotedChange] | None:
        """Return what changed after `number`, in order; None: the database is older than that, it was restored."""
        query = select(changes.c.subject, changes.c.id, changes.c.number).where(changes.c.number >= number)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        if number and not rows:
            return None
        found = (NotedChange(Subject(row.subject), row.id, row.number) for row in rows)
        return sorted((one for one in found if one.number > number), key=lambda one: one.number)
