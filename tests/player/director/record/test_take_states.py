"""A take moves from one state to the next as its table says, in the recorder that every take runs through."""

from itertools import product
from pathlib import Path

import pytest

from player.director.take_recorder import TakeRecorder
from player.evidence.ledger import open_ledger
from player.evidence.take_states import TAKE_STATES, TakeState
from player.protocol.operator import Command
from sync.runtime.state_table import ForbiddenMove
from tests.fakes import FakeClock
from tests.player.director.record.examples import planned
from tests.player.director.venue import DEVICE, item, open_world, playlist, release


@pytest.mark.parametrize(("before", "after"), list(product(TakeState, TakeState)))
async def test_a_take_moves_as_its_table_says(tmp_path: Path, before: TakeState, after: TakeState) -> None:
    take = planned("take")
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        recorder = TakeRecorder(ledger, 1)
        recorder._states[take.take.take] = before
        if after in TAKE_STATES.moves[before]:
            recorder._move(take.take.take, after)
            assert recorder.state(take) is (TakeState.PLANNED if TAKE_STATES.is_end(after) else after)
        else:
            with pytest.raises(ForbiddenMove):
                recorder._move(take.take.take, after)
            assert recorder.state(take) is before


async def test_every_move_of_the_table_of_takes_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: set[tuple[TakeState, TakeState]] = set()
    move = TakeRecorder._move

    def recorded_move(recorder: TakeRecorder, take: str, after: TakeState) -> None:
        made.add((recorder._states.get(take, TakeState.PLANNED), after))
        move(recorder, take, after)

    monkeypatch.setattr(TakeRecorder, "_move", recorded_move)
    async with open_world(tmp_path) as world:
        world.publish(release(playlist("loop", item("red"), item("bad"), item("blue"))))
        world.screen.unplayable.add(world.media("bad"))
        async with world.running():
            await world.advance(10)
            await world.director.command(Command(do="skip"))  # at the instant at which the second item came
            await world.clock.until_idle()
            world.screen.load_time_s = 2.0
            await world.advance(11)
            await world.director.command(Command(do="play", item="red"))  # while another item is loaded
            await world.clock.until_idle()
            await world.advance(5)
    assert made == {(before, after) for before, following in TAKE_STATES.moves.items() for after in following}


async def test_a_take_starts_only_once_it_is_reserved_and_ends_only_once(tmp_path: Path) -> None:
    take, clock = planned("take"), FakeClock()
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        recorder = TakeRecorder(ledger, 1)
        await recorder.recover()
        with pytest.raises(ForbiddenMove, match="from planned to on air"):
            recorder.start(take.take, 1_000.0, clock.now(), clock.monotonic())
        assert await recorder.reserve(take)
        recorder.start(take.take, 1_000.0, clock.now(), clock.monotonic())
        with pytest.raises(ForbiddenMove, match="from on air to cancelled"):
            recorder.cancel(take)
