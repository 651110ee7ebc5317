"""DatabaseAccess to the origin's database: short transactions, with the same statements on SQLite and PostgreSQL."""

import asyncio
import hashlib
import json
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from pydantic_core import from_json
from sqlalchemy import ARRAY, BigInteger, Connection, Engine, Table, cast, create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from sync.errors import Conflict, Rejected, SignageError, StorageBroken, StorageFull
from sync.origin.persistence.deadlocks import Deadlocked
from sync.origin.persistence.held_plays import HeldPlays
from sync.origin.persistence.lists import fill_name_keys
from sync.origin.persistence.play_files import PlayFiles
from sync.origin.persistence.schema_upgrade import bring_up_to_date
from sync.origin.persistence.turns import OpenTransaction, OriginTurn
from sync.recurring_problem import RecurringProblem
from sync.runtime.clock import Clock, SystemClock, unix_ms
from sync.runtime.os_messages import os_reason
from sync.runtime.sqlite import database_reason

log = logging.getLogger(__name__)

_DATABASE_URL = "write postgresql+asyncpg://user:password@host/name, or leave it empty for SQLite"
_TURNS_AT_ONCE = 4  # each holds one of the 15 connections of the pool
_SQLITE_PRAGMAS = ("busy_timeout=10000", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
_TRIES = 10  # where eight opened each of 150 new files at once, a second one was enough
_SQLITE_WHILE_UPDATED = ("foreign_keys=OFF", "busy_timeout=120000")
"""A table that is made anew would take the rows of others with it; what another origin does may take long."""

HAS_NOTED = "has noted a change"
"""Under this key a connection knows that its transaction noted a change, see `sync.origin.store.changes`."""

_LAST = "what its transaction does last"
LastWork = Callable[[Connection, int], object]
"""What a transaction does right before its commit, given the time (Unix ms)."""

IN_EACH_CHANGE: ContextVar[LastWork | None] = ContextVar("in_each_change", default=None)
"""What each transaction that changes something does before its commit, in the task of who set it."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class HeldHeartbeat:
    """A heartbeat that is not written yet, when it came (Unix ms), and how bad it is what it says; None: not known."""

    document: dict[str, Any]
    at_ms: int
    severity: str | None = None


class OriginDatabase:
    """Provides connections: `reading` for queries, `writing` for one atomic change; and the files of archived plays.

    `read` and `write` do the same with a function of many statements: on SQLite it runs in a thread, where a statement
    costs a tenth of what it costs the event loop. `in_threads` is the engine for that, None on PostgreSQL. There is one
    thread for either: SQLite has one writer, and short queries gain nothing from a second reader.
    """

    def __init__(
        self, engine: AsyncEngine, play_files: PlayFiles, clock: Clock, in_threads: Engine | None = None
    ) -> None:
        self.after_changes: Callable[[], Awaitable[None]] | None = None  # were noted and committed here
        self._engine = engine
        self._clock = clock
        self._in_threads = in_threads
        self._threads = {begin: ThreadPoolExecutor(1, "database") for begin in ("BEGIN", "BEGIN IMMEDIATE")}
        self.held_heartbeats = dict[str, HeldHeartbeat]()  # by device, see `sync.origin.store.heartbeats`
        self.held_plays = HeldPlays()
        self.play_files = play_files
        self._writer = asyncio.Lock()  # of SQLite, which has one; waiting here is fair, and costs no connection
        self._problem = RecurringProblem(SystemClock(), log, "database failed", "database works again", logging.ERROR)
        self._turns = WeakValueDictionary[str, asyncio.Lock]()
        self._turns_at_once = asyncio.Semaphore(_TURNS_AT_ONCE)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Provide a connection for queries; all of them see the database as it is at one moment.

        Raises:
            Rejected: a value is of a kind the database cannot hold.
            StorageBroken: the database cannot be reached, is locked or damaged.
        """
        async with self._connected() as connection:
            if connection.dialect.name == "sqlite":
                await connection.exec_driver_sql("BEGIN")
            else:  # the default level gives each statement a moment of its own
                await connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Provide a connection whose changes are committed together, or rolled back on any exception.

        Raises:
            Conflict: the change breaks a reference or repeats a unique value.
            Deadlocked: it and another one waited for each other; nothing is changed, and it can be done again.
            Rejected: a value is of a kind the database cannot hold.
            StorageFull: the disk is full.
            StorageBroken: the database cannot be reached, is locked or damaged.
        """
        is_sqlite, has_noted = self._engine.dialect.name == "sqlite", False
        async with (
            self._writer if is_sqlite else nullcontext(),
            self._connected() as connection,
            _transaction(connection),
        ):
            connection.info.pop(_LAST, None)  # of a transaction that failed
            yield connection
            if _LAST in connection.info or IN_EACH_CHANGE.get() is not None:
                await connection.run_sync(_do_last, self._clock)
            has_noted = connection.info.pop(HAS_NOTED, False)
        await self._tell(has_noted)

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """Return what `work` reads, as in `reading`, with its errors."""
        if self._in_threads is not None:
            return await self._in_thread(self._in_threads, "BEGIN", work)
        async with self.reading() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Have `work` change the database, as in `writing`, with its errors; return what it returns."""
        if self._in_threads is not None:
            async with self._writer:
                result, has_noted = await self._in_thread(self._in_threads, "BEGIN IMMEDIATE", _noting(work))
            await self._tell(has_noted)
            return result
        async with self.writing() as connection:
            return await connection.run_sync(work)

    async def bring_up_to_date(self) -> None:
        """Give the database the schema of this version, or leave it as it was; other origins wait meanwhile.

        Raises:
            StorageBroken: the database cannot be reached, is locked, damaged, or was written by a newer version.
        """
        async with self._connected() as connection:
            await _set_pragmas(connection, _SQLITE_WHILE_UPDATED)
            async with _transaction(connection):
                await connection.run_sync(bring_up_to_date)
                await connection.run_sync(fill_name_keys)
            await _set_pragmas(connection, _SQLITE_PRAGMAS)

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Let one at a time work on what has that name, of all origins that share this database."""
        async with self.turn_here(name), self.turns_among_origins([name]):
            yield

    def turn_here(self, name: str) -> asyncio.Lock:
        """Return what lets one at a time of this origin work on what has that name."""
        return self._turns.setdefault(name, asyncio.Lock())

    @asynccontextmanager
    async def turns_among_origins(self, names: Sequence[str], *, wait: bool = True) -> AsyncIterator[OriginTurn]:
        """Have the turn of this origin with each of these names; provide those of which it has it.

        Without `wait` that may be some of them only: others have the rest. The caller has each `turn_here`.
        """
        if self._engine.dialect.name == "sqlite":  # no other origin uses it
            yield OriginTurn(set(names), self)
            return
        numbers = {int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True): name for name in names}
        lock = func.pg_advisory_xact_lock if wait else func.pg_try_advisory_xact_lock
        one = func.unnest(cast(sorted(numbers), ARRAY(BigInteger))).column_valued("number")
        async with self._turns_at_once, self.writing() as connection:
            rows = await connection.execute(select(one, lock(one)))
            yield OriginTurn({numbers[number] for number, got in rows if got is not False}, OpenTransaction(connection))

    async def _in_thread(self, engine: Engine, begin: str, work: Callable[[Connection], Result]) -> Result:
        with self._told():
            loop, thread = asyncio.get_running_loop(), self._threads[begin]
            transaction = partial(_in_transaction, engine, begin, work, self._clock)
            return await loop.run_in_executor(thread, copy_context().run, transaction)  # it knows who acts

    async def _tell(self, has_noted: bool) -> None:
        if has_noted and self.after_changes is not None:
            await self.after_changes()

    async def close(self) -> None:
        """Close all connections; what runs in threads is finished."""
        for thread in self._threads.values():
            thread.shutdown()
        await self._engine.dispose()
        if self._in_threads is not None:
            self._in_threads.dispose()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        with self._told():
            async with self._engine.connect() as connection:
                yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raise errors of the database as ours; the log has an outage when it begins, and when it ends."""
        try:
            yield
        except DBAPIError as error:
            ours = _translated(error)
            if isinstance(ours, StorageBroken) and not isinstance(ours, Deadlocked):
                self._problem.occurred(str(error.orig))
            raise ours from error
        except PoolTimeout as error:
            raise StorageBroken("the origin is overloaded: try again in a moment") from error
        except OSError as error:  # of the connection to a database server
            self._problem.occurred(os_reason(error))
            raise StorageBroken(f"the origin's database does not answer: {os_reason(error)}") from error
        self._problem.cleared()


def insertion(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """Return an insertion that can say what to do with a row that is there; both databases write it alike."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def _noting(work: Callable[[Connection], Result]) -> Callable[[Connection], tuple[Result, bool]]:
    return lambda connection: (work(connection), connection.info.pop(HAS_NOTED, False))


def do_last(connection: Connection | AsyncConnection, work: LastWork) -> None:
    """Have the transaction of the caller, in `writing` or `write`, do this right before it is committed.

    So locks that many transactions share are taken after all others, and are held for a moment.
    """
    connection.info.setdefault(_LAST, []).append(work)


def done_last(connection: Connection | AsyncConnection) -> Sequence[LastWork]:
    """Return what the transaction of the caller does right before it is committed, so far."""
    found: Sequence[LastWork] = connection.info.get(_LAST, ())
    return found


def _do_last(connection: Connection, clock: Clock) -> None:
    now_ms = unix_ms(clock.now())
    if (first := IN_EACH_CHANGE.get()) is not None:
        first(connection, now_ms)
    for work in connection.info.pop(_LAST, ()):
        work(connection, now_ms)


def _in_transaction(engine: Engine, begin: str, work: Callable[[Connection], Result], clock: Clock) -> Result:
    with engine.connect() as connection:
        connection.info.pop(_LAST, None)  # of a transaction that failed
        connection.exec_driver_sql(begin)
        result = work(connection)
        if begin != "BEGIN":
            _do_last(connection, clock)
        connection.commit()
        return result


async def _set_pragmas(connection: AsyncConnection, pragmas: Iterable[str]) -> None:
    if connection.dialect.name == "sqlite":
        for pragma in pragmas:
            await connection.exec_driver_sql(f"PRAGMA {pragma}")


@asynccontextmanager
async def _transaction(connection: AsyncConnection) -> AsyncIterator[None]:
    if connection.dialect.name == "sqlite":  # a plain BEGIN lets two readers deadlock when both want to write
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        await connection.begin()
    async with AsyncExitStack() as unless_committed:
        unless_committed.push_async_callback(connection.rollback)
        yield
        await connection.commit()
        unless_committed.pop_all()


def _translated(error: DBAPIError) -> SignageError:
    """Return the error of ours for one of SQLite or PostgreSQL; only PostgreSQL has a state code."""
    code = getattr(error.orig, "sqlstate", None) or ""
    if isinstance(error, IntegrityError):
        log.info("database refuses a change: %s", error.orig)
        return Conflict("the change does not fit what is stored now: load it again and repeat the change")
    if code == "53100" or "is full" in str(error.orig):
        return StorageFull("the origin's disk is full: free some space and try again")
    if code in ("40P01", "40001"):
        return Deadlocked("others change the same at this moment: try again")
    if code.startswith("22"):  # such as a text with a zero byte in it
        log.info("database refuses a value: %s", error.orig)
        return Rejected("the database cannot store this value: remove unusual characters, or use a smaller number")
    name = getattr(error.orig, "sqlite_errorname", None)
    if name:
        reason = database_reason(name)
    elif code.startswith("28") or code == "3D000":  # refused user or password, no such database
        reason = "check storage.database_url: its user, password and name of the database"
    else:
        reason = "check that the database server runs; the log has more"
    return StorageBroken(f"the origin's database does not answer: {reason}")


@asynccontextmanager
async def open_origin_database(
    url: str, plays_folder: Path = Path("plays"), clock: Clock | None = None
) -> AsyncIterator[OriginDatabase]:
    """Connect to `url` (`sqlite+aiosqlite:///path` or `postgresql+asyncpg://…`); bring its schema up to date.

    Archived plays are below `plays_folder`. `clock` says when something was done (`do_last`).

    Raises:
        StorageBroken: the database cannot be reached, the file is not a database, or a newer version wrote it.
        Rejected: `url` is not the address of a database, or its driver is not installed.
    """
    options: dict[str, Any] = {"json_deserializer": _read_json, "hide_parameters": True}  # errors name no secrets
    try:
        engine = create_async_engine(url, **options)
    except (ArgumentError, InvalidRequestError) as error:
        raise Rejected(f"storage.database_url is not the address of a database: {_DATABASE_URL}") from error
    except ImportError as error:
        raise Rejected(f"the driver for storage.database_url is not installed: {_DATABASE_URL}") from error
    in_threads = None
    if engine.dialect.name == "sqlite":
        in_threads = create_engine(
            engine.url.set(drivername="sqlite"), json_deserializer=_read_json, hide_parameters=True
        )
        for one in (engine.sync_engine, in_threads):
            event.listen(one, "connect", _prepare_sqlite)
    database = OriginDatabase(engine, PlayFiles(plays_folder), clock or SystemClock(), in_threads)
    try:
        await database.bring_up_to_date()
        yield database
    finally:
        await database.close()


def _read_json(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:  # half of a surrogate pair, which an earlier version stored
        return json.loads(text)


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # so that transactions begin only where this file begins them
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        _execute_when_free(cursor, f"PRAGMA {pragma}")
    cursor.close()


def _execute_when_free(cursor: Any, statement: str) -> None:
    """Execute it; SQLite does not wait where another origin changes the journal of a new database at that moment."""
    for tries_left in reversed(range(_TRIES)):
        try:
            cursor.execute(statement)
            return
        except sqlite3.OperationalError as error:
            if not tries_left or error.sqlite_errorname != "SQLITE_BUSY":
                raise
        cursor.execute("BEGIN IMMEDIATE")  # waits for the other one
        cursor.execute("ROLLBACK")
