"""The origin's door to its database: one engine, short transactions, the same statements on SQLite and PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sync import Conflict, StorageBroken, StorageFull
from sync.origin.tables import metadata

_SQLITE_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000")


class OriginDatabase:
    """Hands out connections: `reading` for queries, `writing` for one atomic change."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection for queries; they see one consistent state."""
        try:
            async with self._engine.connect() as connection:
                if connection.dialect.name == "sqlite":
                    await connection.exec_driver_sql("BEGIN")
                else:  # else each statement would see a moment of its own
                    await connection.execution_options(isolation_level="REPEATABLE READ")
                yield connection
        except OperationalError as error:
            raise _broken(error) from error

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Give a connection whose changes are committed together, or not at all on any exception.

        Raises:
            Conflict: the change would leave something pointing at nothing, or doubles a unique value.
            StorageFull: the disk is full.
            StorageBroken: the database cannot be reached or is locked.
        """
        try:
            async with self._engine.connect() as connection:
                if connection.dialect.name == "sqlite":  # else two readers that turn writers deadlock
                    await connection.exec_driver_sql("BEGIN IMMEDIATE")
                else:
                    await connection.begin()
                try:
                    yield connection
                except BaseException:
                    await connection.rollback()
                    raise
                await connection.commit()
        except IntegrityError as error:
            raise Conflict(f"the change clashes with what is stored: {error.orig}") from error
        except OperationalError as error:
            raise _broken(error) from error


def _broken(error: OperationalError) -> StorageBroken | StorageFull:
    if "is full" in str(error.orig):
        return StorageFull("the origin's disk is full: free some space and try again")
    return StorageBroken(f"the origin's database does not answer: {error.orig}")


@asynccontextmanager
async def open_origin_database(url: str) -> AsyncIterator[OriginDatabase]:
    """Connect to `url` (`sqlite+aiosqlite:///path` or `postgresql+asyncpg://…`), making missing tables."""
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield OriginDatabase(engine)
    finally:
        await engine.dispose()


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions are ours to begin
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
