"""The log of plays on this device, and the queue of those that the origin has not acknowledged (SQL on `plays.db`).

A play is written once and never changed; delivering it removes its row from the queue. A play that the origin refuses
moves to a table of its own, where people can see it. So it does not block the plays after it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.runtime.clock import unix_ms
from sync.runtime.sqlite import Database
from sync.wire.device_reports import BATCH_LIMIT, Play

OUTBOX_SCHEMA = """
-- Every play of this log epoch, exactly as it is sent. Acknowledged ones are deleted after 30 days.
CREATE TABLE plays (
    sequence INTEGER PRIMARY KEY,  -- in this log epoch, from 1, without gaps
    take TEXT NOT NULL UNIQUE,     -- a take counts once, whatever happens
    ended_ms INTEGER NOT NULL,     -- Unix milliseconds, by the clock of the device
    body TEXT NOT NULL             -- the JSON object on the wire
) STRICT;
CREATE INDEX plays_by_end ON plays (ended_ms);

-- The plays that wait for delivery, the oldest first.
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY REFERENCES plays (sequence)
) STRICT;

-- Plays that the origin refused: for people to inspect; they are not sent again.
CREATE TABLE refusals (
    sequence INTEGER PRIMARY KEY REFERENCES plays (sequence),
    status TEXT NOT NULL,          -- `conflict` or `invalid`
    detail TEXT NOT NULL           -- in the origin's words
) STRICT;
"""
"""The tables of this store; the ledger creates them in its database."""

_ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class QueuedPlay:
    """A play that waits for delivery, as the JSON object to send."""

    sequence: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RefusedPlay:
    """A play that the origin refused: `status` is `conflict` or `invalid`."""

    sequence: int
    status: str
    detail: str


class LogQueue:
    """What waits for delivery in the database of a log.

    A new log may begin while a batch is under way. Its sequences then mean something else, so that what is said of the
    batch changes nothing. Until all that waits is in the new log (`new_log`), nothing is delivered.
    """

    waiting = ""
    """The query for those that wait, at most `:limit` of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._work = asyncio.Event()
        self._log: str | None = None  # the epoch of the last batch

    def move_to(self, database: Database) -> None:
        """Use another database from now on, and wake `wait_for_more` for what waits there."""
        self._database = database
        self.notify()

    def notify(self) -> None:
        """Wake `wait_for_more` after something was committed."""
        self._work.set()

    async def wait_for_more(self, than: int) -> None:
        """Return as soon as more than so many wait for delivery."""
        while True:
            self._work.clear()
            waiting = await self._database.rows(self.waiting, {"limit": than + 1})
            if len(waiting) > than and not await self.is_begun_anew():
                return
            await self._work.wait()

    async def _read_batch(self, query: str, limit: int) -> list[QueuedPlay]:
        """Read in a transaction: on the shared connection a plain read would return rows that are not committed."""
        async with self._database.transaction():
            rows = [] if await self.is_begun_anew() else await self._database.rows(query, {"limit": limit})
            self._log = await self._epoch()
        return [QueuedPlay(row["sequence"], json.loads(row["body"])) for row in rows]

    @asynccontextmanager
    async def _about_batch(self) -> AsyncIterator[bool]:
        """Begin a transaction; False: another log has begun since the last batch."""
        async with self._database.transaction():
            yield self._log in (None, await self._epoch())

    async def is_begun_anew(self) -> bool:
        """Tell whether a new log was begun, and not all that waits is in it."""
        return await self._database.row("SELECT 1 FROM new_log") is not None

    async def _epoch(self) -> str | None:
        row = await self._database.row("SELECT epoch FROM log")
        return None if row is None else row["epoch"]


