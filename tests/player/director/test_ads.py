"""Ads between items: reserved on disk before they are shown, and refunded when they were not shown."""

import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from player.director import scene_loader
from player.protocol.operator_command import Command
from sync.wire.device_reports import Outcome, PlayKind
from sync.wire.release import Daypart
from tests.player.director.venue import NOON, VenueClock, World, campaign, item, open_world, playlist, release

ADS = (campaign("cola"), campaign("juice"))


async def charged(world: World) -> dict[str, int]:
    """Return the plays each line has been charged for, by the file."""
    with closing(sqlite3.connect(world.path / "plays.db")) as file:
        rows = file.execute("SELECT line, json_extract(body, '$.plays') FROM accounts").fetchall()
    return {line: plays for line, plays in rows if plays}


@pytest.mark.parametrize("beside", [False, True], ids=["in the loop", "in a thread, as with many lines"])
async def test_ads_come_between_items_and_share_the_slots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: bool
) -> None:
    if beside:
        monkeypatch.setattr(scene_loader, "_MANY_LINES", 0)
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red")), ads=ADS))
        async with world.running():
            await world.advance(400)
        plays = await world.plays()
        assert [play.kind for play in plays[:4]] == [PlayKind.ITEM, PlayKind.AD] * 2
        counted = Counter(play.line for play in plays if play.outcome is Outcome.COMPLETE)
        assert counted["cola-line"] == counted["juice-line"] == 10
        assert await charged(world) == {"cola-line": 10, "juice-line": 10}
        assert plays[1].campaign and plays[1].creative and plays[1].advertiser


async def test_an_ad_that_cannot_be_shown_is_refunded(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red")), ads=ADS))
        world.screen.unplayable.add(world.media("cola"))
        async with world.running():
            await world.advance(200)
        plays = await world.plays()
        assert {play.line for play in plays if play.kind is PlayKind.AD} == {"juice-line"}
        assert "cola-line" not in await charged(world)


async def test_an_ad_that_is_cut_short_is_refunded_and_its_play_is_recorded(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red")), ads=ADS[:1]))
        async with world.running():
            await world.advance(13)
            assert world.director.now().showing == "ad"
            await world.director.command(Command(do="skip"))
            await world.clock.run_ready()
            await world.clock.until_idle()
            assert world.shown() == ["red", "cola", "red"]
        assert await charged(world) == {}
        plays = await world.plays()
        ad = plays[1]
        assert (ad.outcome, ad.reason, ad.rendered_ms) == (Outcome.PARTIAL, "operator", 3_000)


async def test_an_ad_starts_only_if_it_fits_before_the_daypart_ends(tmp_path: Path) -> None:
    parts = (Daypart(id="day", name="Day", playlist="day", start="12:00", end="12:01"),)
    content = release(playlist("night", item("night")), playlist("day", item("day")), dayparts=parts, ads=ADS)
    async with open_world(tmp_path, VenueClock(NOON + timedelta(seconds=45))) as world:
        world.publish(content)
        async with world.running():
            await world.advance(17)
        assert world.shown()[:2] == ["day", "day"], "five seconds are left: no ad"
        assert world.shown()[2] in ("cola", "juice"), "it is still charged when the next daypart begins"
        assert world.screen.changes[2].at == NOON + timedelta(seconds=60)


async def test_a_reservation_that_a_new_release_makes_void_is_refunded(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red")), ads=ADS[:1]))
        async with world.running():
            await world.advance(5)
            assert await charged(world) == {"cola-line": 1}
            world.publish(release(playlist("loop", item("red"), item("blue"))))
            await world.wake()
            await world.advance(6)
            assert world.shown() == ["red", "blue"]
            assert await charged(world) == {}


async def test_the_sequence_of_ads_goes_on_where_it_stood_after_a_restart(tmp_path: Path) -> None:
    shares = (campaign("cola", share_ppm=500_000), campaign("juice", share_ppm=300_000), campaign("red"))
    content = release(playlist("loop", item("blue")), ads=shares)
    lines: list[list[str | None]] = []
    for folder, stops in (("through", ()), ("stopped", (100, 220, 340))):
        clock = VenueClock(NOON)
        for until in (*stops, 600):
            async with open_world(tmp_path / folder, clock) as world:
                world.publish(content)
                async with world.running():
                    await clock.advance_to(NOON + timedelta(seconds=until))
                complete = [p for p in await world.plays() if p.outcome is Outcome.COMPLETE]
        lines.append([play.line for play in complete if play.kind is PlayKind.AD])
    assert len(lines[0]) == 30
    through, stopped = map(Counter, lines)
    assert through.total() - stopped.total() <= 3, "one ad a stop"
    assert all(abs(through[line] - stopped[line]) <= 2 for line in through)
