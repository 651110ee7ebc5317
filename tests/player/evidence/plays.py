"""Plays made the way the player makes them."""

import json
import sqlite3
import zlib
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from player.evidence.ledger import Ledger
from player.evidence.ledger_entries import LogHead, TakeClosed
from player.programme.proof_of_play import TakeFacts, TakeTimes, chain_play
from sync.programme.take import Take
from sync.wire.device_reports import Outcome, Play, PlayKind
from tests.player.director.venue import NOON


def take(name: str, **more: object) -> Take:
    base = {"take": name, "kind": PlayKind.ITEM, "release": "a" * 64, "asset": "b" * 64, "title": name, "zone": "UTC"}
    return Take.model_validate({**base, "expected_ms": 10_000, **more})


def closed(
    name: str, started_at: datetime = NOON, *, line: str | None = None, outcome: Outcome = Outcome.COMPLETE
) -> TakeClosed:
    facts = TakeFacts(TakeTimes(started_at, started_at + timedelta(seconds=10), 10_000), outcome, "eof")

    def make_play(head: LogHead) -> Play:
        return chain_play(
            head.hash,
            take(name, line=line),
            facts,
            device=head.device,
            log_epoch=head.epoch,
            sequence=head.sequence + 1,
        )

    return TakeClosed(name, make_play)


async def log_plays(
    ledger: Ledger, count: int, *, after: int = 0, line: str | None = None, outcome: Outcome = Outcome.COMPLETE
) -> None:
    """Log so many plays, ten seconds apart, in one transaction; `after` so many that are there."""
    times = ((n, NOON + timedelta(seconds=10 * n)) for n in range(after, after + count))
    await ledger.write([closed(f"take-{n}", at, line=line, outcome=outcome) for n, at in times])


def charges(ledger_file: Path) -> Counter[str]:
    """Return for each line the plays that its account says, as they lie in the file."""
    with closing(sqlite3.connect(ledger_file)) as file:
        packed = [body for (body,) in file.execute("SELECT body FROM all_accounts")]
        rows = file.execute("SELECT line, body FROM accounts").fetchall()
    accounts = {one["line"]: one for body in packed for one in json.loads(zlib.decompress(body))}
    accounts |= {line: json.loads(body or "{}") for line, body in rows}
    return Counter({line: account["plays"] for line, account in accounts.items() if account.get("plays")})
