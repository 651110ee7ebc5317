"""A daypart with nothing to show gives way to the next one, for every reason, and returns when it has something."""

from datetime import timedelta
from pathlib import Path

import pytest

from sync.wire.release import Daypart, Item, Playlist, Release, Stream
from sync.wire.stream_url import stream_name
from tests.player.director.venue import NOON, World, asset, item, open_world, playlist, release

DAYPARTS = (
    Daypart(id="h", name="High", playlist="high", priority=2),
    Daypart(id="m", name="Middle", playlist="middle", priority=1),
)
URLS = ("http://example.com/1.ts", "http://example.com/2.ts")
MINUTE = timedelta(minutes=1)
BAD = tuple(f"bad-{number}" for number in range(30))


def content(*high: Item, middle: tuple[Item, ...] = (item("green"),)) -> Release:
    lists = (playlist("rest", item("red")), playlist("high", *high), playlist("middle", *middle))
    plain = release(*(without_streams(each) for each in lists), dayparts=DAYPARTS)
    streams = tuple(Stream(sha256=stream_name(url), url=url) for url in URLS)
    return plain.model_copy(update={"playlists": lists, "streams": streams})


def without_streams(one: Playlist) -> Playlist:
    return playlist(one.id, *(each for each in one.items if not each.id.startswith("live")))


def live(number: int) -> Item:
    asset_of = stream_name(URLS[number])
    return Item.model_validate({"id": f"live-{number}", "title": "Live", "asset": asset_of, "duration_ms": 10_000})


def make_unplayable(world: World, *names: str) -> None:
    world.screen.unplayable |= {"" if name == "live" else world.media(name) for name in names}


@pytest.mark.parametrize(
    ("high", "broken", "without"),
    [
        ((), (), ()),
        ((item("one", ends_at=NOON - MINUTE), item("two", starts_at=NOON + 60 * MINUTE)), (), ()),
        ((item("one"), item("two")), ("one", "two"), ()),
        ((item("one", ends_at=NOON - MINUTE), item("two")), ("two",), ()),
        ((item("one"), item("two")), (), ("one", "two")),
        ((item("one"), item("two")), ("one",), ("two",)),
        ((live(0), live(1)), ("live",), ()),
        ((live(0), item("two")), ("live",), ("two",)),
        (tuple(item("one", id=name, asset=asset(name).sha256) for name in BAD), BAD, ()),
    ],
    ids=["empty", "invalid", "broken", "over or broken", "gone", "broken or gone", "streams", "mixed", "thirty broken"],
)
async def test_the_next_lower_daypart_is_shown_at_once(
    tmp_path: Path, high: tuple[Item, ...], broken: tuple[str, ...], without: tuple[str, ...]
) -> None:
    async with open_world(tmp_path) as world:
        plan = content(*high)
        plan = plan.model_copy(update={"assets": (*plan.assets, *map(asset, BAD))})
        world.publish(plan, without=frozenset(asset(name).sha256 for name in without))
        make_unplayable(world, *broken)
        async with world.running():
            await world.advance(120)
            shown = world.shown()
            assert set(shown) == {"green"}
            plays = await world.plays()
            assert plays[0].started_at - NOON < timedelta(seconds=3)
            assert {play.reason for play in plays} == {"eof"}, "what was shown meanwhile is not cut"


async def test_what_comes_back_is_shown_after_the_item_on_air(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(content(item("one")), without=frozenset({asset("one").sha256}))
        async with world.running():
            await world.advance(25)
            assert set(world.shown()) == {"green"}
            Path(world.media("one")).write_bytes(b"media")
            await world.advance(30)
            assert world.shown()[-1] == "one"
            Path(world.media("one")).unlink()
            await world.advance(25)
            assert world.shown()[-1] == "green"


async def test_with_nothing_anywhere_the_default_playlist_and_then_the_fallback(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(content(middle=()))
        async with world.running():
            await world.advance(25)
            assert set(world.shown()) == {"red"}
            now = world.director.now()
            assert now.why == "nothing of daypart High and Middle can be shown now: the default playlist plays"
            make_unplayable(world, "red")
            await world.advance(60)
            assert world.shown()[-1] == "fallback"
