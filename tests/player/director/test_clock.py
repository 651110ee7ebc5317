"""A wall clock that jumps by years, as one without a battery does: the screen goes on and the proof stays right."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from player.diagnostics.offline_view import read_decision_view
from sync.programme.preview.explanation import explain
from sync.wire.device_reports import PlayKind
from tests.player.director.venue import NOON, campaign, item, open_world, playlist, release

FIRST_OF_1970 = datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)
LONG_AGO = datetime(2004, 2, 29, 23, 59, 59, tzinfo=UTC)
LATER = datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)
FAR_LATER = datetime(2106, 2, 7, 6, 28, 16, tzinfo=UTC)


@pytest.mark.parametrize("to", [FIRST_OF_1970, LONG_AGO, LATER, FAR_LATER], ids=lambda to: f"to_{to.year}")
async def test_a_jump_of_years_and_back_changes_nothing_on_the_screen(tmp_path: Path, to: datetime) -> None:
    async with open_world(tmp_path) as world, world.running():
        world.publish(release(playlist("all", item("one"), item("two"))))
        await world.wake()
        await world.advance(25)
        began = world.clock.now()
        world.clock.step_wall((to - began).total_seconds())
        await world.advance(40)
        world.clock.step_wall((began - to).total_seconds())
        await world.advance(40)
        plays = await world.plays()
    shown = world.shown()[1:]
    assert shown == (["one", "two"] * 6)[: len(shown)], "nothing but the loop was ever on"
    assert len(plays) >= 10
    assert all(play.rendered_ms == 10_000 for play in plays[:-1]), "how long is measured by a clock that never leaps"
    assert all(later.previous_hash == sooner.hash for sooner, later in pairwise(plays))


async def test_ads_leave_the_screen_while_the_clock_is_outside_their_flight_and_come_back(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world, world.running():
        world.publish(release(playlist("all", item("one"), item("two")), ads=(campaign("cola"),)))
        await world.wake()
        await world.advance(45)
        began = world.clock.now()
        world.clock.step_wall((LATER - began).total_seconds())
        await world.advance(60)
        away = [play for play in await world.plays() if play.started_at.year == LATER.year]
        world.clock.step_wall((began - world.clock.now()).total_seconds())
        await world.advance(60)
        back = (await world.plays())[-4:]
    assert [play.kind for play in away[1:]] == [PlayKind.ITEM] * len(away[1:])
    assert any(play.kind is PlayKind.AD for play in back)


async def test_after_a_step_back_the_take_on_air_is_on_since_it_came_not_since_its_recorded_start(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("all", item("one"), item("two"))))
        async with world.running():
            await world.advance(25)
            world.clock.step_wall(-15)
            await world.advance(11)
            now = world.director.now()
            assert (now.title, now.since) == ("Two", NOON + timedelta(seconds=15))
            view = await read_decision_view(world.cache, world.ledger, world.settings, world.clock)
            explanation = explain(view)
            assert explanation.shown is not None and explanation.shown.title == "Two"
            assert explanation.following.title == "One"
        *_, play = await world.plays()
        assert (play.started_at, play.rendered_ms) == (NOON + timedelta(seconds=30), 6_000)
