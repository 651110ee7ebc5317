"""Logs plays again in a new log epoch, because the sequences they had are taken at the origin by other plays.

It is begun in one transaction, done in small ones, and goes on after a kill between any two: `new_log` says how far it
is. Until its end nothing of the log is delivered or signed. What is logged meanwhile comes last.
"""

import json
import logging
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from sqlite3 import Row
from typing import Any

from sync.errors import StorageBroken, StorageFull
from sync.runtime.durable_files import storage_errors
from sync.runtime.sqlite import Database, copy_database
from sync.runtime.threads import in_thread
from sync.wire.device_reports import GENESIS, play_hash, record_hash

NEW_LOG_SCHEMA = """
-- How far plays are logged again in a new log: one row while that lasts, else none.
CREATE TABLE new_log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    done INTEGER NOT NULL,          -- the newest play of the old log that was moved or deleted
    sequence INTEGER NOT NULL,      -- of the newest play that was moved, in the new log
    hash TEXT NOT NULL,             -- of this play
    records INTEGER NOT NULL        -- of the history, in the new log; those after them were written since
) STRICT;
"""

_COPIES = 3  # of former logs: an origin that is wrong has a new log begun each hour
_EPOCH = re.compile(r"\.[0-9a-f]{32}")

_ROWS_AT_ONCE = 250  # some 30 ms of the processor, in a thread: what a take writes does not wait for long

_WAITING = """(
    SELECT sequence FROM outbox WHERE sequence > :upto AND sequence <= :until
    UNION SELECT sequence FROM refusals WHERE sequence > :upto AND sequence <= :until AND status = 'conflict')"""


log = logging.getLogger(__name__)


async def keep_copy(path: Path, epoch: str) -> str:
    """Keep a copy of a log of this epoch beside it, and of copies before it the newest; return a clause about it.

    If it cannot be written there is none: what the origin does not have stays in the log itself.
    """
    aside = path.with_name(f"{path.name}.{epoch}")
    try:
        await copy_database(path, aside)
        await in_thread(_delete_old_copies, path)
    except (StorageFull, StorageBroken) as error:
        log.warning("ledger=%s no copy is kept of it: %s", path, error)
        return ""
    return f"kept as {aside.name}, "


def _delete_old_copies(path: Path) -> None:
    with storage_errors(path):
        copies = [copy for copy in path.parent.glob(f"{path.name}.*") if _EPOCH.fullmatch(copy.suffix)]
        for copy in sorted(copies, key=lambda one: one.stat().st_mtime, reverse=True)[_COPIES:]:
            copy.unlink(missing_ok=True)


async def begin_new_log(database: Database, device: str | None = None) -> tuple[str, int]:
    """Begin a new epoch, in the caller's transaction; with `device` the log is that of this device from now on.

    The history that waits or was refused as `conflict` is in it at once, for it is small. Return the epoch and how many
    plays come into it.
    """
    old = await _one(database, "SELECT device, epoch FROM log")
    epoch, device = secrets.token_hex(16), device or old["device"]
    records = await _history_again(database, {"device": device, "log_epoch": epoch})
    row = {"hash": GENESIS, "records": records}
    await database.execute("INSERT INTO new_log VALUES (1, 0, 0, :hash, :records)", row)
    await database.execute("UPDATE log SET device = :device, epoch = :epoch", {"device": device, "epoch": epoch})
    if device != old["device"]:
        for table in ("checkpoints", "log_secrets", "line_counts"):
            await database.execute(f"DELETE FROM {table}")
    return epoch, await _count(database, 0, 2**62)


