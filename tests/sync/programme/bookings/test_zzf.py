"""What bookings cannot get: a table, and against the engine: no warning, it is delivered; a warning, it falls short."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.programme.ad_eligibility import shares_of
from sync.programme.ad_shares import ONE_PLAY
from sync.programme.bookings.feasibility import Feasibility, booking_feasibility, short_now
from sync.wire.release import Campaign, LocalWindow
from tests.sync.programme.examples import BERLIN, NOON, campaign, eligible_of, fresh, run

DAY = timedelta(days=1)
MORNING = (LocalWindow(start="08:00", end="13:00"),)
NIGHT = (LocalWindow(start="20:00", end="23:00"),)
SUNDAY = (LocalWindow(weekdays=(7,)),)
SECOND_WEEK = (NOON + 7 * DAY, NOON + 14 * DAY)
FIRST_WEEK = (NOON, NOON + 7 * DAY)
ALWAYS = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))


def sold(*percents: float, **fields: object) -> list[Campaign]:
    """A campaign for each share, by letter."""
    shares = {"abcdefghij"[n]: round(percent * 10_000) for n, percent in enumerate(percents)}
    return [campaign(name, share_ppm=share, **fields) for name, share in shares.items()]  # type: ignore[arg-type]


def feasibility(campaigns: list[Campaign], at: datetime = NOON) -> Feasibility:
    return booking_feasibility(campaigns, BERLIN, at)


@pytest.mark.parametrize(
    ("campaigns", "expected"),
    [
        (sold(40, 30, 20), {}),
        (sold(50, 50), {}),
        (sold(70), {}),  # alone it gets all
        (sold(30, 20), {}),  # together they get all: more than they bought
        ([*sold(40, 30), campaign("w"), campaign("v", weight=3)], {}),
        # more than there is, over several campaigns
        (sold(80, 80, 80), {"overbooked": {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}}),
        (sold(60, 60), {"overbooked": {"a": 0.5, "b": 0.5}}),
        ([*sold(60, 60, flight=FIRST_WEEK)[:1], *sold(1, 60, flight=SECOND_WEEK)[1:]], {}),
        ([*sold(60, 60, windows=MORNING)[:1], *sold(1, 60, windows=NIGHT)[1:]], {}),
        ([*sold(60, 60, windows=MORNING)[:1], *sold(1, 60)[1:]], {"overbooked": {"a": 0.5, "b": 0.5}}),
        ([*sold(60, 40), campaign("w")], {"sold_out": {"w": 0.0}, "follows_itself": {"a": 0.5}}),
        # more than half
        (sold(70, 30), {"follows_itself": {"a": 0.5}}),
        ([*sold(70), campaign("w"), campaign("v")], {"follows_itself": {"a": 0.5}}),
        # gaps: 55 % of the slots, room for 50; 30 %, room for 10
        ([*sold(30, 25, category="drinks", gaps=(1, 0)), *sold(1, 1, 45)[2:]], {"category_gap": None}),
        ([*sold(30, 25, category="drinks", gaps=(1, 0)), campaign("v"), campaign("w")], {"category_gap": None}),
        ([*sold(30, category="drinks", gaps=(9, 0)), *(campaign(c) for c in "uvwxyz")], {"category_gap": None}),
        ([*sold(35, 35, advertiser="Big", gaps=(0, 1)), campaign("v"), campaign("w")], {"advertiser_gap": None}),
        ([campaign(name, advertiser="shop", gaps=(1, 1)) for name in "abc"], {}),  # a site with its own ads only
        # windows that never open in their flight
        ([*sold(20, windows=SUNDAY, flight=(NOON, NOON + 3 * DAY)), campaign("w")], {"never_open": {"a": 0.0}}),
        ([*sold(20, windows=SUNDAY, flight=(NOON, NOON + 6 * DAY)), campaign("w")], {}),
        (sold(80, 80, flight=(NOON - 2 * DAY, NOON)), {}),  # over
        (sold(80, 80, flight=ALWAYS), {"overbooked": {"a": 0.5, "b": 0.5}}),
        (sold(80, 80, windows=MORNING, flight=(ALWAYS[1] - DAY, ALWAYS[1])), {}),  # not in sight
        (sold(100, 0.0001), {"follows_itself": {"a": 0.5}}),
    ],
)
def test_what_cannot_be_had_is_found(campaigns: list[Campaign], expected: dict[str, dict[str, float] | None]) -> None:
    found = {each.cause: {line.id: line.gets for line in each.lines} for each in feasibility(campaigns).shortfalls}
    expected = {cause: lines for cause, lines in expected.items() if lines != {}}
    assert set(found) == set(expected)
    for cause, lines in expected.items():
        if lines is not None:
            assert found[cause] == pytest.approx(lines, abs=0.005)


@pytest.mark.parametrize(
    "campaigns",
    [
        sold(80, 80, 80),
        [*sold(50, 50), campaign("w"), campaign("v")],  # nothing is left for them: no slot has them
        [*sold(70), campaign("w"), campaign("v")],
        [*sold(30, 25, category="drinks", gaps=(1, 0)), campaign("v"), campaign("w")],
    ],
)
def test_a_screen_tells_what_the_origin_tells(campaigns: list[Campaign]) -> None:
    told = {each.key for each in short_now(eligible_of(campaigns, NOON), NOON, BERLIN)}
    assert told == {each.key for each in feasibility(campaigns).shortfalls} != set()


def test_a_shortfall_says_who_how_much_when_and_what_helps() -> None:
    later = sold(80, 160 / 2, flight=SECOND_WEEK)
    (short,) = feasibility(later).shortfalls
    assert short.text == (
        "From Mon 09 Mar 2026 13:00 on 2 lines have bought 160 % of the slots: a (advertiser a) 80 % gets 50 %, "
        "b (advertiser b) 80 % gets 50 %. Each gets 62.5 % of what it bought. Sell 60 % less, or at other times."
    )
    assert (short.at, short.until) == (SECOND_WEEK[0], SECOND_WEEK[1])


def test_the_answer_says_how_far_it_looked() -> None:
    many = [campaign(f"l{n}", share_ppm=900_000, flight=(NOON + n * DAY, NOON + (n + 2) * DAY)) for n in range(50)]
    assert feasibility(many).until == NOON + 51 * DAY
    short = booking_feasibility(many, BERLIN, NOON, most_work=20)
    assert short.until < NOON + 20 * DAY and len(short.shortfalls) < 20


def test_slots_are_filled_for_the_first_sets_only() -> None:
    drinks = sold(30, 25, category="drinks", gaps=(1, 0))
    many = [*drinks, campaign("v", flight=FIRST_WEEK), *sold(1, 1, 80, 80, flight=SECOND_WEEK)[2:]]
    found = {each.cause for each in feasibility(many).shortfalls}
    fewer = booking_feasibility(many, BERLIN, NOON, most_simulations=0).shortfalls
    assert found - {each.cause for each in fewer} == {"category_gap"} and "overbooked" in found


def test_only_what_is_on_air_with_a_line_is_judged_for_it() -> None:
    many = [*sold(80, 80, flight=FIRST_WEEK), *sold(1, 1, 60, 60, flight=SECOND_WEEK)[2:]]
    (short,) = booking_feasibility(many, BERLIN, NOON, about={"c"}).shortfalls
    assert (short.cause, short.at) == ("overbooked", SECOND_WEEK[0])


@st.composite
def bookings(draw: st.DrawFn) -> list[Campaign]:
    count = draw(st.integers(2, 12))
    left, found = draw(st.sampled_from([100, 100, 100, 130])), []
    for number in range(count):
        share = draw(st.integers(0, min(45, left)))
        left -= share
        found.append(
            campaign(
                f"l{number:02}",
                share_ppm=share * 10_000 or None,
                weight=draw(st.integers(1, 3)),
                advertiser=draw(st.sampled_from(["A", "B", "C", f"own {number}"])),
                category=draw(st.sampled_from(["", "x", "y", "z"])),
                gaps=(draw(st.integers(0, 4)), draw(st.integers(0, 3))),
            )
        )
    return found


@settings(max_examples=120, deadline=None)
@given(bookings(), st.integers(2, 1000))
def test_a_warning_comes_true_and_without_one_all_is_delivered(campaigns: list[Campaign], seed: int) -> None:
    found = feasibility(campaigns).shortfalls
    warned = {line.id for each in found for line in each.lines}
    ads, slots = eligible_of(campaigns), 1_500
    choices, _ = run(fresh(seed), ads, slots)
    plays, shares = Counter(choice.line.id for choice in choices), shares_of(ads)
    broken = Counter(choice.line.id for choice in choices if {"category", "advertiser"} & {*choice.relaxed})
    short = {}
    for one in campaigns:
        line = one.lines[0]
        bought = line.share_ppm / 1_000_000 if line.share_ppm else shares.get(line.id, 0) / ONE_PLAY
        missing = bought * slots - plays[line.id]
        assert line.id in warned or missing <= max(8, 0.04 * bought * slots), (line.id, missing, bought)
        short[line.id] = missing > 1 or plays[line.id] == 0
    for each in found:
        assert any(short[line.id] or broken[line.id] for line in each.lines), each.text
