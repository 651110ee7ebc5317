"""What the comparison of plays and pictures finds, so that agreement means something."""

from typing import Any

import pytest

from tests.e2e.day.agreement import Play, compare
from tests.e2e.day.witness import COVER, FALLBACK, GONE, Picture, Sight


def play(colour: str, start_s: float, end_s: float, **more: Any) -> Play:
    shown_ms = round((end_s - start_s) * 1000)
    times = {"mono_start_ms": round(start_s * 1000), "mono_end_ms": round(end_s * 1000), "rendered_ms": shown_ms}
    return {"title": f"{colour}.png", "outcome": "complete", "reason": "duration", "expected_ms": 2000, **times, **more}


def sight(*looks: tuple[float, str]) -> Sight:
    seen = Sight()
    for at_s, what in looks:
        seen.add(at_s, what)
    return seen


SIGHT = sight((9.9, FALLBACK), (10.1, "red"), (11.9, "red"), (12.1, "lime"), (14.0, "lime"), (14.2, FALLBACK))
RED, LIME = play("red", 10, 12), play("lime", 12, 14.1, outcome="partial")


@pytest.mark.parametrize(
    ("plays", "off_s", "without_record", "without_picture"),
    [
        ([RED, LIME], 0.0, 0, 0),
        ([LIME, play("red", 9.7, 12)], 0.2, 0, 0),  # too early
        ([LIME, play("red", 10.4, 12)], 0.3, 0, 0),  # too late
        ([RED, play("lime", 12, 14.6, outcome="partial")], 0.4, 0, 0),  # outlives its picture, and claims more
        ([RED, play("lime", 12, 13, outcome="failed")], 1.0, 0, 0),  # ends before its picture
        ([RED, play("lime", 12, 12, outcome="interrupted")], 0.0, 0, 0),  # nobody wrote when it ended
        ([play("red", 10, 11), play("red", 11, 12), LIME], 0.9, 0, 1),  # two plays of one picture
        ([RED], 0.0, 1, 0),
        ([RED, LIME, play("red", 14.1, 16)], 0.0, 0, 1),
        ([RED, play("yellow", 12, 14)], 0.0, 1, 1),  # another item
    ],
)
def test_each_disagreement_is_found(plays: list[Play], off_s: float, without_record: int, without_picture: int) -> None:
    found = compare(plays, SIGHT.pictures())
    assert round(max(match.off_s for match in found.matches), 3) == off_s
    assert (len(found.without_record), len(found.without_picture)) == (without_record, without_picture)


@pytest.mark.parametrize(("until_s", "off_s", "stood_on_s"), [(2.1, 2.9, 0.0), (5.05, 0.0, 2.95)])
def test_the_last_picture_of_a_whole_item_belongs_to_its_play(until_s: float, off_s: float, stood_on_s: float) -> None:
    seen = sight((0.0, FALLBACK), (0.1, "red"), (5.0, "red"), (5.1, "lime"), (6, "lime"))
    (match,) = compare([play("red", 0.1, until_s, rendered_ms=2000)], seen.pictures()).matches
    assert (round(match.off_s, 3), round(match.stood_on_s, 3)) == (off_s, stood_on_s)


@pytest.mark.parametrize(
    ("looks", "picture"),
    [
        # covered for a while: one picture; covered when it came or went: at any time under the cover
        ([(1, "red"), (2, COVER), (3, "red"), (4, "lime")], Picture("red", (0, 1), (3, 4), 4)),
        ([(1, COVER), (2, "red"), (3, "lime")], Picture("red", (0, 2), (2, 3), 2)),
        ([(1, "red"), (2, COVER), (3, COVER), (4, "lime")], Picture("red", (0, 1), (1, 3), 2)),
        # the display went, and came again
        ([(1, "red"), (2, GONE), (3, GONE), (4, FALLBACK)], Picture("red", (0, 1), (1, 2), 2)),
        ([(1, GONE), (3, GONE), (4, "red"), (5, "lime")], Picture("red", (0, 4), (4, 5), 2)),
    ],
)
def test_pictures_under_a_cover_and_without_a_display(looks: list[tuple[float, str]], picture: Picture) -> None:
    assert sight((0, FALLBACK), *looks).pictures()[0] == picture
