"""What operators can order; every order ends by itself."""

from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from player.director.operator_queue import ORDER_STATES, OperatorQueue, Order, OrderState, TakeRequest
from player.protocol.operator_command import Command
from player.protocol.stage_interface import Ended
from sync.errors import Conflict, NotFound
from sync.runtime.state_table import ForbiddenMove
from sync.wire.release import Daypart
from tests.player.director.venue import NOON, World, asset, item, open_world, playlist, release


@pytest.mark.parametrize(("before", "after"), list(product(OrderState, OrderState)))
def test_an_order_moves_as_its_table_says(before: OrderState, after: OrderState) -> None:
    queue = OperatorQueue()
    queue.order = Order(TakeRequest(1), before)
    if after in ORDER_STATES.moves[before]:
        queue._move(after)
        assert queue.order == (None if ORDER_STATES.is_end(after) else Order(TakeRequest(1), after))
    else:
        with pytest.raises(ForbiddenMove):
            queue._move(after)
        assert queue.order == Order(TakeRequest(1), before)


async def test_every_move_of_the_table_of_orders_is_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "player.director.operator_queue")

    def states() -> list[str]:
        lines = [record.getMessage() for record in caplog.records if record.name == "player.director.operator_queue"]
        caplog.clear()
        return [line.partition(" state=")[2] for line in lines]

    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("blue")), playlist("other", item("bad"))))
        world.screen.unplayable.add(world.media("bad"))
        async with world.running():
            await world.advance(1)
            await order(world, do="skip")
            await order(world, do="play", item="red")
            assert states() == ["done", "done"]
            await order(world, do="play", item="bad")
            assert states() == ["failed"]
            await order(world, do="blank", for_ms=1_000)
            await world.advance(2)
            assert states() == ["in effect", "expired"]
            await order(world, do="stop")
            await order(world, do="play")
            assert states() == ["in effect", "replaced"]
            world.screen.load_time_s = 5.0
            await world.advance(11)  # the next take is being loaded
            await order(world, do="skip")
            await order(world, do="previous")
            assert states() == ["replaced"]


async def order(world: World, **fields: object) -> None:
    await world.director.command(Command.model_validate(fields))
    await world.clock.run_ready(40)
    await world.clock.until_idle()


async def test_skip_cuts_to_the_next_item_at_once(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("green"), item("blue"))))
        async with world.running():
            await world.advance(3)
            await order(world, do="skip")
            assert world.shown() == ["red", "green"]
            await world.advance(11)
            assert world.shown() == ["red", "green", "blue"]
            assert world.screen.changes[2].at == NOON + timedelta(seconds=13)
        (first, *_) = await world.plays()
        assert (first.rendered_ms, first.reason) == (3_000, "operator")


async def test_previous_goes_back_and_then_on(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("green"), item("blue"))))
        async with world.running():
            await world.advance(1)
            with pytest.raises(Conflict, match="nothing was on before"):
                await world.director.command(Command(do="previous"))
            await world.advance(10)
            await order(world, do="previous")
            assert world.shown() == ["red", "green", "red"]
            await world.advance(11)
            assert world.shown() == ["red", "green", "red", "blue"]


FIVE = ("red", "green", "blue", "day", "night")


