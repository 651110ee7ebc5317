"""Which checkpoints an export has."""

import pytest

from sync.origin.proof.export.writer import needed_checkpoints
from sync.proof.checkpoint import SignedRange

PERIOD = 100, 200


def chain(*at_ms: int) -> list[SignedRange]:
    """One checkpoint over ten plays at each of these times."""
    return [SignedRange(place + 1, "log", 10 * place + 1, 10 * place + 10, at) for place, at in enumerate(at_ms)]


@pytest.mark.parametrize(
    ("at_ms", "plays", "places"),
    [
        ((), (1, 9), range(0)),
        ((50, 90, 150, 210, 250), (25, 31), range(1, 4)),
        ((110, 150), (1, 20), range(2)),  # to the newest
        ((50, 150, 260, 160, 190, 220, 250), (15, 45), range(6)),  # set back in the period: to the first one after it
        ((50, 150, 260, 160, 190), (15, 45), range(5)),  # it is not signed yet
        ((50, 90, 120, 80, 95, 150, 210), (25, 65), range(1, 7)),  # set back before it: from the last one before it
        ((250, 120, 80, 150, 210), (5, 45), range(5)),
    ],
)
def test_an_export_reaches_from_the_last_checkpoint_before_its_plays_to_the_first_one_after(
    at_ms: tuple[int, ...], plays: tuple[int, int], places: range
) -> None:
    assert needed_checkpoints(chain(*at_ms), [("log", *plays)], *PERIOD) == places
