"""SQLite on a device: opens a database file with durable settings, and gives transactions.

There is one connection per file, because two can trigger the WAL-reset race of SQLite before 3.51.3. The tasks share
it. The lock in `transaction` prevents that the commit of one task includes half of another task's changes.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from sqlite3 import DatabaseError, OperationalError, Row
from typing import Any

import aiosqlite

from sync.errors import StorageBroken, StorageFull
from sync.runtime.durable_files import TEMP_SUFFIX, free_bytes, move_durably, set_aside, storage_errors

log = logging.getLogger(__name__)

_REASONS = {
    "SQLITE_BUSY": "another program has locked it; stop that program",
    "SQLITE_LOCKED": "another program has locked it; stop that program",
    "SQLITE_CORRUPT": "it is damaged",
    "SQLITE_NOTADB": "it is damaged, or it is not a database",
    "SQLITE_READONLY": "it cannot be written; check its owner and that the disk is writable",
    "SQLITE_PERM": "this user is not allowed to; check its owner",
    "SQLITE_AUTH": "this user is not allowed to; check its owner",
    "SQLITE_CANTOPEN": "it cannot be opened; check that its folder is there and writable",
    "SQLITE_IOERR": "the disk reports an error; check it and replace it",
    "SQLITE_NOMEM": "there is not enough memory",
}
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA wal_autocheckpoint=1000",
)
_LEAST_ROOM = 64 * 1024  # bytes; SQLite maps 32 KiB at once
_LOCK_WAIT_S = 0.5  # only another program can hold the lock, and the next cut must not wait longer

Parameters = Mapping[str, Any]


class Database:
    """One open SQLite file. Stores do not return its rows to other rooms."""

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()
        self._file = _file_id(path)
        self.path = path

    async def restore(self) -> None:
        """Write the file again if it was deleted or replaced while it is open: the connection still has its content.

        What is there instead is renamed. If it cannot be written, this connection goes on, and the next call tries
        again.

        Raises:
            StorageBroken: the new file was written but cannot be opened.
        """
        async with self._lock:
            await self._restore()

    async def _restore(self) -> None:
        if self._file is None or (found := _file_id(self.path)) == self._file:
            return
        writing = asyncio.ensure_future(self._write_again(found))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait({writing})  # half-way there is no connection, and its thread would outlive the loop
            raise

    async def _write_again(self, found: tuple[int, int] | None) -> None:
        log.warning("database=%s was %s while it is open", self.path, "deleted" if found is None else "replaced")
        written = self.path.with_name(f".{self.path.name}.restored{TEMP_SUFFIX}")
        try:
            written.unlink(missing_ok=True)
            await self._connection.execute("VACUUM INTO ?", (str(written),))
        except (OSError, DatabaseError) as error:
            log.error("database=%s cannot be written again: %s", self.path, error)
            return
        await self.close()  # before the new file is there: the last connection of a file deletes its journal by name
        with storage_errors(self.path):
            for suffix in ("-wal", "-shm"):  # their content is in the new file
                with suppress(IsADirectoryError):
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            set_aside(self.path)
            move_durably(written, self.path)
        with _converted(self.path):
            self._connection = await _connect(self.path)
        self._file = _file_id(self.path)
        log.warning("database=%s was written again", self.path)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Start a transaction; commit at the end, roll back after any exception.

        Raises:
            StorageFull: the disk is full.
            StorageBroken: the file is locked by another process, read-only or damaged.
        """
        async with self._lock:
            await self._restore()
            with _converted(self.path):
                async with AsyncExitStack() as unless_committed:
                    # Before BEGIN: after a cancellation that still runs in the thread of the driver.
                    unless_committed.push_async_callback(self._connection.rollback)
                    await self._connection.execute("BEGIN IMMEDIATE")
                    yield
                    await self._connection.commit()
                    unless_committed.pop_all()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Have all queries within see one moment, whoever writes; it writes nothing.

        Raises:
            StorageBroken: the file cannot be read.
        """
        async with self._lock:
            with _converted(self.path):
                try:
                    await self._connection.execute("BEGIN")  # after a cancellation it still runs, as in `transaction`
                    yield
                finally:
                    await self._connection.rollback()

    async def execute(self, statement: str, parameters: Parameters | None = None) -> int:
        """Run one statement in a `transaction`; return how many rows it changed."""
        async with self._connection.execute(statement, parameters or {}) as cursor:
            return cursor.rowcount

    async def execute_many(self, statement: str, rows: Sequence[Parameters]) -> None:
        """Run one statement for each row in a `transaction`."""
        async with self._connection.executemany(statement, rows):
            pass

    async def rows(self, statement: str, parameters: Parameters | None = None) -> list[Row]:
        """Return all rows of a query."""
        with _converted(self.path):
            async with self._connection.execute(statement, parameters or {}) as cursor:
                return list(await cursor.fetchall())

    async def row(self, statement: str, parameters: Parameters | None = None) -> Row | None:
        """Return the first row of a query, or None."""
        with _converted(self.path):
            async with self._connection.execute(statement, parameters or {}) as cursor:
                return await cursor.fetchone()


@asynccontextmanager
async def open_database(path: Path, migrations: Sequence[str]) -> AsyncIterator[Database]:
    """Open `path`, run its missing migrations (counted by `PRAGMA user_version`), close it at the end.

    Raises:
        StorageBroken: the file is not a database, is damaged, or was written by a newer version.
    """
    journal = path.with_name(f"{path.name}-journal")  # SQLite looks there first, though ours is `-wal`
    if os.path.lexists(journal) and not journal.is_file():
        with storage_errors(journal):
            set_aside(journal)
    async with AsyncExitStack() as unless_open:
        with _converted(path):
            connection = await _connect(path)
            unless_open.push_async_callback(connection.close)
            await _check(connection, path)
            await _migrate(connection, path, migrations)
        unless_open.pop_all()
    database = Database(connection, path)
    try:
        yield database
    finally:
        await database.close()


async def _connect(path: Path) -> aiosqlite.Connection:
    async with AsyncExitStack() as unless_set:
        connection = await unless_set.enter_async_context(
            aiosqlite.connect(path, isolation_level=None, timeout=_LOCK_WAIT_S)
        )
        connection.row_factory = Row
        for pragma in _PRAGMAS:
            await connection.execute(pragma)
        unless_set.pop_all()
    return connection


def _file_id(path: Path) -> tuple[int, int] | None:
    """Return which file has this name; None: there is none, as of a database in memory."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@asynccontextmanager
