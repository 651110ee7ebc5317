"""Network streams in the programme: one that fails is skipped for seconds, not quarantined, and returns by itself."""

from datetime import timedelta
from pathlib import Path

import pytest

from player.director.backoff import FIRST_S, LONGEST_S, StreamBackoff, retry_wait_s
from sync.wire.release import Item, MediaKind, Release, Stream
from sync.wire.stream_url import stream_name
from tests.fakes import FakeClock
from tests.player.director.venue import NOON, World, item, open_world, playlist, release

URL = "https://eve:hush@example.com/live.m3u8"
STREAM = ""  # the path of its shots
LONG_MS = 100_000_000


def stream(**fields: object) -> Item:
    return Item.model_validate({"id": "live", "title": "Live", "asset": stream_name(URL), **fields})


def with_stream(*items: Item) -> Release:
    files = playlist("main", *(item for item in items if item.id != "live"))
    plain = release(files)
    streams = (Stream(sha256=stream_name(URL), url=URL),)
    return plain.model_copy(update={"playlists": (playlist("main", *items),), "streams": streams})


def shown(world: World) -> list[str]:
    return [
        "live" if change.shot and change.shot.kind is MediaKind.STREAM else world.name(change)
        for change in world.screen.changes
    ]


def test_waits_double_up_to_five_minutes_and_are_spread_but_repeatable() -> None:
    waits = [retry_wait_s("s", failures, 7) for failures in range(1, 12)]
    assert waits == [retry_wait_s("s", failures, 7) for failures in range(1, 12)]
    assert 0.75 * FIRST_S <= waits[0] <= 1.25 * FIRST_S < waits[2] < waits[4]
    assert all(0.75 * LONGEST_S <= wait <= 1.25 * LONGEST_S for wait in waits[7:])
    assert retry_wait_s("s", 1, 8) != waits[0] != retry_wait_s("t", 1, 7)


def test_an_outage_is_logged_once_when_it_starts_and_once_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    clock = FakeClock()
    streams = StreamBackoff(clock, 7)
    for _ in range(5):
        streams.record_failure("s", "Stage", "refused")
    assert streams.is_waiting("s") and streams.waiting() == {"s"} and streams.next_retry_s() > 4 * FIRST_S
    assert streams.problems() == ("the stream Stage does not play: refused",)
    streams.record_success("s")
    streams.record_success("s")
    assert not streams.is_waiting("s") and streams.next_retry_s() == float("inf")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_stream_that_fails_is_skipped_until_it_works(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(with_stream(item("red"), stream(duration_ms=10_000)))
        world.screen.unplayable.add(STREAM)
        async with world.running():
            await world.advance(600)
            assert set(shown(world)) == {"red"}
            tries = sum(shot.kind is MediaKind.STREAM for shot in world.screen.prerolls)
            assert 6 <= tries <= 12, "neither given up nor hammered"
            assert "Live does not play" in world.director.now().problems[0] and "hush" not in str(world.director.now())
            assert world.ledger.quarantine.failures() == []
            world.screen.unplayable.clear()
            await world.advance(2 * LONGEST_S)
            assert shown(world)[-20:].count("live") > 5 and world.director.now().problems == ()


async def test_without_its_only_stream_the_fallback_shows_until_the_stream_works_again(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.screen.lengths_ms[STREAM] = LONG_MS
        world.publish(with_stream(stream()))
        async with world.running():
            await world.advance(900)
            assert shown(world) == ["live"] and len(world.screen.prerolls) == 1, "not opened twice, nor aside for hours"
            world.screen.unplayable.add(STREAM)
            world.screen.fail("connection lost")
            await world.advance(30)
            assert shown(world)[-1] == "fallback"
            world.screen.unplayable.clear()
            await world.advance(FIRST_S * 2**3 * 1.25)
            assert shown(world)[-1] == "live"


@pytest.mark.parametrize(
    ("ends", "only", "then"), [(True, False, "red"), (True, True, "fallback"), (False, False, "live")]
)
async def test_a_stream_leaves_the_screen_when_the_budget_is_spent_if_its_item_says_so(
    tmp_path: Path, ends: bool, only: bool, then: str
) -> None:
    async with open_world(tmp_path) as world:
        world.screen.lengths_ms[STREAM] = LONG_MS
        red = item("red", ends_at=NOON + timedelta(seconds=5)) if only else item("red", duration_ms=5000)
        world.publish(with_stream(red, stream(ends_with_budget=ends)))
        async with world.running():
            await world.advance(30)
            assert shown(world)[-1] == "live"
            world.budget_spent = True
            await world.wake()
            await world.advance(20)
            assert shown(world)[-1] == then
            world.budget_spent = False
            await world.wake()
            await world.advance(30)
            assert shown(world)[-1] == "live"


@pytest.mark.parametrize("how", ["another release", "its item ends"])
async def test_the_problem_of_a_stream_ends_when_it_is_not_shown_any_more(tmp_path: Path, how: str) -> None:
    ends_at = NOON + timedelta(seconds=25) if how == "its item ends" else None
    async with open_world(tmp_path) as world:
        world.publish(with_stream(item("red"), stream(duration_ms=10_000, ends_at=ends_at)))
        world.screen.unplayable.add(STREAM)
        async with world.running():
            await world.advance(11)
            assert "the stream Live does not play" in world.director.now().problems[0]
            if how == "another release":
                world.publish(with_stream(item("red")).model_copy(update={"streams": ()}))
                await world.wake()
            await world.advance(30)
            assert world.director.now().problems == ()


async def test_a_stream_is_opened_only_shortly_before_its_turn(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.screen.lengths_ms[STREAM] = LONG_MS
        world.publish(with_stream(item("red", duration_ms=60_000, loop=True), stream(duration_ms=20_000)))
        world.screen.lengths_ms[world.media("red")] = 60_000
        async with world.running():
            await world.advance(45)
            assert len(world.screen.prerolls) == 1
            await world.advance(5)
            assert world.screen.prerolls[-1].url == URL
            await world.advance(12)
            assert shown(world) == ["red", "live"]


async def test_a_looped_video_fills_its_duration_in_one_take(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("main", item("red", duration_ms=35_000, loop=True), item("green"))))
        async with world.running():
            await world.advance(1)
            shot = world.screen.on_air
            assert shot and shot.loop and shot.duration_ms == 35_000
            assert world.director.now().expected_ms == 35_000
