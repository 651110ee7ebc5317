"""The log of plays on this device, and which of them the origin has not acknowledged yet (SQL over `plays.db`).

A play is written once and never changed; delivering it only takes its row out of the queue. What the origin will not
take is set aside where people can see it, so that one bad record never blocks the ones behind it.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.runtime.clock import unix_ms
from sync.runtime.sqlite import Database
from sync.wire.report import BATCH_LIMIT, Play

OUTBOX_SCHEMA = """
-- Every play of this log epoch: the proof, exactly as it is sent. Acknowledged ones go after a keep window.
CREATE TABLE plays (
    sequence INTEGER PRIMARY KEY,  -- in this log epoch, from 1, without gaps
    take TEXT NOT NULL UNIQUE,     -- a take counts once, whatever happens
    ended_ms INTEGER NOT NULL,     -- Unix milliseconds, by the clock of the device
    body TEXT NOT NULL             -- the JSON object on the wire
) STRICT;
CREATE INDEX plays_by_end ON plays (ended_ms);

-- What waits for delivery, oldest first by sequence.
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY REFERENCES plays (sequence)
) STRICT;

-- What the origin answered with a no: kept for inspection, never sent again by itself.
CREATE TABLE refusals (
    sequence INTEGER PRIMARY KEY REFERENCES plays (sequence),
    status TEXT NOT NULL,          -- `conflict` or `invalid`
    detail TEXT NOT NULL           -- in the origin's words
) STRICT;
"""
"""The tables of this store, for the database they live in to create."""

_PRUNE_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class QueuedPlay:
    """A play that waits for delivery, as the JSON object to send."""

    sequence: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RefusedPlay:
    """A play the origin would not take: `status` is `conflict` or `invalid`."""

    sequence: int
    status: str
    detail: str


class Outbox:
    """Plays on their way to the origin."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._work = asyncio.Event()

    async def add(self, play: Play) -> None:
        """Log a play and queue it, inside the caller's transaction; call `notify` once that is committed."""
        row = {"sequence": play.sequence, "take": play.take, "body": play.model_dump_json()}
        statement = "INSERT INTO plays VALUES (:sequence, :take, :ended_ms, :body)"
        await self._database.execute(statement, {**row, "ended_ms": unix_ms(play.ended_at)})
        await self._database.execute("INSERT INTO outbox VALUES (:sequence)", {"sequence": play.sequence})

    async def has_play(self, take: str) -> bool:
        """Tell whether the play of a take is logged already."""
        return await self._database.row("SELECT 1 FROM plays WHERE take = :take", {"take": take}) is not None

    def notify(self) -> None:
        """Wake whoever waits for work: a play was committed."""
        self._work.set()

    async def wait_for_work(self) -> None:
        """Return as soon as something waits for delivery."""
        while True:
            self._work.clear()
            if await self._database.row("SELECT 1 FROM outbox LIMIT 1") is not None:
                return
            await self._work.wait()

    async def batch(self, limit: int = BATCH_LIMIT) -> list[QueuedPlay]:
        """Return the oldest waiting plays.

        Read under the write lock: on the one connection a plain read would see, and tell, what is not committed yet.
        """
        query = "SELECT sequence, body FROM outbox JOIN plays USING (sequence) ORDER BY sequence LIMIT :limit"
        async with self._database.transaction():
            rows = await self._database.rows(query, {"limit": limit})
        return [QueuedPlay(row["sequence"], json.loads(row["body"])) for row in rows]

    async def acknowledge(self, sequences: Sequence[int]) -> None:
        """Take acknowledged plays out of the queue; ones that are not in it are none of our business."""
        rows = [{"sequence": sequence} for sequence in sequences]
        async with self._database.transaction():
            await self._database.execute_many("DELETE FROM outbox WHERE sequence = :sequence", rows)

    async def refuse(self, refusals: Sequence[RefusedPlay]) -> None:
        """Keep refused plays where they can be seen and block nothing."""
        rows = [{"sequence": r.sequence, "status": r.status, "detail": r.detail} for r in refusals]
        async with self._database.transaction():
            await self._database.execute_many(
                "INSERT OR REPLACE INTO refusals VALUES (:sequence, :status, :detail)", rows
            )
            await self._database.execute_many("DELETE FROM outbox WHERE sequence = :sequence", rows)

    async def depth(self) -> int:
        """Return how many plays wait for delivery."""
        row = await self._database.row("SELECT count(*) AS depth FROM outbox")
        return int(row["depth"]) if row else 0

    async def refusals(self, limit: int = 100) -> list[RefusedPlay]:
        """Return what was set aside, the newest first."""
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
        """Drop acknowledged plays that ended before this Unix time in ms, some thousands at most; return how many.

        What still waits or was refused stays, however old.
        """
        statement = """
            DELETE FROM plays WHERE sequence IN (
                SELECT sequence FROM plays WHERE ended_ms < :before_ms
                AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.sequence = plays.sequence)
                AND NOT EXISTS (SELECT 1 FROM refusals WHERE refusals.sequence = plays.sequence)
                LIMIT :rows)"""
        async with self._database.transaction():
            return await self._database.execute(statement, {"before_ms": before_ms, "rows": _PRUNE_ROWS})
