"""What the programme remembers from one decision to the next, in `plays.db` (SQL).

A decision writes few rows, because a flash card wears out by what is written: the head, one recent ad, and one account.
Where the shares of all lines are others, all accounts are one compressed row.
"""

import logging
import zlib
from sqlite3 import Row

from player.evidence.ledger_entries import MemoryChange, SavedMemory
from sync.runtime.sqlite import Database
from sync.runtime.threads import in_thread

MEMORY_SCHEMA = """
-- What the programme remembers: one row each for `rotation` and `ads`.
CREATE TABLE memory (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL              -- JSON
) STRICT;

-- The account of each ad line: one row a line, so that a decision among thousands writes only what changed.
CREATE TABLE accounts (
    line TEXT PRIMARY KEY,
    body TEXT NOT NULL              -- JSON
) STRICT, WITHOUT ROWID;
"""

RECENT_ADS_SCHEMA = """
-- The ads that were reserved last, one row each: a decision writes one of them, not a hundred.
CREATE TABLE recent_ads (
    choice INTEGER PRIMARY KEY,
    body TEXT NOT NULL              -- JSON
) STRICT;
INSERT INTO recent_ads SELECT json_extract(value, '$.choice'), value
    FROM memory, json_each(iif(json_valid(memory.body), memory.body, '{}'), '$.recent') WHERE memory.name = 'ads';
UPDATE memory SET body = json_remove(body, '$.recent') WHERE name = 'ads' AND json_valid(body);

-- The accounts of all lines when many of them changed at once: one row. Those in `accounts` are newer, and an empty one
-- was removed.
CREATE TABLE all_accounts (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    body BLOB NOT NULL              -- JSON, compressed (zlib)
) STRICT;
"""
"""The tables of this store, in two steps; the ledger creates them in its database."""

_FAST = 1  # level of compression: 15 ms for 10,000 lines; the next levels save little
_FORGOTTEN = 64
"""So many recent ads are removed at once: to remove each alone would write another page each time."""

log = logging.getLogger(__name__)


async def write_memory(database: Database, change: MemoryChange) -> None:
    """Write what is new, in the caller's transaction."""
    for name, body in (("rotation", change.rotation), ("ads", change.ads)):
        if body is not None:
            statement = "INSERT INTO memory VALUES (:name, :body) ON CONFLICT (name) DO UPDATE SET body = excluded.body"
            await database.execute(statement, {"name": name, "body": body})
    await _write_accounts(database, change)
    await _write_recent_ads(database, change)


async def _write_accounts(database: Database, change: MemoryChange) -> None:
    if change.all_accounts is not None:
        await database.execute("DELETE FROM accounts")
        row = {"body": await in_thread(zlib.compress, change.all_accounts, _FAST)}
        await database.execute("INSERT OR REPLACE INTO all_accounts VALUES (1, :body)", row)
    bodies = {**change.accounts, **dict.fromkeys(change.removed_lines, "")}
    if rows := [{"line": line, "body": body} for line, body in bodies.items()]:
        await database.execute_many("INSERT OR REPLACE INTO accounts VALUES (:line, :body)", rows)


async def _write_recent_ads(database: Database, change: MemoryChange) -> None:
    if removed := [{"choice": choice} for choice in change.removed_ads]:
        await database.execute_many("DELETE FROM recent_ads WHERE choice = :choice", removed)
    if added := [{"choice": choice, "body": body} for choice, body in change.recent_ads.items()]:
        await database.execute_many("INSERT OR REPLACE INTO recent_ads VALUES (:choice, :body)", added)
        statement = """
            DELETE FROM recent_ads WHERE choice < :first
            AND (SELECT min(choice) FROM recent_ads) < :first - :forgotten"""
        await database.execute(statement, {"first": change.recent_from, "forgotten": _FORGOTTEN})


async def read_memory(database: Database) -> SavedMemory:
    """Return what the programme remembered."""
    memory = {row["name"]: row["body"] for row in await database.rows("SELECT * FROM memory")}
    accounts = {row["line"]: row["body"] for row in await database.rows("SELECT * FROM accounts")}
    packed = await database.row("SELECT body FROM all_accounts")
    recent = await database.rows("SELECT body FROM recent_ads ORDER BY choice")
    return SavedMemory(
        memory.get("rotation"),
        memory.get("ads"),
        accounts,
        _unpacked(packed),
        tuple(row["body"] for row in recent),
    )


def _unpacked(row: Row | None) -> bytes | None:
    """Return the accounts of all lines, None if there are none; damaged ones are lost, for the screen must go on."""
    try:
        return None if row is None else zlib.decompress(row["body"])
    except zlib.error as error:
        log.error("what ad lines are owed is damaged on the disk (%s): those without a later play start even", error)
        return None
