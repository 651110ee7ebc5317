"""A take moves from one state to the next as its table says, in the recorder that every take runs through."""

from itertools import product
from pathlib import Path

import pytest

from player.director.take_recorder import TakeRecorder
from player.evidence.ledger import open_ledger
from player.evidence.take_states import TAKE_ENDS, TAKE_STATES, TakeState
from player.programme.proof_of_play import ScreenCondition, StartFacts
from player.protocol.operator_command import Command
from player.protocol.stage_interface import Ended
from sync.runtime.state_table import ForbiddenMove
from sync.wire.device_reports import Outcome
from tests.fakes import FakeClock
from tests.player.director.record.examples import planned, planned_ad
from tests.player.director.venue import DEVICE, item, open_world, playlist, release
from tests.player.evidence.plays import charges


async def test_a_take_moves_as_its_table_says(tmp_path: Path) -> None:
    async with open_ledger(tmp_path / "plays.db", DEVICE, FakeClock()) as ledger:
        for before, after in product(TakeState, TakeState):
            take, recorder = planned("take"), TakeRecorder(ledger, 1)
            recorder._states[take.take.take] = before
            if after in TAKE_STATES.moves[before]:
                recorder._move(take.take.take, after)
                assert recorder.state(take) is (TakeState.PLANNED if TAKE_STATES.is_end(after) else after)
            else:
                with pytest.raises(ForbiddenMove):
                    recorder._move(take.take.take, after)
                assert recorder.state(take) is before


@pytest.mark.parametrize("end", TAKE_ENDS)
async def test_each_end_of_an_ad_leaves_the_play_and_the_account_that_its_table_says(
    tmp_path: Path, end: TakeState
) -> None:
    """On the disk, in the same file, after a restart."""
    clock, path = FakeClock(), tmp_path / "plays.db"
    async with open_ledger(path, DEVICE, clock) as ledger:
        recorder = TakeRecorder(ledger, 1)
        await recorder.recover()
        before = recorder.memory.ads.head.slot
        shot = planned_ad("take", recorder.memory)
        if end is TakeState.SKIPPED:
            recorder.skip(shot)
            await recorder.save()
        else:
            assert await recorder.reserve(shot)
            assert charged(path) == 1, "written ahead"
        if end is TakeState.ABORTED:
            recorder.cancel(shot)
        elif end is not TakeState.SKIPPED:
            at_s = clock.monotonic()
            start = recorder.start(shot.take, at_s, clock.now(), at_s)
            await recorder.write_start(shot.take, start, StartFacts())
            if end is not TakeState.INTERRUPTED:
                recorder.end(shot.take, ENDED[end], start, facts=StartFacts(), screen=ScreenCondition())
        if end is not TakeState.INTERRUPTED:
            await recorder.save()
    async with open_ledger(path, DEVICE, clock) as ledger:
        recorder = TakeRecorder(ledger, 1)
        await recorder.recover()
        plays = [(body["take"], body["outcome"]) for body in await ledger.outbox.plays()]
        assert await ledger.open_takes() == []
        assert recorder.memory.ads.head.slot - before == charged(path)
    assert plays == ([("take", end.value)] if TAKE_ENDS[end].play else [])
    assert charged(path) == (0 if TAKE_ENDS[end].refund else 1)


def test_the_table_of_ends_is_that_of_the_states_and_of_the_outcomes_on_the_wire() -> None:
    assert set(TAKE_ENDS) == {state for state in TakeState if TAKE_STATES.is_end(state)}
    assert {end.value for end in TAKE_ENDS if TAKE_ENDS[end].play} == {outcome.value for outcome in Outcome}
    assert set(TAKE_STATES.moves[TakeState.STARTED]) >= {end for end in TAKE_ENDS if TAKE_ENDS[end].play}


def ended(shown_s: float, reason: str, *, failed: bool = False) -> Ended:
    return Ended(take="take", started_s=1_000.0, ended_s=1_000.0 + shown_s, reason=reason, failed=failed)


ENDED = {
    TakeState.COMPLETE: ended(10.0, "eof"),
    TakeState.PARTIAL: ended(4.0, "daypart"),
    TakeState.FAILED: ended(4.0, "decoder gave up", failed=True),
}


def charged(path: Path) -> int:
    """Return how many showings the account of the only line says, as it lies on the disk."""
    return charges(path).total()


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
            world.screen.load_time_s = 0.0
            await world.advance(6)
            world.screen.fail()
            await world.advance(3)
            killed = world.ledger_now()
        async with open_ledger(killed, DEVICE, world.clock) as ledger:
            await TakeRecorder(ledger, 7).recover()
    assert made == {(before, after) for before, following in TAKE_STATES.moves.items() for after in following}


async def test_a_take_starts_only_once_it_is_reserved_and_ends_only_once(tmp_path: Path) -> None:
    take, clock = planned("take"), FakeClock()
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        recorder = TakeRecorder(ledger, 1)
        await recorder.recover()
        with pytest.raises(ForbiddenMove, match="from planned to started"):
            recorder.start(take.take, 1_000.0, clock.now(), clock.monotonic())
        assert await recorder.reserve(take)
        recorder.start(take.take, 1_000.0, clock.now(), clock.monotonic())
        with pytest.raises(ForbiddenMove, match="from started to reserved"):
            await recorder.reserve(take)
