"""The history of this device: what changed on it beside its plays, until the origin has it (SQL on `plays.db`).

Records are written once and never changed. Their number is bounded: what the origin has goes after a month, and of too
many that wait the oldest problems go first. The gap that this leaves in their numbers is seen at the origin.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sync.device.store.outbox import LogQueue, QueuedPlay, RefusedPlay
from sync.errors import StorageBroken
from sync.runtime.clock import instant, unix_ms
from sync.wire.device_reports import BATCH_LIMIT, GENESIS, HistoryKind, HistoryRecord, record_hash

HISTORY_SCHEMA = """
-- What changed on this device in this log epoch, exactly as it is sent; the newest record always stays.
CREATE TABLE history (
    sequence INTEGER PRIMARY KEY,  -- in this log epoch, from 1
    kind TEXT NOT NULL,
    at_ms INTEGER NOT NULL,        -- Unix milliseconds, by the clock of the device
    body TEXT NOT NULL,            -- the JSON object on the wire
    status TEXT NOT NULL           -- `waiting`, `delivered`, or why the origin refused it: `conflict`, `invalid`
) STRICT;
CREATE INDEX history_waiting ON history (sequence) WHERE status = 'waiting';

-- How each thing was when it was last recorded, so that a start of the player repeats nothing.
CREATE TABLE history_states (
    thing TEXT PRIMARY KEY,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
"""The tables of this store; the ledger creates them in its database."""

MOST_WAITING = 20_000
"""So many records wait at most, some 12 MB; six weeks offline, with a change each five minutes, are 12,000."""

log = logging.getLogger(__name__)

_CHECK_EVERY = 100  # records: so often it is counted how many wait
_AT_ONCE = 1_000  # records that are given up


@dataclass(frozen=True, slots=True)
class Change:
    """What is recorded, as the fields of a `HistoryRecord`, and how its `things` are from now on; None: forget it."""

    fields: Mapping[str, Any] = field(default_factory=dict)  # empty: only the things are kept
    things: Mapping[str, str | None] = field(default_factory=dict)


class HistoryLog(LogQueue):
    """The records of this device and their delivery; made and moved by the ledger."""

    waiting = "SELECT 1 FROM history WHERE status = 'waiting' LIMIT :limit"

    async def states(self) -> dict[str, str]:
        """Return how each thing was when it was last recorded."""
        rows = await self._database.rows("SELECT thing, state FROM history_states")
        return {row["thing"]: row["state"] for row in rows}

    async def write(self, changes: Sequence[Change]) -> None:
        """Record changes in order, durably and in one transaction, or none.

        Raises:
            StorageFull, StorageBroken: nothing was written.
        """
        async with self._database.transaction():
            sequence = await self._newest()
            for change in changes:
                if change.fields:
                    sequence += 1
                    await self._add(sequence, change.fields)
                    if sequence % _CHECK_EVERY == 0:
                        await self._give_up()
                for thing, state in change.things.items():
                    await self._keep(thing, state)
        self.notify()

    async def _newest(self) -> int:
        row = await self._database.row("SELECT max(sequence) AS newest FROM history")
        return int(row["newest"] or 0) if row else 0

    async def _add(self, sequence: int, fields: Mapping[str, Any]) -> None:
        head = await self._database.row("SELECT device, epoch, sequence FROM log")
        assert head is not None  # `create_log` made it
        place = {"device": head["device"], "log_epoch": head["epoch"], "plays": head["sequence"], "sequence": sequence}
        record = HistoryRecord.model_validate({**fields, **place, "hash": GENESIS})
        document = record.model_dump(mode="json")
        row = {"sequence": sequence, "kind": record.kind, "at_ms": unix_ms(record.at)}
        body = json.dumps(document | {"hash": record_hash(document)}, separators=(",", ":"))
        statement = "INSERT INTO history VALUES (:sequence, :kind, :at_ms, :body, 'waiting')"
        await self._database.execute(statement, {**row, "body": body})

    async def _keep(self, thing: str, state: str | None) -> None:
        row = {"thing": thing, "state": state}
        if state is None:
            await self._database.execute("DELETE FROM history_states WHERE thing = :thing", row)
        else:
            await self._database.execute("INSERT OR REPLACE INTO history_states VALUES (:thing, :state)", row)

    async def _give_up(self) -> None:
        """Delete the oldest problems that wait, if too much waits; other records only when no problem is left."""
        row = await self._database.row("SELECT count(*) AS waiting FROM history WHERE status = 'waiting'")
        if row is None or row["waiting"] <= MOST_WAITING:
            return
        statement = """
            DELETE FROM history WHERE sequence IN (
                SELECT sequence FROM history WHERE status = 'waiting' AND sequence < (SELECT max(sequence) FROM history)
                ORDER BY kind <> :problem, kind = :clock, sequence LIMIT :rows)"""
        kinds = {"problem": HistoryKind.PROBLEM.value, "clock": HistoryKind.CLOCK.value}
        await self._database.execute(statement, {**kinds, "rows": _AT_ONCE})

    async def last_sign_of_life(self) -> datetime | None:
        """Return the last instant that the log knows of; None: none, or it cannot be read."""
        query = """
            SELECT max(at_ms) AS at_ms FROM (
                SELECT ended_ms AS at_ms FROM plays WHERE sequence = (SELECT max(sequence) FROM plays)
                UNION ALL SELECT max(started_ms + shown_ms) FROM takes
                UNION ALL SELECT at_ms FROM history WHERE sequence = (SELECT max(sequence) FROM history))"""
        try:
            row = await self._database.row(query)
        except StorageBroken as error:
            log.warning("history: the last sign of life cannot be read: %s", error)
            return None
        return None if row is None or row["at_ms"] is None else instant(row["at_ms"])

    async def batch(self, limit: int = BATCH_LIMIT) -> list[QueuedPlay]:
        """Return the oldest waiting records."""
        query = "SELECT sequence, body FROM history WHERE status = 'waiting' ORDER BY sequence LIMIT :limit"
        return await self._read_batch(query, limit)

    async def acknowledge(self, sequences: Sequence[int]) -> None:
        """Mark records as delivered."""
        await self._mark([{"sequence": sequence, "status": "delivered"} for sequence in sequences])

    async def refuse(self, refusals: Sequence[RefusedPlay]) -> None:
        """Mark records as refused by the origin; they are not sent again."""
        await self._mark([{"sequence": one.sequence, "status": one.status} for one in refusals])

    async def _mark(self, rows: Sequence[Mapping[str, Any]]) -> None:
        statement = "UPDATE history SET status = :status WHERE sequence = :sequence AND status = 'waiting'"
        async with self._about_batch() as same_log:
            if same_log:
                await self._database.execute_many(statement, rows)

    async def queue_again(self, first: int, last: int) -> int:
        """Let the delivered records of these sequences wait again; return how many. Refused ones stay refused."""
        statement = """
            UPDATE history SET status = 'waiting' WHERE sequence BETWEEN :first AND :last AND status = 'delivered'"""
        async with self._about_batch() as same_log:
            return await self._database.execute(statement, {"first": first, "last": last}) if same_log else 0

    async def has_conflicts(self) -> bool:
        """Tell whether the origin refused records because it has others of their sequence."""
        return await self._database.row("SELECT 1 FROM history WHERE status = 'conflict' LIMIT 1") is not None

    async def prune(self, before_ms: int) -> int:
        """Delete what was delivered or refused and is from before an instant (Unix ms); return how many records.

        The newest one stays: its sequence is that of the log.
        """
        statement = """
            DELETE FROM history WHERE at_ms < :before_ms AND status NOT IN ('waiting', 'conflict')
            AND sequence < (SELECT max(sequence) FROM history)"""
        async with self._database.transaction():
            return await self._database.execute(statement, {"before_ms": before_ms})