async def log_some_again(database: Database) -> bool:
    """Log the next plays again, in the caller's transaction; return False once all are, and the new log goes on.

    Those that wait or were refused as `conflict` are moved. The others are deleted: the origin has them, or refused
    them for what they are. A play keeps what it says; only its device, epoch, sequence and hashes are new.
    """
    begun = await _one(database, "SELECT new_log.*, device, epoch, log.sequence AS newest FROM new_log, log")
    query = "SELECT sequence, body FROM plays WHERE sequence > :done ORDER BY sequence LIMIT :rows"
    rows = await database.rows(query, {"done": begun["done"], "rows": _ROWS_AT_ONCE})
    if not rows:
        await _end(database, begun)
        return False
    span = {"upto": begun["done"], "until": rows[-1]["sequence"]}
    waiting = {row["sequence"] for row in await database.rows(f"SELECT * FROM {_WAITING}", span)}
    moved = [row for row in rows if row["sequence"] in waiting]
    changes = await in_thread(_in_new_log, moved, begun)
    for table in ("outbox", "refusals"):
        await database.execute(f"DELETE FROM {table} WHERE sequence > :upto AND sequence <= :until", span)
    settled = [{"old": row["sequence"]} for row in rows if row["sequence"] not in waiting]
    await database.execute_many("DELETE FROM plays WHERE sequence = :old", settled)
    # A new sequence is never above the old one, so it is free: all below were moved before.
    await database.execute_many("UPDATE plays SET sequence = :new, body = :body WHERE sequence = :old", changes)
    await database.execute_many("INSERT INTO outbox VALUES (:new)", changes)
    newest = {"sequence": begun["sequence"] + len(changes), "hash": changes[-1]["hash"] if changes else begun["hash"]}
    statement = "UPDATE new_log SET done = :until, sequence = :sequence, hash = :hash"
    await database.execute(statement, span | newest)
    return True


def _in_new_log(rows: Sequence[Row], begun: Row) -> list[dict[str, Any]]:
    changes, previous, place = list[dict[str, Any]](), begun["hash"], _place(begun)
    for sequence, row in enumerate(rows, start=begun["sequence"] + 1):
        play = json.loads(row["body"]) | place | {"sequence": sequence, "previous_hash": previous}
        previous = play_hash(previous, play)
        body = json.dumps(play | {"hash": previous}, separators=(",", ":"))
        changes.append({"old": row["sequence"], "new": sequence, "body": body, "hash": previous})
    return changes


async def _end(database: Database, begun: Row) -> None:
    """Have the log go on after the last play that was moved, and so the history written meanwhile."""
    query = """
        SELECT sequence, sequence AS new, body, json_extract(body, '$.plays') - :less AS plays FROM history
        WHERE sequence > :records"""
    less = begun["newest"] - begun["sequence"]  # all plays since it was begun wait: each has so much less
    rows = await database.rows(query, {"less": less, "records": begun["records"]})
    await _renew_history(database, rows, _place(begun))
    head = {"sequence": begun["sequence"], "hash": begun["hash"]}
    await database.execute("UPDATE log SET sequence = :sequence, hash = :hash", head)
    await database.execute("DELETE FROM new_log")


async def _history_again(database: Database, place: dict[str, str]) -> int:
    """Give the records of the history that the origin does not have their place in the new log; return how many."""
    await database.execute("DELETE FROM history WHERE status NOT IN ('waiting', 'conflict')")
    rows = await database.rows("SELECT sequence, body, json_extract(body, '$.plays') AS upto FROM history ORDER BY 1")
    upto, plays, placed = 0, 0, list[dict[str, Any]]()
    for new, row in enumerate(rows, start=1):
        if row["upto"] > upto:  # it never falls within a log, so each play is counted once
            plays, upto = plays + await _count(database, upto, row["upto"]), row["upto"]
        placed.append({"sequence": row["sequence"], "new": new, "body": row["body"], "plays": plays})
    await _renew_history(database, placed, place)
    return len(placed)


async def _renew_history(database: Database, rows: Sequence[Any], place: dict[str, str]) -> None:
    """Have records wait with another number, in another log, and after so many plays."""
    changes = await in_thread(_records, rows, place)
    statement = "UPDATE history SET sequence = :new, body = :body, status = 'waiting' WHERE sequence = :old"
    await database.execute_many(statement, changes)


def _records(rows: Sequence[Any], place: dict[str, str]) -> list[dict[str, Any]]:
    changes = list[dict[str, Any]]()
    for row in rows:
        record = json.loads(row["body"]) | place | {"sequence": row["new"], "plays": row["plays"]}
        body = json.dumps(record | {"hash": record_hash(record)}, separators=(",", ":"))
        changes.append({"old": row["sequence"], "new": row["new"], "body": body})
    return changes


async def _count(database: Database, upto: int, until: int) -> int:
    """Return how many plays between these sequences wait or are in conflict."""
    span = {"upto": upto, "until": until}
    return int((await _one(database, f"SELECT count(*) AS plays FROM {_WAITING}", span))["plays"])


def _place(begun: Row) -> dict[str, str]:
    return {"device": begun["device"], "log_epoch": begun["epoch"]}


async def _one(database: Database, query: str, parameters: dict[str, Any] | None = None) -> Row:
    row = await database.row(query, parameters)
    assert row is not None, "it is a count, or a row that is there"
    return row
