"""Which cases of all shapes are measured: each two properties together that a case can have."""

from itertools import combinations, product
from random import Random

from shapes import Case, covering

from player.platform.geometry import Turn
from sync.wire.release import Fit

FILM_TURNS: tuple[Turn, ...] = (0, 90)
SCREEN_TURNS: tuple[Turn, ...] = (0, 180)
CASES = [
    Case(*values)
    for values in product(
        ("PAL 16:9", "odd sizes"),
        ("H.264", "VP9", "VP8"),
        FILM_TURNS,
        Fit,
        ("a file at once", "over HTTP"),
        SCREEN_TURNS,
    )
]


def test_each_two_properties_that_a_film_can_have_are_shown_together() -> None:
    possible = [case for case in CASES if case.exists]
    assert not {case.film.encoding for case in possible if case.shape == "odd sizes"} & {"H.264"}
    assert {(case.encoding, case.way) for case in possible if case.turned} == {
        ("H.264", way) for way in ("a file at once", "over HTTP")
    }
    chosen = covering(possible, Random(1))
    assert len(chosen) < len(possible) / 2 and set(chosen) <= set(possible)
    pairs, wanted = (
        {pair for case in cases for pair in combinations(enumerate(case), 2)} for cases in (chosen, possible)
    )
    assert pairs == wanted
    assert covering(possible, Random(1)) == chosen
