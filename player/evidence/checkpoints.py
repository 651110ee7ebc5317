"""The signed checkpoints of this device over its log of plays: how the next one is made, and those that wait (SQL).

A checkpoint is written in one transaction with the counts that it tells, and never changed. Checkpoints are one chain
over all log epochs. Its head is kept in `plays.db` and beside the key: whichever is further counts, so that neither a
lost `plays.db` nor one from a backup makes the chain fork.
"""

import base64
import json
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Row
from typing import Any

from sync.device.store.device_key import CheckpointHead
from sync.proof.checkpoint import (
    MOST_LINES,
    NOTHING_BEFORE,
    READS_CHANGED_COUNTS,
    SECRET_BYTES,
    Checkpoint,
    leaf,
    line_counts,
    payload_hash,
    play_salt,
    sign_checkpoint,
)
from sync.proof.merkle import MerkleTree
from sync.runtime.clock import ClockTrust, unix_ms
from sync.runtime.sqlite import Database
from sync.runtime.threads import in_thread
from sync.trust.signing import SigningKey
from sync.wire.release import Envelope

CHECKPOINT_SCHEMA = """
-- What this device signed about its plays, exactly as it is sent. Delivered ones are deleted after 30 days.
CREATE TABLE checkpoints (
    number INTEGER PRIMARY KEY,    -- in the chain of this device, over all log epochs
    hash TEXT NOT NULL,            -- SHA-256 of the signed bytes, which the next one names
    epoch TEXT NOT NULL,           -- the log epoch of the plays that it covers
    last INTEGER NOT NULL,         -- the newest play that it covers
    play_hash TEXT NOT NULL,       -- of this play
    at_ms INTEGER NOT NULL,        -- Unix milliseconds, by the clock of the device
    envelope TEXT NOT NULL,        -- the JSON object on the wire
    waits INTEGER NOT NULL         -- 1: for delivery, 0: delivered, 2: the origin refused it
) STRICT;
CREATE INDEX checkpoints_by_epoch ON checkpoints (epoch, number);

-- What blinds the plays and lines of a log epoch in its checkpoints. Only the origin is told.
CREATE TABLE log_secrets (
    epoch TEXT PRIMARY KEY,
    secret TEXT NOT NULL           -- 32 random bytes in hex
) STRICT;

-- How often each line played, in the plays that checkpoints of this log epoch cover.
CREATE TABLE line_counts (
    epoch TEXT NOT NULL,
    line TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (epoch, line)
) STRICT, WITHOUT ROWID;
"""
CHANGED_COUNTS_SCHEMA = """
ALTER TABLE checkpoints ADD COLUMN only_changed INTEGER NOT NULL DEFAULT 0;  -- 1: it counts the lines that played
"""
"""The tables of this store, in two steps; the ledger creates them in its database."""

ALL_LINES_EVERY = 24
"""Checkpoints of a log, a day as a rule: then one counts all lines again, so that each export has their counts."""

MOST_PLAYS = 1_000
"""Plays that one checkpoint covers at most, so that it holds the database for some milliseconds only."""


@dataclass(frozen=True, slots=True)
class SigningFacts:
    """With what and when a checkpoint is signed; `boot_id` is empty if nobody knows it.

    `origin_reads` are formats of checkpoints beside the first one.
    """

    key: SigningKey
    at: datetime
    clock: ClockTrust
    boot_id: str
    origin_reads: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LogPlace:
    """Where log and checkpoints stand. `newest` is the last checkpoint in the database, `lines` how many it counts.

    `sequence` and `hash` are of the newest play. `covered` is the newest one under a checkpoint of this log epoch, None
    if there is no checkpoint of it. `settled` is the newest one before all that waits or is in conflict. `counted` is
    the number of the last checkpoint of this log epoch that counts all lines.
    """

    device: str
    epoch: str
    sequence: int
    hash: str
    covered: int | None
    settled: int
    lines: int
    newest: CheckpointHead | None
    newest_at_ms: int
    counted: int | None


