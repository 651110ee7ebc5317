"""What the benchmark of faults makes of what it saw."""

import pytest
from faults_eye import Kind, Sight, account, kind_of, spread

STEP_S = 0.01
STRUCK_S = 0.1


def sights(*kinds: tuple[Kind, int], still_from_s: float) -> list[Sight]:
    """One look each 10 ms: so many of each kind; the film moves until `still_from_s`."""
    seen = [kind for kind, looks in kinds for _ in range(looks)]
    return [
        Sight(number * STEP_S, kind, kind is Kind.FILM and number * STEP_S < still_from_s)
        for number, kind in enumerate(seen)
    ]


def test_a_film_that_stands_counts_as_frozen_until_the_next_item() -> None:
    seen = account(sights((Kind.FILM, 30), (Kind.ITEM, 5), still_from_s=0.155), STRUCK_S)
    assert seen is not None
    assert seen.next_item_s == pytest.approx(0.2)
    assert (seen.stopped_s, seen.frozen_s) == pytest.approx((0.15, 0.15))
    assert (seen.fallback_s, seen.black_s) == (0, 0)


def test_fallback_black_and_what_nobody_knows_are_counted_apart() -> None:
    kinds = ((Kind.FILM, 12), (Kind.BLACK, 2), (Kind.STRANGE, 1), (Kind.FALLBACK, 4), (Kind.ITEM, 3))
    seen = account(sights(*kinds, still_from_s=1), STRUCK_S)
    assert seen is not None
    assert (seen.black_s, seen.fallback_s) == pytest.approx((0.03, 0.04))
    assert seen.widest_look_s == pytest.approx(STEP_S)


def test_before_another_item_stands_there_is_no_account() -> None:
    assert account(sights((Kind.ITEM, 2), (Kind.FILM, 30), still_from_s=1), STRUCK_S) is None


def test_a_pixel_is_told_apart_as_far_as_decoding_may_move_it() -> None:
    assert kind_of(bytes((250, 5, 3, 0))) is Kind.FILM  # blue, green, red
    assert kind_of(bytes((10, 240, 240, 0))) is Kind.FALLBACK
    assert kind_of(bytes((60, 60, 60, 0))) is Kind.BLACK
    assert kind_of(bytes((128, 128, 128, 0))) is Kind.STRANGE


def test_a_spread_is_in_milliseconds() -> None:
    assert spread([0.1, 0.5, 0.2]) == {"median": 200, "max": 500}
