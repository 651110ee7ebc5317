"""A take moves from one state to the next as its table says, in the recorder that every take runs through."""

from itertools import product
from pathlib import Path

import pytest

from player.director.take_recorder import TakeRecorder
from player.evidence.ledger import open_ledger
from player.evidence.take_states import TAKE_STATES, TakeState
from sync.runtime.states import ForbiddenMove
from tests.fakes import FakeClock
from tests.player.director.test_record_clock import planned
from tests.player.director.venue import DEVICE


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
