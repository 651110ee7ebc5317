"""Logs plays again in a new log epoch, because the sequences they had are taken at the origin by other plays."""

import json
import secrets
from typing import Any

from sync.runtime.sqlite import Database
from sync.wire.device_reports import GENESIS, play_hash, record_hash

_ROWS_AT_ONCE = 1_000


async def log_again(database: Database, device: str | None = None) -> tuple[str, int]:
    """Begin a new epoch, in the caller's transaction, with the plays that wait or were refused as `conflict`.

    So is the history. The rest of both is deleted: the origin has it, or refused it for what it is. A play keeps what
    it says; only its epoch, its sequence and its hashes are new. With `device` it is that of this device, and the log
    is so from now on. Return the epoch and the number of its plays.
    """
    await database.execute("DELETE FROM refusals WHERE status <> 'conflict'")
    await database.execute("""
        DELETE FROM plays WHERE sequence NOT IN (SELECT sequence FROM outbox)
        AND sequence NOT IN (SELECT sequence FROM refusals)""")
    for table in ("outbox", "refusals"):
        await database.execute(f"DELETE FROM {table}")
    epoch, done, count, previous = secrets.token_hex(16), 0, 0, GENESIS
    other = {} if device is None else {"device": device}
    await _history_again(database, epoch, other)
    query = "SELECT sequence, body FROM plays WHERE sequence > :done ORDER BY sequence LIMIT :rows"
    while rows := await database.rows(query, {"done": done, "rows": _ROWS_AT_ONCE}):
        changes = []
        for row in rows:
            count += 1
            play = _in_new_log(row["body"], epoch, count, previous, other)
            done, previous = row["sequence"], play["hash"]
            changes.append({"old": done, "new": count, "body": json.dumps(play, separators=(",", ":"))})
        # A new sequence is never above the old one, so it is free: all below were moved before.
        statement = "UPDATE plays SET sequence = :new, body = :body WHERE sequence = :old"
        await database.execute_many(statement, changes)
    await database.execute("INSERT INTO outbox SELECT sequence FROM plays")
    head = {"epoch": epoch, "sequence": count, "hash": previous}
    await database.execute("UPDATE log SET epoch = :epoch, sequence = :sequence, hash = :hash", head)
    if device is not None:
        await database.execute("UPDATE log SET device = :device", other)
        for table in ("checkpoints", "log_secrets", "line_counts"):
            await database.execute(f"DELETE FROM {table}")
    return epoch, count


async def _history_again(database: Database, epoch: str, other: dict[str, str]) -> None:
    """Give the records of the history that the origin does not have their place in the new log, before the plays."""
    await database.execute("DELETE FROM history WHERE status NOT IN ('waiting', 'conflict')")
    done, count, upto, plays = 0, 0, 0, 0
    query = "SELECT sequence, body FROM history WHERE sequence > :done ORDER BY sequence LIMIT :rows"
    between = "SELECT count(*) AS plays FROM plays WHERE sequence > :upto AND sequence <= :until"
    while rows := await database.rows(query, {"done": done, "rows": _ROWS_AT_ONCE}):
        changes = []
        for row in rows:
            done, count = row["sequence"], count + 1
            record = json.loads(row["body"]) | other
            if record["plays"] > upto:  # it never falls within a log, so each play is counted once
                more = await database.row(between, {"upto": upto, "until": record["plays"]})
                upto, plays = record["plays"], plays + (more["plays"] if more else 0)
            record |= {"log_epoch": epoch, "sequence": count, "plays": plays}
            body = json.dumps(record | {"hash": record_hash(record)}, separators=(",", ":"))
            changes.append({"old": done, "new": count, "body": body})
        statement = "UPDATE history SET sequence = :new, body = :body, status = 'waiting' WHERE sequence = :old"
        await database.execute_many(statement, changes)


def _in_new_log(body: str, epoch: str, sequence: int, previous: str, other: dict[str, str]) -> dict[str, Any]:
    play: dict[str, Any] = json.loads(body)
    play |= other | {"log_epoch": epoch, "sequence": sequence, "previous_hash": previous}
    return play | {"hash": play_hash(previous, play)}
