"""The evidence of this device, `plays.db`: open takes, the log of plays, and the memory of rotation and ads (SQL).

What belongs together is one transaction: a reservation and the memory it leads to; a play, its outbox row, its place in
the hash chain and the refund. Only the ledger numbers plays. The file is never deleted by the player: a damaged file is
set aside and a new log epoch starts, so that no sequence is used twice.
"""

import asyncio
import logging
import os
import secrets
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from player.evidence.checkpoints import CHANGED_COUNTS_SCHEMA, CHECKPOINT_SCHEMA, CheckpointLog
from player.evidence.history_log import HISTORY_SCHEMA, HistoryLog
from player.evidence.ledger_entries import (
    Entry,
    LogHead,
    MemoryChange,
    OpenTake,
    SavedMemory,
    TakeClosed,
    TakeProgress,
    TakeReserved,
    TakeStarted,
)
from player.evidence.new_log_epoch import NEW_LOG_SCHEMA, begin_new_log, keep_copy, log_some_again
from player.evidence.programme_memory import MEMORY_SCHEMA, RECENT_ADS_SCHEMA, read_memory, write_memory
from player.evidence.quarantine import QUARANTINE_SCHEMA, AssetFailure, Quarantine
from sync.device.store.outbox import OUTBOX_SCHEMA, Outbox
from sync.errors import StorageBroken, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.os_messages import os_reason
from sync.runtime.sqlite import Database, copy_database, open_database, read_database, take_over
from sync.wire.device_reports import GENESIS, Play

_SCHEMA = """
-- Whose log this is, and its newest play: one row.
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    device TEXT NOT NULL,           -- the id the origin gave this device
    epoch TEXT NOT NULL,            -- 128 random bits in hex, made with the file
    sequence INTEGER NOT NULL,      -- of the newest play, 0 before the first
    hash TEXT NOT NULL              -- of the newest play, zeros before the first
) STRICT;

-- Takes under way: reserved before the cut, started at the cut, deleted once closed. A row found at start is cut off.
CREATE TABLE takes (
    take TEXT PRIMARY KEY,
    body TEXT NOT NULL,             -- JSON: what was decided
    started_ms INTEGER,             -- Unix milliseconds at the cut, NULL while only reserved
    shown_ms INTEGER NOT NULL,      -- milliseconds on the screen when last written
    clock TEXT NOT NULL             -- ClockTrust at the cut, empty while only reserved
) STRICT;
"""

_TAKES_SCHEMA = """
-- `takes` without an index, which each step of a take would write too: there are never more than a few.
ALTER TABLE takes RENAME TO indexed_takes;
CREATE TABLE takes (
    number INTEGER PRIMARY KEY,     -- in the order they were written
    take TEXT NOT NULL,
    body TEXT NOT NULL,             -- JSON: what was decided
    started_ms INTEGER,             -- Unix milliseconds at the cut, NULL while only reserved
    shown_ms INTEGER NOT NULL,      -- milliseconds on the screen when last written
    clock TEXT NOT NULL             -- ClockTrust at the cut, empty while only reserved
) STRICT;
INSERT INTO takes SELECT NULL, * FROM indexed_takes ORDER BY rowid;
DROP TABLE indexed_takes;
"""

MIGRATIONS = (
    _SCHEMA + MEMORY_SCHEMA + OUTBOX_SCHEMA + QUARANTINE_SCHEMA,
    CHECKPOINT_SCHEMA,
    HISTORY_SCHEMA,
    RECENT_ADS_SCHEMA + _TAKES_SCHEMA,
    CHANGED_COUNTS_SCHEMA,
    NEW_LOG_SCHEMA,
)
"""The schema of `plays.db`, step by step; a released step is never edited."""

_TRANSIENT = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_PERM")

log = logging.getLogger(__name__)