@dataclass(frozen=True, slots=True)
class QueuedCheckpoint:
    """A checkpoint that waits for delivery: the envelope as a JSON text, and the secret of its log epoch in hex."""

    number: int
    envelope: str
    secret: str


class CheckpointLog:
    """The checkpoints of this device and their delivery."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def move_to(self, database: Database) -> None:
        """Use another database from now on."""
        self._database = database

    async def place(self) -> LogPlace:
        """Return where log and checkpoints stand."""
        async with self._database.transaction():
            return await self._place()

    async def _place(self) -> LogPlace:
        log = await self._one("SELECT * FROM log")
        newest = await self._database.row("SELECT * FROM checkpoints ORDER BY number DESC LIMIT 1")
        covered = await self._one("SELECT max(last) AS last FROM checkpoints WHERE epoch = :epoch", log["epoch"])
        counted = await self._one(
            "SELECT max(number) AS number FROM checkpoints WHERE epoch = :epoch AND NOT only_changed", log["epoch"]
        )
        lines = await self._one("SELECT count(*) AS lines FROM line_counts WHERE epoch = :epoch", log["epoch"])
        open_one = await self._one("""
            SELECT min(sequence) AS first FROM (SELECT sequence FROM outbox
            UNION ALL SELECT sequence FROM refusals WHERE status = 'conflict')""")
        settled = log["sequence"] if open_one["first"] is None else open_one["first"] - 1
        head = None if newest is None else _head(log["device"], newest)
        at_ms = 0 if newest is None else newest["at_ms"]
        return LogPlace(
            log["device"],
            log["epoch"],
            log["sequence"],
            log["hash"],
            covered["last"],
            settled,
            lines["lines"],
            head,
            at_ms,
            counted["number"],
        )

    async def play_hash(self, sequence: int) -> str | None:
        """Return the hash of a play of this log; None if it is not here any more."""
        query = "SELECT json_extract(body, '$.hash') AS hash FROM plays WHERE sequence = :sequence"
        row = await self._database.row(query, {"sequence": sequence})
        return None if row is None else str(row["hash"])

    async def write(
        self, facts: SigningFacts, beside: CheckpointHead | None, until: int | None = None
    ) -> CheckpointHead | None:
        """Write the next checkpoint; return its head, None if there can be none: it would have to count too many lines.

        It covers the plays since the last one, up to `until` and at most `MOST_PLAYS`. `beside` is the head that is
        kept beside the key. The first checkpoint of all covers no play: those before it are unsigned.

        Raises:
            StorageFull, StorageBroken: nothing was written.
        """
        async with self._database.transaction():
            place = await self._place()
            before = further(place.newest, beside)
            begins = place.sequence + 1 if before is None else 1
            first = begins if place.covered is None else place.covered + 1
            plays = await self._plays(first, place.sequence if until is None else min(until, place.sequence))
            played = Counter(play["line"] for play in plays if play["line"] is not None)
            number = 1 if before is None else before.number + 1
            only_changed = await self._counts_changed(facts, place, number, played)
            if only_changed is None or (not plays and until is not None):
                return None
            await self._count(place.epoch, played)
            counts = await self._counts(place.epoch, played if only_changed else None)
            secret = await self._secret(place.epoch)
            signed = await in_thread(_signed, facts, place, before, plays, secret, counts, only_changed)
            return await self._store(*signed)

    async def _counts_changed(
        self, facts: SigningFacts, place: LogPlace, number: int, played: Mapping[str, int]
    ) -> bool | None:
        """Return whether the checkpoint of this number counts only lines that played; None: it would count too many."""
        may = counts_changed_lines(facts.origin_reads)
        known = await self._counts(place.epoch, played)
        if place.lines + len(played.keys() - known) > MOST_LINES:
            return may or None
        return may and place.counted is not None and number - place.counted < ALL_LINES_EVERY

    async def _store(self, checkpoint: Checkpoint, raw: bytes) -> CheckpointHead:
        payload = base64.b64decode(Envelope.model_validate_json(raw).payload)
        row = {
            "number": checkpoint.number,
            "hash": payload_hash(payload),
            "epoch": checkpoint.log_epoch,
            "last": checkpoint.last,
            "play_hash": checkpoint.hash,
            "at_ms": unix_ms(checkpoint.at),
            "envelope": raw.decode(),
            "only_changed": checkpoint.only_changed,
        }
        statement = """
            INSERT INTO checkpoints
            VALUES (:number, :hash, :epoch, :last, :play_hash, :at_ms, :envelope, 1, :only_changed)"""
        await self._database.execute(statement, row)
        return _head(checkpoint.device, row)

    async def _plays(self, first: int, until: int) -> list[Row]:
        """Return the plays from `first` to `until` with their hashes and lines, at most `MOST_PLAYS`.

        Where some are not here any more, those after the last gap.
        """
        query = """
            SELECT sequence, json_extract(body, '$.hash') AS hash, json_extract(body, '$.line') AS line FROM plays
            WHERE sequence BETWEEN :first AND :until ORDER BY sequence LIMIT :rows"""
        rows = await self._database.rows(query, {"first": first, "until": until, "rows": MOST_PLAYS})
        if not rows or (rows[0]["sequence"] == first and rows[-1]["sequence"] == first + len(rows) - 1):
            return rows
        gap = """
            SELECT max(sequence) AS first FROM plays AS one WHERE sequence <= :until
            AND NOT EXISTS (SELECT 1 FROM plays AS before WHERE before.sequence = one.sequence - 1)"""
        after = await self._one(gap, until=until)
        return await self._database.rows(query, {"first": after["first"], "until": until, "rows": MOST_PLAYS})

    async def _secret(self, epoch: str) -> bytes:
        row = {"epoch": epoch, "secret": secrets.token_hex(SECRET_BYTES)}
        await self._database.execute("INSERT OR IGNORE INTO log_secrets VALUES (:epoch, :secret)", row)
        found = await self._one("SELECT secret FROM log_secrets WHERE epoch = :epoch", epoch)
        return bytes.fromhex(found["secret"])

    async def _count(self, epoch: str, played: Mapping[str, int]) -> None:
        await self._database.execute("DELETE FROM line_counts WHERE epoch <> :epoch", {"epoch": epoch})
        rows = [{"epoch": epoch, "line": line, "count": count} for line, count in played.items()]
        statement = """
            INSERT INTO line_counts VALUES (:epoch, :line, :count)
            ON CONFLICT (epoch, line) DO UPDATE SET count = line_counts.count + excluded.count"""
        await self._database.execute_many(statement, rows)

    async def _counts(self, epoch: str, lines: Iterable[str] | None) -> dict[str, int]:
        """Return the counts of these lines; of all with None."""
        query, asked = "SELECT line, count FROM line_counts WHERE epoch = :epoch", {"epoch": epoch}
        if lines is not None:
            query += " AND line IN (SELECT value FROM json_each(:lines))"
            asked["lines"] = json.dumps(list(lines))
        rows = await self._database.rows(query, asked)
        return {row["line"]: row["count"] for row in rows}

    async def batch(self, limit: int, up_to: int) -> list[QueuedCheckpoint]:
        """Return the oldest checkpoints that wait, up to this number; none whose plays still wait before it."""
        query = """
            SELECT number, envelope, secret FROM checkpoints JOIN log_secrets USING (epoch)
            WHERE waits = 1 AND number <= :up_to AND number < coalesce(
                (SELECT min(number) FROM checkpoints, log WHERE checkpoints.epoch = log.epoch AND waits = 1
                 AND last >= (SELECT min(sequence) FROM outbox)), :up_to + 1)
            ORDER BY number LIMIT :limit"""
        async with self._database.transaction():
            rows = await self._database.rows(query, {"limit": limit, "up_to": up_to})
        return [QueuedCheckpoint(*row) for row in rows]

    async def acknowledge(self, numbers: Sequence[int], before_ms: int) -> None:
        """Note that checkpoints are at the origin; delete those that are so and were signed before an instant."""
        rows = [{"number": number} for number in numbers]
        async with self._database.transaction():
            await self._database.execute_many("UPDATE checkpoints SET waits = 0 WHERE number = :number", rows)
            await self._database.execute(
                """DELETE FROM checkpoints WHERE waits = 0 AND at_ms < :before_ms
                AND number < (SELECT max(number) FROM checkpoints)""",
                {"before_ms": before_ms},
            )
            used = "SELECT epoch FROM checkpoints UNION SELECT epoch FROM log"
            await self._database.execute(f"DELETE FROM log_secrets WHERE epoch NOT IN ({used})")

    async def refuse(self, numbers: Sequence[int]) -> None:
        """Note that the origin refused checkpoints: they are sent no more, unless it asks for them."""
        rows = [{"number": number} for number in numbers]
        async with self._database.transaction():
            await self._database.execute_many("UPDATE checkpoints SET waits = 2 WHERE number = :number", rows)

    async def queue_again(self, first: int, last: int) -> int:
        """Queue those of these checkpoints that are here and do not wait; return how many."""
        statement = "UPDATE checkpoints SET waits = 1 WHERE waits <> 1 AND number BETWEEN :first AND :last"
        async with self._database.transaction():
            return await self._database.execute(statement, {"first": first, "last": last})

    async def _one(self, query: str, epoch: str = "", **more: Any) -> Row:
        row = await self._database.row(query, {"epoch": epoch, **more})
        assert row is not None, "the query has one row, and the log is made with the file"
        return row


def counts_changed_lines(origin_reads: Sequence[str]) -> bool:
    """Return whether checkpoints count only the lines that played, for an origin that reads these formats."""
    return READS_CHANGED_COUNTS in origin_reads


def further(one: CheckpointHead | None, other: CheckpointHead | None) -> CheckpointHead | None:
    """Return the head with the higher number; the first of two that are alike."""
    if one is None or other is None:
        return one or other
    return other if other.number > one.number else one


def _signed(
    facts: SigningFacts,
    place: LogPlace,
    before: CheckpointHead | None,
    plays: Sequence[Row],
    secret: bytes,
    counts: Mapping[str, int],
    only_changed: bool,
) -> tuple[Checkpoint, bytes]:
    """Return the checkpoint over these plays that follows `before`, and its envelope; slow with thousands of lines."""
    leaves = (leaf(play_salt(secret, play["sequence"]), play["hash"]) for play in plays)
    played = Counter(play["line"] for play in plays)
    checkpoint = Checkpoint(
        device=place.device,
        number=1 if before is None else before.number + 1,
        previous=NOTHING_BEFORE if before is None else before.hash,
        log_epoch=place.epoch,
        first=plays[0]["sequence"] if plays else place.sequence + 1,
        last=plays[-1]["sequence"] if plays else place.sequence,
        hash=plays[-1]["hash"] if plays else place.hash,
        merkle_root=MerkleTree(leaves).root.hex(),
        counts=line_counts(secret, counts, played),
        only_changed=only_changed,
        at=facts.at,
        clock=facts.clock,
        boot_id=facts.boot_id or None,
    )
    return checkpoint, sign_checkpoint(checkpoint, facts.key)


def _head(device: str, row: Any) -> CheckpointHead:
    return CheckpointHead(
        device=device,
        number=row["number"],
        hash=row["hash"],
        log_epoch=row["epoch"],
        last=row["last"],
        play_hash=row["play_hash"],
    )