class Outbox(LogQueue):
    """The plays of this device and their delivery."""

    waiting = "SELECT 1 FROM outbox LIMIT :limit"

    async def add(self, play: Play) -> None:
        """Log and queue a play in the caller's transaction; call `notify` after the commit."""
        row = {"sequence": play.sequence, "take": play.take, "body": play.model_dump_json(exclude_none=True)}
        statement = "INSERT INTO plays VALUES (:sequence, :take, :ended_ms, :body)"
        await self._database.execute(statement, {**row, "ended_ms": unix_ms(play.ended_at)})
        await self._database.execute("INSERT INTO outbox VALUES (:sequence)", {"sequence": play.sequence})

    async def has_play(self, take: str) -> bool:
        """Tell whether the play of a take is in the log."""
        return await self._database.row("SELECT 1 FROM plays WHERE take = :take", {"take": take}) is not None

    async def batch(self, limit: int = BATCH_LIMIT) -> list[QueuedPlay]:
        """Return the oldest waiting plays."""
        query = "SELECT sequence, body FROM outbox JOIN plays USING (sequence) ORDER BY sequence LIMIT :limit"
        return await self._read_batch(query, limit)

    async def acknowledge(self, sequences: Sequence[int]) -> None:
        """Remove plays from the queue; sequences that are not in it are ignored."""
        rows = [{"sequence": sequence} for sequence in sequences]
        async with self._about_batch() as same_log:
            if same_log:
                await self._database.execute_many("DELETE FROM outbox WHERE sequence = :sequence", rows)

    async def refuse(self, refusals: Sequence[RefusedPlay]) -> None:
        """Move plays from the queue to the refused ones."""
        rows = [{"sequence": r.sequence, "status": r.status, "detail": r.detail} for r in refusals]
        async with self._about_batch() as same_log:
            if not same_log:
                return
            await self._database.execute_many(
                "INSERT OR REPLACE INTO refusals VALUES (:sequence, :status, :detail)", rows
            )
            await self._database.execute_many("DELETE FROM outbox WHERE sequence = :sequence", rows)

    async def queue_again(self, first: int, last: int) -> int:
        """Queue the logged plays of these sequences that do not wait; return how many. Refused ones stay refused."""
        statement = """
            INSERT OR IGNORE INTO outbox SELECT sequence FROM plays WHERE sequence BETWEEN :first AND :last
            AND NOT EXISTS (SELECT 1 FROM refusals WHERE refusals.sequence = plays.sequence)
            AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.sequence = plays.sequence) LIMIT :rows"""
        queued, rows = 0, _ROWS_AT_ONCE
        while rows == _ROWS_AT_ONCE:  # the player writes in between
            async with self._about_batch() as same_log:
                if not same_log:
                    break
                rows = await self._database.execute(statement, {"first": first, "last": last, "rows": _ROWS_AT_ONCE})
            queued += rows
        return queued

    async def has_conflicts(self) -> bool:
        """Tell whether the origin refused plays because it has others of their sequence."""
        return await self._database.row("SELECT 1 FROM refusals WHERE status = 'conflict' LIMIT 1") is not None

    async def depth(self) -> int:
        """Return how many plays wait for delivery."""
        row = await self._database.row("SELECT count(*) AS depth FROM outbox")
        return int(row["depth"]) if row else 0

    async def refusals(self, limit: int = 100) -> list[RefusedPlay]:
        """Return the refused plays, the newest first."""
        query = "SELECT sequence, status, detail FROM refusals ORDER BY sequence DESC LIMIT :limit"
        rows = await self._database.rows(query, {"limit": limit})
        return [RefusedPlay(row["sequence"], row["status"], row["detail"]) for row in rows]

    async def plays(self, *, limit: int = 100, before: int | None = None) -> list[dict[str, Any]]:
        """Return logged plays, the newest first, of sequences below `before`."""
        query = "SELECT body FROM plays WHERE sequence < :before ORDER BY sequence DESC LIMIT :limit"
        rows = await self._database.rows(query, {"before": before or 2**62, "limit": limit})
        return [json.loads(row["body"]) for row in rows]

    async def times_after(self, after_ms: int) -> list[tuple[int, int]]:
        """Return start and end, in Unix milliseconds, of the logged plays that end after `after_ms`."""
        query = "SELECT json_extract(body, '$.started_at') AS started, ended_ms FROM plays WHERE ended_ms > :after_ms"
        rows = await self._database.rows(query, {"after_ms": after_ms})
        return [(unix_ms(datetime.fromisoformat(row["started"])), row["ended_ms"]) for row in rows]

    async def prune(self, before_ms: int) -> int:
        """Delete acknowledged plays that ended before `before_ms` (Unix ms), at most 5,000; return how many.

        Waiting and refused plays stay, whatever their age.
        """
        statement = """
            DELETE FROM plays WHERE sequence IN (
                SELECT sequence FROM plays WHERE ended_ms < :before_ms
                AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.sequence = plays.sequence)
                AND NOT EXISTS (SELECT 1 FROM refusals WHERE refusals.sequence = plays.sequence)
                LIMIT :rows)"""
        async with self._database.transaction():
            return await self._database.execute(statement, {"before_ms": before_ms, "rows": _ROWS_AT_ONCE})