class Ledger:
    """The evidence of this device; made by `open_ledger`. `problem` says what a technician should know, or is empty.

    With `open_later` the file could not be opened yet, and `database` is empty and in memory: nothing is written to it.
    """

    def __init__(
        self,
        database: Database,
        quarantine: Quarantine,
        head: LogHead,
        problem: str = "",
        open_later: "Callable[[], Awaitable[_Opened]] | None" = None,
    ) -> None:
        self.outbox = Outbox(database)
        self.checkpoints = CheckpointLog(database)
        self.history = HistoryLog(database)
        self.quarantine = quarantine
        self.device = head.device
        self.epoch = head.epoch
        self.problem = problem
        self._database = database
        self._open_later = open_later
        self._opening = asyncio.Lock()

    async def open_file(self) -> None:
        """Open the file if it could not be opened before.

        Raises:
            StorageFull, StorageBroken: it cannot be opened now either.
        """
        async with self._opening:
            if self._open_later is None:
                return
            self._database, quarantine, head, self.problem = await self._open_later()
            self.epoch, self._open_later = head.epoch, None
            self.quarantine.move_to(quarantine)
            self.outbox.move_to(self._database)
            self.checkpoints.move_to(self._database)
            self.history.move_to(self._database)
            log.info("ledger=%s is opened", self._database.path)

    async def begin_anew(self, *, set_back: bool = True) -> None:
        """Begin a new log with the plays that the origin does not have.

        A copy is kept of a log that was `set_back`: its file came from a backup, or the card was copied.

        Raises:
            StorageFull, StorageBroken: nothing is lost; `finish_anew` goes on if it was begun.
        """
        await self.finish_anew()
        kept = await self.keep_copy() if set_back else ""
        count = await self._begin_anew()
        if set_back:
            self.problem = (
                f"the origin has other plays of this log: its file was restored, or the card copied; {kept}"
                f"a new log epoch starts with {count} plays"
            )
            log.error("ledger=%s %s", self._database.path, self.problem)
        await self.finish_anew()

    async def become(self, device: str) -> None:
        """Begin the log of another device, which this machine becomes; nothing of it is signed yet.

        What waits comes into it by `finish_anew`.

        Raises:
            StorageFull, StorageBroken: nothing has changed.
        """
        await self.finish_anew()
        count = await self._begin_anew(device)
        log.warning("ledger=%s is that of device=%s now, with %d plays", self._database.path, device, count)
        self.device = device

    async def _begin_anew(self, device: str | None = None) -> int:
        await self.open_file()
        async with self._database.transaction():
            self.epoch, count = await begin_new_log(self._database, device)
        return count

    async def finish_anew(self) -> None:
        """Log plays again to the end, if a new log was begun; others write in between.

        Raises:
            StorageFull, StorageBroken: it goes on the next time.
        """
        more = begun = await self.outbox.is_begun_anew()
        while more:
            async with self._database.transaction():
                more = await log_some_again(self._database)
        if begun:
            log.info("ledger=%s all plays that wait are in the new log", self._database.path)
            self.outbox.notify()
            self.history.notify()

    async def keep_copy(self) -> str:
        """Keep a copy of this log beside it, see `new_log_epoch.keep_copy`.

        Raises:
            StorageFull, StorageBroken: the log cannot be opened.
        """
        await self.open_file()
        return await keep_copy(self._database.path, self.epoch)

    async def write(self, entries: Sequence[Entry], change: MemoryChange | None = None) -> None:
        """Write all of this durably, or nothing.

        Raises:
            StorageFull, StorageBroken: nothing was written; the same entries may be written later.
        """
        await self.open_file()
        async with self._database.transaction():
            for entry in entries:
                await self._write(entry)
            if change is not None:
                await write_memory(self._database, change)
        if any(isinstance(entry, TakeClosed) and entry.make_play for entry in entries):
            self.outbox.notify()

    async def _write(self, entry: Entry) -> None:
        match entry:
            case TakeReserved(take, body):
                row = {"take": take, "body": body}
                await self._database.execute(
                    """INSERT INTO takes SELECT NULL, :take, :body, NULL, 0, ''
                    WHERE NOT EXISTS (SELECT 1 FROM takes WHERE take = :take)""",
                    row,
                )
            case TakeStarted(take, body, started_ms, clock):
                row = {"take": take, "body": body, "clock": clock}
                await self._database.execute("DELETE FROM takes WHERE take = :take", {"take": take})
                statement = "INSERT INTO takes VALUES (NULL, :take, :body, :started_ms, 0, :clock)"
                await self._database.execute(statement, {**row, "started_ms": started_ms})
            case TakeProgress(take, shown_ms):
                statement = "UPDATE takes SET shown_ms = max(shown_ms, :shown_ms) WHERE take = :take"
                await self._database.execute(statement, {"take": take, "shown_ms": shown_ms})
            case TakeClosed(take, make_play):
                if make_play is not None and not await self.outbox.has_play(take):  # committed, but the answer was lost
                    await self._append(make_play)
                await self._database.execute("DELETE FROM takes WHERE take = :take", {"take": take})
            case AssetFailure():
                await self.quarantine.write(entry)

    async def _append(self, make_play: Callable[[LogHead], Play]) -> None:
        head = await _read_head(self._database)
        play = make_play(head)
        await self.outbox.add(play)
        row = {"sequence": play.sequence, "hash": play.hash}
        await self._database.execute("UPDATE log SET sequence = :sequence, hash = :hash", row)

    async def head(self) -> LogHead | None:
        """Return where the log stands; None while its file cannot be opened, or its plays get other places."""
        if self._open_later is not None or await self.outbox.is_begun_anew():
            return None
        return await _read_head(self._database)

    async def open_takes(self) -> list[OpenTake]:
        """Return the takes that were never closed, in the order they were reserved."""
        query = "SELECT take, body, started_ms, shown_ms, clock FROM takes ORDER BY number"
        rows = await self._database.rows(query)
        return [OpenTake(*row) for row in rows]

    async def saved_memory(self) -> SavedMemory:
        """Return what the programme remembered."""
        return await read_memory(self._database)

    async def saved_state(self) -> tuple[list[OpenTake], SavedMemory]:
        """Return `open_takes` and `saved_memory` of one moment, while a player writes."""
        async with self._database.reading():
            return await self.open_takes(), await self.saved_memory()


