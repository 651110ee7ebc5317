"""The life of a shot: which moves a deck may make, and that it cannot make another."""

from itertools import product

import pytest

from player.deck.shot_states import SHOT_STATES, ShotState
from sync.runtime.state_table import ForbiddenMove

LIFE = {
    ShotState.OPENING: "playing, failed",
    ShotState.PLAYING: "opening, playing, played out, pausing, paused, loaded, failed",
    ShotState.PLAYED_OUT: "opening, expired, failed",
    ShotState.PAUSING: "paused, failed",
    ShotState.PAUSED: "opening, rewinding, loaded, failed",
    ShotState.REWINDING: "opening, loaded, failed",
    ShotState.LOADED: "expired, on air, failed",
    ShotState.EXPIRED: "on air",
    ShotState.ON_AIR: "ending, finished, failed",
    ShotState.ENDING: "finished",
    ShotState.FINISHED: "",
    ShotState.FAILED: "",
}


@pytest.mark.parametrize(("before", "after"), list(product(ShotState, ShotState)))
def test_a_shot_makes_the_moves_of_its_life_and_no_other(before: ShotState, after: ShotState) -> None:
    if after.value in LIFE[before].split(", "):
        assert SHOT_STATES.move(before, after) is after
    else:
        with pytest.raises(ForbiddenMove, match=f"shot: no move from {before} to {after}"):
            SHOT_STATES.move(before, after)


def test_a_shot_reaches_every_state_and_ends_finished_or_failed() -> None:
    reached, unvisited = {SHOT_STATES.start}, [SHOT_STATES.start]
    while unvisited:
        new = set(SHOT_STATES.moves[unvisited.pop()]) - reached
        reached |= new
        unvisited += new
    assert reached == set(ShotState)
    assert [state for state in ShotState if SHOT_STATES.is_end(state)] == [ShotState.FINISHED, ShotState.FAILED]
