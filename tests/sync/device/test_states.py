"""The states of pairing, where every move is allowed or refused as written here, and the state of the syncer."""

import pytest

from sync.device.pairing import PAIRING_PHASES, PairingPhase
from sync.device.sync_state import state_of
from sync.runtime.state_table import ForbiddenMove

PAIRING_MOVES = {("asking", "waiting"), ("waiting", "paired"), ("waiting", "asking")}


@pytest.mark.parametrize("before", PairingPhase)
@pytest.mark.parametrize("after", PairingPhase)
def test_a_pairing_moves_only_as_its_table_says(before: PairingPhase, after: PairingPhase) -> None:
    if (before, after) in PAIRING_MOVES:
        assert PAIRING_PHASES.move(before, after) is after
    else:
        with pytest.raises(ForbiddenMove):
            PAIRING_PHASES.move(before, after)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        ({"started": False}, "starting"),
        ({"started": False, "failing": True}, "waiting"),
        ({}, "current"),
        ({"checking": True}, "checking"),
        ({"fetching": True}, "fetching"),
        ({"fetching": True, "checking": True, "failing": True}, "fetching"),
        ({"checking": True, "failing": True}, "checking"),
        ({"failing": True}, "waiting"),
    ],
)
def test_the_state_of_the_syncer_is_what_matters_most(now: dict[str, bool], state: str) -> None:
    given = {"started": True, "fetching": False, "checking": False, "failing": False} | now
    assert state_of(**given) == state


def test_a_pairing_ends() -> None:
    assert [phase for phase in PairingPhase if PAIRING_PHASES.is_end(phase)] == [PairingPhase.PAIRED]
    assert PAIRING_PHASES.start is PairingPhase.ASKING