@asynccontextmanager
async def open_ledger(path: Path, device: str, clock: Clock) -> AsyncIterator[Ledger]:
    """Open the evidence of `device`. This always gives a ledger, because the screen waits for no database.

    A damaged file, or one of another device, is set aside and a new log epoch starts; `Ledger.problem` says so. If the
    disk cannot be used at all (read-only, locked, full), each `write` and `open_file` tries again.
    """
    async with AsyncExitStack() as stack:
        open_file, open_later = partial(_open, stack, path, device, clock), None
        try:
            opened = await open_file()
        except (StorageBroken, StorageFull) as error:
            log.error("ledger=%s cannot be opened and is tried again: %s", path, error)
            open_later = open_file
            opened = await _open_log(stack, Path(":memory:"), device)
        yield Ledger(*opened, open_later)


@asynccontextmanager
async def read_ledger(path: Path, device: str) -> AsyncIterator[Ledger]:
    """Open the evidence of `device` for reading only, beside a running player; an empty ledger if there is no file.

    A file that an earlier version wrote, and no newer player has opened yet, is read from a copy.

    Raises:
        StorageBroken, StorageFull: it cannot be read, or not be copied.
    """
    async with AsyncExitStack() as stack:
        if path.exists():
            database = await stack.enter_async_context(read_database(path))
            row = await database.row("PRAGMA user_version")
            if row is not None and row["user_version"] < len(MIGRATIONS):
                copy = Path(stack.enter_context(TemporaryDirectory())) / path.name
                await copy_database(path, copy)
                database = await stack.enter_async_context(open_database(copy, MIGRATIONS))
        else:
            database = await stack.enter_async_context(open_database(Path(":memory:"), MIGRATIONS))
            await _create_log(database, device)
        yield Ledger(database, await Quarantine.load(database), await _read_head(database))


