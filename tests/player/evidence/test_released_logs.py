"""Logs that a released version wrote are brought up to date, with all that they hold."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from player.evidence.ledger import open_ledger, read_ledger
from player.programme.proof_of_play import verify_chain
from sync.programme.ad_selection import AdHead
from sync.programme.ad_shares import Account
from sync.programme.items_and_breaks import Rotation
from sync.wire.device_reports import Play
from tests.fakes import FakeClock
from tests.player.evidence.plays import log_plays, take
from tests.released import LOGS

DEVICE = "d" * 32


@pytest.mark.parametrize("dump", LOGS, ids=lambda dump: dump.stem)
async def test_a_log_of_an_earlier_schema_goes_on_where_it_was(dump: Path, tmp_path: Path, clock: FakeClock) -> None:
    connection = sqlite3.connect(tmp_path / "plays.db")
    connection.executescript(dump.read_text())
    connection.close()
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        assert (ledger.problem, ledger.device) == ("", DEVICE)
        memory = await ledger.saved_memory()
        assert Rotation.model_validate_json(memory.rotation or "").items == 2
        assert AdHead.model_validate_json(memory.ads or "").slot == 4
        assert Account.model_validate_json(memory.accounts["mornings"]).plays == 2
        assert [(open_take.take, bool(open_take.started_ms)) for open_take in await ledger.open_takes()] == [
            (take("take-3").take, True),
            (take("take-4").take, False),
        ]
        assert [refused.status for refused in await ledger.outbox.refusals()] == ["conflict"]
        await log_plays(ledger, 5)  # take-0 to take-2 are there: a take counts once
        plays = [Play.model_validate(row) for row in reversed(await ledger.outbox.plays())]
        assert [play.sequence for play in plays] == [1, 2, 3, 4, 5]
        verify_chain(plays)
        assert await ledger.outbox.depth() == 4


@pytest.mark.parametrize("dump", LOGS, ids=lambda dump: dump.stem)
async def test_a_log_of_an_earlier_schema_is_read_before_a_newer_player_has_opened_it(
    dump: Path, tmp_path: Path
) -> None:
    path = tmp_path / "plays.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(dump.read_text())
    before = path.read_bytes()
    async with read_ledger(path, DEVICE) as ledger:
        assert [each.take for each in await ledger.open_takes()] == [take("take-3").take, take("take-4").take]
        assert "mornings" in (await ledger.saved_memory()).accounts
        assert (await ledger.checkpoints.place()).newest is None
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (before, [path])
