"""Assets that failed are left alone for a while, longer each time, and never for ever."""

from datetime import timedelta
from pathlib import Path

from player.ledger import open_ledger
from player.quarantine import FAILURES, FIRST, LONGEST
from tests.director.world import DEVICE, NOON
from tests.fakes import FakeClock

ASSET = "c" * 64


async def test_the_third_failure_quarantines_and_each_further_one_doubles_it(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        quarantine, at = ledger.quarantine, NOON
        for _ in range(FAILURES - 1):
            quarantine.note_failure(ASSET, "junk", at)
            assert not quarantine.holds(ASSET, at)
        for doubled in range(12):
            quarantine.note_failure(ASSET, "junk", at)
            rest = min(LONGEST, FIRST * 2**doubled)
            assert quarantine.holds(ASSET, at + rest - timedelta(seconds=1))
            assert not quarantine.holds(ASSET, at + rest)
            at += rest


async def test_setbacks_outlive_the_player_until_the_asset_plays(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        await ledger.write([ledger.quarantine.note_failure(ASSET, "junk", NOON) for _ in range(FAILURES)])
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        (held,) = ledger.quarantine.held(NOON)
        assert (held.asset, held.failures, held.reason) == (ASSET, FAILURES, "junk")
        healed = ledger.quarantine.note_success(ASSET)
        assert healed is not None and ledger.quarantine.note_success(ASSET) is None
        await ledger.write([healed])
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        assert ledger.quarantine.known() == []


async def test_a_clock_that_went_far_back_holds_nothing_for_years(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        for _ in range(FAILURES):
            ledger.quarantine.note_failure(ASSET, "junk", NOON)
        assert not ledger.quarantine.holds(ASSET, NOON - timedelta(days=400))
