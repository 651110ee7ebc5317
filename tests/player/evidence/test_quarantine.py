"""Assets that failed are left out for a while, longer each time, and never for ever."""

from datetime import timedelta
from pathlib import Path

import pytest

from player.evidence.ledger import open_ledger
from player.evidence.quarantine import FAILURE_LIMIT, FIRST_QUARANTINE, LONGEST_QUARANTINE
from tests.fakes import FakeClock
from tests.player.director.venue import DEVICE, NOON, asset, item, open_world, playlist, release

ASSET = "c" * 64


async def test_the_third_failure_quarantines_and_each_further_one_doubles_it(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        quarantine, at = ledger.quarantine, NOON
        for _ in range(FAILURE_LIMIT - 1):
            quarantine.record_failure(ASSET, "junk", at)
            assert not quarantine.contains(ASSET, at)
        for doubled in range(12):
            quarantine.record_failure(ASSET, "junk", at)
            rest = min(LONGEST_QUARANTINE, FIRST_QUARANTINE * 2**doubled)
            assert quarantine.contains(ASSET, at + rest - timedelta(seconds=1))
            assert not quarantine.contains(ASSET, at + rest)
            at += rest


async def test_failures_are_remembered_over_a_restart_until_the_asset_plays(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        await ledger.write([ledger.quarantine.record_failure(ASSET, "junk", NOON) for _ in range(FAILURE_LIMIT)])
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        (held,) = ledger.quarantine.quarantined(NOON)
        assert (held.asset, held.failures, held.reason) == (ASSET, FAILURE_LIMIT, "junk")
        healed = ledger.quarantine.record_success(ASSET)
        assert healed is not None and ledger.quarantine.record_success(ASSET) is None
        await ledger.write([healed])
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        assert ledger.quarantine.failures() == []


async def test_a_clock_that_was_set_far_back_quarantines_nothing_for_years(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        for _ in range(FAILURE_LIMIT):
            ledger.quarantine.record_failure(ASSET, "junk", NOON)
        assert not ledger.quarantine.contains(ASSET, NOON - timedelta(days=400))


async def test_a_repaired_file_is_another_asset_and_plays_at_once_while_the_broken_one_is_quarantined(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("bad"))))
        world.screen.unplayable.add(world.media("bad"))
        async with world.running():
            await world.advance(45)
            assert [failure.asset for failure in world.ledger.quarantine.quarantined(world.clock.now())] == [
                asset("bad").sha256
            ]
            repaired = item("bad", asset=asset("green").sha256)  # the same item, other bytes
            content = release(playlist("loop", item("red"), repaired))
            world.publish(content.model_copy(update={"assets": (asset("red"), asset("green"))}))
            await world.wake()
            await world.advance(20)
            assert world.shown()[-2:] == ["red", "green"] or world.shown()[-2:] == ["green", "red"]


async def test_when_all_are_quarantined_the_fallback_shows_until_one_plays_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("one"), item("two"))))
        broken = {world.media("one"), world.media("two")}
        world.screen.unplayable |= broken
        async with world.running():
            await world.advance(2000)
            assert world.shown() == ["fallback"]
            assert len(world.screen.prerolls) <= 2 * (FAILURE_LIMIT + 2), "tried again after 10 and 30 minutes"
            said = [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
            assert len(said) <= 2 * len(world.screen.prerolls) + 1, "two lines a failure, and one for the fallback"
            assert len(world.ledger.quarantine.quarantined(world.clock.now())) == 2
            world.screen.unplayable.discard(world.media("two"))
            await world.advance(2300)  # and after 70
            assert world.shown()[:2] == ["fallback", "two"] and set(world.shown()[2:]) == {"two"}
            assert [failure.asset for failure in world.ledger.quarantine.failures()] == [asset("one").sha256]
