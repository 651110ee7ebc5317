"""Which releases named a content: as runs of their sequences."""

import pytest

from sync.origin.planning.release_contents import Runs, in_runs, runs_at, runs_with

EVER: Runs = ((0, None),)


@pytest.mark.parametrize(
    ("runs", "sequence", "named", "after"),
    [
        ((), 1, True, ((1, None),)),
        (((1, None),), 2, True, ((1, None),)),
        (((1, None),), 2, False, ((1, 1),)),
        (((1, None),), 7, False, ((1, 6),)),  # sequences may leave a gap
        (((1, 1),), 3, False, ((1, 1),)),
        (((1, 1),), 3, True, ((1, 1), (3, None))),
        (EVER, 9, False, ((0, 8),)),  # of an earlier version
        (EVER, 9, True, EVER),
    ],
)
def test_a_new_release_names_a_content_or_does_not(runs: Runs, sequence: int, named: bool, after: Runs) -> None:
    assert runs_at(runs, sequence, named=named) == after
    assert in_runs(after, sequence) is named
    assert all(in_runs(after, each) is in_runs(runs, each) for each in range(sequence))


@pytest.mark.parametrize(
    ("runs", "sequence", "after"),
    [((), 4, ((4, 4),)), (((2, None),), 4, ((2, None),)), (((1, 2), (6, None)), 4, ((1, 2), (4, 4), (6, None)))],
)
def test_an_older_release_is_known_late(runs: Runs, sequence: int, after: Runs) -> None:
    assert runs_with(runs, sequence) == after