async def read_database(path: Path) -> AsyncIterator[Database]:
    """Open `path` for reading only, also while another process writes to it.

    Raises:
        StorageBroken: the file is missing or cannot be read.
    """
    if not path.is_file():  # to open a pipe would wait for ever
        raise StorageBroken(f"{path} is missing or is not a file")
    unused = not path.with_name(f"{path.name}-wal").exists()  # no process has it open: SQLite needs no other files
    address = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if unused else ''}"
    with _converted(path):
        connection = await aiosqlite.connect(address, uri=True, isolation_level=None, timeout=_LOCK_WAIT_S)
    try:
        connection.row_factory = Row
        yield Database(connection, path)
    finally:
        await connection.close()


async def take_over(path: Path) -> Path:
    """Replace a database of another user, which can only be read, by a copy of our own; return its new name.

    Raises:
        StorageBroken, StorageFull: it cannot be read, or the copy cannot be written; nothing has changed.
    """
    copy = path.with_name(f".{path.name}.taken{TEMP_SUFFIX}")
    await copy_database(path, copy)
    with storage_errors(path):
        aside = set_aside(path) or path
        move_durably(copy, path)
    return aside


async def copy_database(path: Path, copy: Path) -> None:
    """Write a copy of a database as it is now, beside those who use it.

    Raises:
        StorageBroken, StorageFull: it cannot be read, or the copy cannot be written.
    """
    written = copy.with_name(f".{copy.name}.copied{TEMP_SUFFIX}")
    with storage_errors(path):
        written.unlink(missing_ok=True)
        async with read_database(path) as database:
            await database.rows("VACUUM INTO :copy", {"copy": str(written)})
        move_durably(written, copy)


async def _check(connection: aiosqlite.Connection, path: Path) -> None:
    async with connection.execute("PRAGMA quick_check(1)") as cursor:
        verdict = await cursor.fetchone()
    if verdict is None or verdict[0] != "ok":
        log.error("database=%s failed its check: %s", path, verdict[0] if verdict else "no answer")
        raise StorageBroken(f"{path} is damaged")


async def _migrate(connection: aiosqlite.Connection, path: Path, migrations: Sequence[str]) -> None:
    async with connection.execute("PRAGMA user_version") as cursor:
        row = await cursor.fetchone()
    version = int(row[0]) if row else 0
    if version > len(migrations):
        raise StorageBroken(f"{path} was written by a newer version of this program; install that version")
    for number, script in enumerate(migrations[version:], start=version + 1):
        await connection.executescript(f"BEGIN IMMEDIATE;\n{script}\n;PRAGMA user_version={number};\nCOMMIT;")


class _converted:
    """Turns errors of SQLite into errors of this project."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OperationalError) and ("full" in str(error) or self._disk_is_full(error)):
            raise StorageFull(
                f"the disk is full, {self._path} cannot be written: delete something and try again"
            ) from error
        if isinstance(error, DatabaseError):
            name = getattr(error, "sqlite_errorname", "no error code")
            log.debug("database=%s %s: %s", self._path, name, error)
            raise StorageBroken(f"{self._path} cannot be used: {database_reason(name)}") from error
        if isinstance(error, ValueError) and "connection" in str(error).lower():  # of aiosqlite, after `close`
            raise StorageBroken(f"{self._path} is closed") from error

    def _disk_is_full(self, error: OperationalError) -> bool:
        """Tell whether an error of the disk means that it is full: so SQLite says it where it maps a file (`-shm`)."""
        try:
            room = free_bytes(self._path.parent)
        except OSError:
            return False
        return getattr(error, "sqlite_errorname", "").startswith("SQLITE_IOERR") and room < _LEAST_ROOM


def database_reason(name: str) -> str:
    """Return what an error of SQLite means by its name, such as `SQLITE_BUSY_SNAPSHOT`."""
    return next((words for start, words in _REASONS.items() if name.startswith(start)), f"SQLite refuses it ({name})")