async def read_owner(path: Path) -> str | None:
    """Return the device whose evidence a file is; None: there is no such file, or it does not say."""
    if not path.exists():
        return None
    try:
        async with read_database(path) as database:
            return (await _read_head(database)).device
    except StorageBroken as error:
        log.debug("ledger=%s does not say whose it is: %s", path, error)
        return None


_Opened = tuple[Database, Quarantine, LogHead, str]
"""What a ledger is made of, all read; the last is what was wrong with the file that was there."""


async def _open(stack: AsyncExitStack, path: Path, device: str, clock: Clock) -> _Opened:
    """Open the file, or set it aside and open a new one."""
    if path.is_file() and os.access(path, os.R_OK) and not os.access(path, os.W_OK):
        with suppress(StorageBroken, StorageFull):  # then it is set aside, or opened later
            aside = await take_over(path)
            log.warning("ledger=%s belongs to another user: a copy replaces it, it is now %s", path, aside.name)
    async with AsyncExitStack() as attempt:
        try:
            opened = await _open_log(attempt, path, device)
            owner = opened[2].device
            problem = "" if owner == device else f"it belongs to device {owner}, not {device}"
        except StorageBroken as error:
            if _is_transient(error) and not _is_foreign(path):
                raise
            problem = str(error)
        if not problem:
            stack.push_async_exit(attempt.pop_all())
            return opened
    problem = f"{problem}; set aside as {_set_aside(path, clock).name}, a new log epoch starts"
    log.error("ledger=%s %s", path, problem)
    return await _open_log(stack, path, device, problem)


async def _open_log(stack: AsyncExitStack, path: Path, device: str, problem: str = "") -> _Opened:
    """Open a file, and create the log of `device` if there is none; a file that cannot be read is closed again."""
    async with AsyncExitStack() as attempt:
        database = await attempt.enter_async_context(open_database(path, MIGRATIONS))
        await _create_log(database, device)
        opened = database, await Quarantine.load(database), await _read_head(database), problem
        stack.push_async_exit(attempt.pop_all())
    return opened


def _is_transient(error: StorageBroken) -> bool:
    cause = error.__cause__
    name = getattr(cause, "sqlite_errorname", None) if isinstance(cause, sqlite3.Error) else None
    return isinstance(name, str) and name.startswith(_TRANSIENT)


def _is_foreign(path: Path) -> bool:
    """Tell whether this is nothing that the player can write: a file of somebody else, a folder, a dead link.

    A read-only disk is another case: there nothing can be set aside either.
    """
    if not os.access(path.parent, os.W_OK):
        return False
    files = [file for suffix in ("", "-wal", "-shm") if os.path.lexists(file := path.with_name(path.name + suffix))]
    return any(not file.is_file() or not os.access(file, os.R_OK | os.W_OK) for file in files)


def _set_aside(path: Path, clock: Clock) -> Path:
    """Rename the file with its journal; a person can still read the evidence in it.

    Raises:
        StorageBroken: it cannot be renamed.
    """
    aside = path.with_name(f"{path.name}.{clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}")
    try:
        for suffix in ("-wal", "-shm", ""):
            file = path.with_name(path.name + suffix)
            if os.path.lexists(file):
                file.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise StorageBroken(f"{path} is damaged and cannot be set aside: {os_reason(error)}") from error
    return aside


async def _create_log(database: Database, device: str) -> None:
    row = {"device": device, "epoch": secrets.token_hex(16), "hash": GENESIS}
    async with database.transaction():
        await database.execute("INSERT OR IGNORE INTO log VALUES (1, :device, :epoch, 0, :hash)", row)


async def _read_head(database: Database) -> LogHead:
    row = await database.row("SELECT device, epoch, sequence, hash FROM log")
    if row is None:
        raise StorageBroken(f"{database.path} has no row that says whose log it is")
    return LogHead(*row)
