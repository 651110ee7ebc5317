"""Which lines may be shown, until when that holds, and what a planner is told."""

from datetime import timedelta

import pytest

from player.programme.ads import choose, slate
from sync.release import Campaign, LocalWindow
from tests.programme.examples import BERLIN, NOON, YEAR, campaign, fresh, slate_of

DAY = timedelta(days=1)


def test_flights_are_half_open_and_the_slate_says_until_when_it_holds() -> None:
    soon, later = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    campaigns = [campaign("a", flight=(YEAR[0], later)), campaign("b", flight=(soon, YEAR[1]))]
    for at, names, until in (
        (NOON, "a", soon),
        (soon, "ab", later),
        (later, "b", later + 8 * DAY),
    ):
        on = slate_of(campaigns, at)
        assert ("".join(entry.line.id for entry in on.lines), on.until) == (names, until)
    assert slate_of(campaigns, later - timedelta(milliseconds=1)).until == later


def test_nothing_to_show_fills_no_slot() -> None:
    state = fresh()
    for empty in (slate_of([]), slate_of([campaign("a")], broken=["a-1"]), slate_of([campaign("a")], YEAR[1])):
        assert empty.lines == ()
        assert choose(state, empty) == (None, state)


def test_without_a_trusted_clock_lines_bound_to_windows_stay_off() -> None:
    always = LocalWindow()
    campaigns = [campaign("a", windows=(always,)), campaign("b"), campaign("c", flight=(YEAR[0], NOON))]
    unsure = slate(campaigns, BERLIN, NOON, playable=lambda _: True, timed=False, length_ms=lambda _: 1)
    assert [entry.line.id for entry in unsure.lines] == ["b"]


@pytest.mark.parametrize(
    ("campaigns", "words"),
    [
        ([campaign("a", share_ppm=700_000), campaign("b", share_ppm=700_000)], "overbooked"),
        ([campaign("a", share_ppm=700_000), campaign("b"), campaign("c")], "line a should have 70.0%"),
        ([campaign(n, category="beer" if n < "d" else "", gaps=(1, 0)) for n in "abcde"], "category beer has 60.0%"),
        ([campaign(n, advertiser="x" if n < "c" else "", gaps=(0, 2)) for n in "abcd"], "advertiser x has 50.0%"),
        ([campaign("a"), campaign("a").model_copy(update={"id": "other"}), campaign("b")], "line a stands in"),
    ],
)
def test_what_cannot_be_kept_is_reported(campaigns: list[Campaign], words: str) -> None:
    warnings = slate_of(campaigns).warnings
    assert len(warnings) == 1
    assert words in warnings[0]
