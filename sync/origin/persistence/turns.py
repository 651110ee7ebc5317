"""What is read and changed in one turn: on PostgreSQL all of it in one transaction, which has the locks of the turn."""

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

Result = TypeVar("Result")


class DatabaseAccess(Protocol):
    """What runs functions of many statements: the database, each in a transaction of its own, or an open one."""

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Return what `work` reads."""

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Have `work` change the database; return what it returns."""


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction that goes on; each statement sees what others have committed until then."""

    connection: AsyncConnection

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Return what `work` reads."""
        return await self.connection.run_sync(work)

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Have `work` change the database; return what it returns."""
        return await self.connection.run_sync(work)


@dataclass(frozen=True, slots=True)
class OriginTurn:
    """The turn of this origin with what has these names, and how to read and write in it.

    On PostgreSQL what is written is committed when the turn ends, on SQLite at once.
    """

    names: Set[str]
    access: DatabaseAccess
