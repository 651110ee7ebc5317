"""The tables of states of pairing and syncing: every move is allowed or refused as written here."""

import pytest

from sync.device.pairing import PAIRING_PHASES, PairingPhase
from sync.device.syncer import SYNC_STATES, SyncState
from sync.runtime.state_table import ForbiddenMove

PAIRING_MOVES = {("asking", "waiting"), ("waiting", "paired"), ("waiting", "asking")}
SYNC_MOVES = {
    ("starting", "checking"),
    ("starting", "waiting"),
    ("checking", "checking"),
    ("checking", "fetching"),
    ("checking", "current"),
    ("checking", "waiting"),
    ("fetching", "checking"),
    ("fetching", "current"),
    ("fetching", "waiting"),
    ("current", "checking"),
    ("waiting", "checking"),
    ("waiting", "waiting"),
}


@pytest.mark.parametrize("before", PairingPhase)
@pytest.mark.parametrize("after", PairingPhase)
def test_a_pairing_moves_only_as_its_table_says(before: PairingPhase, after: PairingPhase) -> None:
    if (before, after) in PAIRING_MOVES:
        assert PAIRING_PHASES.move(before, after) is after
    else:
        with pytest.raises(ForbiddenMove):
            PAIRING_PHASES.move(before, after)


@pytest.mark.parametrize("before", SyncState)
@pytest.mark.parametrize("after", SyncState)
def test_the_syncer_moves_only_as_its_table_says(before: SyncState, after: SyncState) -> None:
    if (before, after) in SYNC_MOVES:
        assert SYNC_STATES.move(before, after) is after
    else:
        with pytest.raises(ForbiddenMove):
            SYNC_STATES.move(before, after)


def test_a_pairing_ends_and_a_syncer_does_not() -> None:
    assert [phase for phase in PairingPhase if PAIRING_PHASES.is_end(phase)] == [PairingPhase.PAIRED]
    assert not any(SYNC_STATES.is_end(state) for state in SyncState)
    assert (PAIRING_PHASES.start, SYNC_STATES.start) == (PairingPhase.ASKING, SyncState.STARTING)