async def test_three_skips_during_a_load_are_exactly_three_steps(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", *map(item, FIVE))))
        world.screen.load_time_s = 2.0
        async with world.running():
            await world.advance(3)  # red is on since a second, green is being loaded
            assert world.shown() == ["red"] and world.director.now().next.readiness != "ready"
            for _ in range(3):
                await order(world, do="skip")
            assert [Path(shot.path).name for shot in world.screen.prerolls[-1:]] == [asset("day").sha256]
            await world.advance(2.1)
            assert world.shown() == ["red", "day"]
            await world.advance(10)
            assert world.shown() == ["red", "day", "night"]
        assert [play.item for play in await world.plays()] == ["red", "day", "night"]


async def test_an_urgent_item_is_loaded_to_play_at_once_and_a_step_back_makes_it_wait_again(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", *map(item, FIVE))))
        world.screen.load_time_s = 2.0
        async with world.running():
            await world.advance(3)  # red is on since a second, green is being loaded
            assert world.screen.at_once[-1] is False
            await order(world, do="skip")
            await order(world, do="previous")
            assert world.screen.at_once[-3:] == [False, True, False]
            assert {shot.path for shot in world.screen.prerolls[-3:]} == {world.media("green")}
            await order(world, do="play", item="night")
            assert world.screen.at_once[-1] is True and world.screen.prerolls[-1].path == world.media("night")
            await world.advance(2.1)
            assert world.shown() == ["red", "night"]


async def test_three_steps_back_during_a_load_are_exactly_three_steps(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", *map(item, FIVE))))
        async with world.running():
            await world.advance(31)
            assert world.shown() == ["red", "green", "blue", "day"]
            world.screen.load_time_s = 2.0
            for _ in range(3):
                await order(world, do="previous")
            with pytest.raises(Conflict, match="nothing was on before"):
                await world.director.command(Command(do="previous"))
            await world.advance(2.1)
            assert world.shown()[4:] == ["red"]
            await world.advance(12.1)
            assert world.shown()[4:] == ["red", "night"]  # the programme goes on where it was


async def test_a_step_forwards_and_one_back_leave_what_is_on(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", *map(item, FIVE))))
        world.screen.load_time_s = 2.0
        async with world.running():
            await world.advance(3)
            await order(world, do="skip")
            await order(world, do="previous")
            await world.advance(8)
            assert world.shown() == ["red"]
            await world.advance(1.1)
            assert world.shown() == ["red", "green"]


async def test_skips_while_the_fallback_shows_pass_over_nothing_that_comes_later(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red", ends_at=NOON + timedelta(seconds=5), at_end="finish"))))
        async with world.running():
            await world.advance(12)
            for _ in range(3):
                await order(world, do="skip")
                assert world.shown() == ["red", "fallback"] and world.director._queue.order is None
            world.publish(release(playlist("loop", item("blue"), item("green"), item("red"))))
            await world.wake()
            await world.advance(1)
            assert world.shown() == ["red", "fallback", "blue"]


@pytest.mark.parametrize(("do", "picture"), [("stop", "fallback"), ("blank", "blank")])
async def test_stop_and_blank_wait_for_no_load(tmp_path: Path, do: str, picture: str) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("green"))))
        world.screen.load_time_s = 5.0
        async with world.running():
            await world.advance(6)
            for _ in range(3):
                await order(world, do=do)
            assert world.shown() == ["red", picture]
            assert world.screen.changes[1].at == NOON + timedelta(seconds=6)


async def test_play_shows_one_item_of_the_release_whatever_its_daypart(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red")), playlist("other", item("blue"))))
        async with world.running():
            with pytest.raises(NotFound, match=r"no playlist .* has an item pink"):
                await world.director.command(Command(do="play", item="pink"))
            await world.advance(2)
            await order(world, do="play", item="blue")
            assert world.shown() == ["red", "blue"]
            assert world.director.now().why == "an operator asked for it"
            await world.advance(12)
            assert world.shown() == ["red", "blue", "red"]


async def test_an_ordered_item_without_an_end_of_its_own_ends_after_the_time_given(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        content = release(playlist("loop", item("red")), playlist("other", item("blue")))
        endless = tuple(asset(name, duration_ms=None if name == "blue" else 10_000) for name in ("red", "blue"))
        world.publish(content.model_copy(update={"assets": endless}))
        async with world.running():
            await world.advance(2)
            await order(world, do="play", item="blue", for_ms=90_000)
            await world.advance(89)
            assert world.shown() == ["red", "blue"]
            await world.advance(2)
            assert world.shown() == ["red", "blue", "red"]
        assert [play.reason for play in await world.plays()] == ["operator", "duration", "stopped"]


async def test_a_step_back_to_an_item_without_an_end_of_its_own_ends_after_the_time_given(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        content = release(playlist("loop", item("red")), playlist("other", item("blue")))
        endless = tuple(asset(name, duration_ms=None if name == "blue" else 10_000) for name in ("red", "blue"))
        world.publish(content.model_copy(update={"assets": endless}))
        async with world.running():
            await order(world, do="play", item="blue", for_ms=5_000)
            await world.advance(6)
            await order(world, do="previous", for_ms=30_000)
            await world.advance(29)
            assert world.shown() == ["red", "blue", "red", "blue"]
            await world.advance(2)
            assert world.shown() == ["red", "blue", "red", "blue", "red"]


async def test_an_ordered_item_that_fails_leaves_the_programme_as_it_was(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red")), playlist("other", item("bad"))))
        world.screen.unplayable.add(world.media("bad"))
        async with world.running():
            await world.advance(2)
            await order(world, do="play", item="bad")
            assert world.shown() == ["red"]
            await world.advance(9)
            assert world.shown() == ["red", "red"]
            assert world.screen.changes[1].at == NOON + timedelta(seconds=10)


async def test_an_ordered_item_that_leaves_the_release_while_it_is_loaded_is_given_up(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red")), playlist("other", item("blue"))))
        async with world.running():
            await world.advance(2)
            world.screen.load_time_s = 3.0
            await order(world, do="play", item="blue")
            world.publish(release(playlist("loop", item("red"))))
            await world.wake()
            await world.advance(20)
            assert set(world.shown()) == {"red"} and len(world.shown()) > 1


async def test_after_an_ordered_item_is_given_up_the_programme_goes_on_when_the_take_on_air_ends(
    tmp_path: Path,
) -> None:
    parts = (Daypart(id="day", name="Day", playlist="day", start="12:00", end="12:01"),)
    lists = playlist("loop", item("green")), playlist("day", item("red", duration_ms=7_000))
    async with open_world(tmp_path) as world:
        world.publish(release(*lists, playlist("other", item("blue")), dayparts=parts))
        async with world.running():
            await world.advance(57)
            world.screen.load_time_s = 1.0
            await order(world, do="play", item="blue")
            world.publish(release(*lists, dayparts=parts))
            await world.wake()
            await world.advance(5)
            assert world.shown() == ["red"] * 9 + ["green"]


async def test_an_item_is_shown_although_nothing_would_follow_the_take_on_air(tmp_path: Path) -> None:
    parts = (Daypart(id="day", name="Day", playlist="day", start="12:00", end="12:01"),)
    content = release(playlist("day", item("red")), playlist("other", item("blue")), dayparts=parts)
    async with open_world(tmp_path) as world:
        world.publish(content.model_copy(update={"default_playlist": None}))
        async with world.running():
            await world.advance(55)
            assert world.director.now().next.readiness == "none"
            await order(world, do="play", item="blue")
            assert world.shown() == ["red"] * 6 + ["blue"]
            await world.advance(11)
            assert world.shown() == ["red"] * 6 + ["blue", "fallback"]


async def test_an_item_is_shown_at_once_although_takes_in_a_row_could_not_be_shown(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("green")), playlist("other", item("blue"))))
        async with world.running():
            await world.advance(1)
            world.screen.decks_to_lose = 10
            await world.advance(9.5)
            assert world.shown() == ["red", "green"] and world.director._failures.pause_s() > 0
            await order(world, do="play", item="blue")
            assert world.shown() == ["red", "green", "blue"]


async def test_a_skip_with_nothing_to_follow_shows_the_fallback_and_is_done(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red", ends_at=NOON + timedelta(seconds=5), at_end="finish"))))
        async with world.running():
            await world.advance(7)
            await order(world, do="skip")
            assert world.shown() == ["red", "fallback"] and world.director._queue.order is None
        assert [play.reason for play in await world.plays()] == ["operator"]


@pytest.mark.parametrize(("do", "picture"), [("stop", "fallback"), ("blank", "blank")])
async def test_stop_and_blank_end_by_themselves_and_are_no_play(tmp_path: Path, do: str, picture: str) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"))))
        async with world.running():
            await world.advance(4)
            await order(world, do=do, for_ms=60_000)
            now = world.director.now()
            assert world.shown() == ["red", picture] and now.showing == picture
            assert now.until == NOON + timedelta(seconds=64) and now.take is None
            with pytest.raises(Conflict, match="send `play` first"):
                await world.director.command(Command(do="skip"))
            await world.wake()
            await world.advance(59)
            assert world.shown() == ["red", picture]
            await world.advance(2)
            assert world.shown() == ["red", picture, "red"]
        plays = await world.plays()
        assert [(play.rendered_ms, play.reason) for play in plays] == [(4_000, "operator"), (1_000, "stopped")]


async def test_play_lifts_a_blank_early(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"))))
        async with world.running():
            await order(world, do="blank")
            await order(world, do="play")
            assert world.shown() == ["red", "blank", "red"]


async def test_a_blank_that_is_over_before_the_screen_is_held_ends_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"))))
        clear = world.screen.clear

        async def slow_clear() -> Ended | None:
            await world.clock.sleep(3)  # a deck that hangs, or a disk that is slow to record the end of the take
            return await clear()

        monkeypatch.setattr(world.screen, "clear", slow_clear)
        async with world.running():
            await world.advance(1)
            await order(world, do="stop")
            await order(world, do="blank", for_ms=1_000)
            await world.advance(4)
            assert world.shown() == ["red", "fallback", "red"] and world.director._queue.order is None
            monkeypatch.undo()
