from enum import StrEnum

import pytest

from sync.runtime.state_table import ForbiddenMove, StateTable


class Door(StrEnum):
    OPEN = "open"
    SHUT = "shut"
    LOCKED = "locked"
    BROKEN = "broken"


DOORS = StateTable(
    "door",
    Door.SHUT,
    {
        Door.OPEN: {Door.SHUT: "pushed", Door.BROKEN: "hit"},
        Door.SHUT: {Door.OPEN: "pulled", Door.LOCKED: "key turned"},
        Door.LOCKED: {Door.SHUT: "key turned"},
        Door.BROKEN: {},
    },
)


@pytest.mark.parametrize("before", list(Door))
@pytest.mark.parametrize("after", list(Door))
def test_a_move_is_made_or_refused_as_the_table_says(before: Door, after: Door) -> None:
    if after in DOORS.moves[before]:
        assert DOORS.move(before, after) is after
    else:
        with pytest.raises(ForbiddenMove, match=f"door: no move from {before} to {after}"):
            DOORS.move(before, after)


def test_the_states_before_and_the_ends() -> None:
    assert DOORS.before(Door.SHUT) == (Door.OPEN, Door.LOCKED)
    assert [state for state in Door if DOORS.is_end(state)] == [Door.BROKEN]


def test_the_drawing_has_the_start_each_move_and_the_end() -> None:
    assert DOORS.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> SHUT",
        "    OPEN --> SHUT: pushed",
        "    OPEN --> BROKEN: hit",
        "    SHUT --> OPEN: pulled",
        "    SHUT --> LOCKED: key turned",
        "    LOCKED --> SHUT: key turned",
        "    BROKEN --> [*]",
    ]
