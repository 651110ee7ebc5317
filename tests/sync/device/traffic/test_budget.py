"""Which month bytes belong to, whatever clock and zone do, and what a budget has left."""

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.device.traffic.budget import (
    KEPT_MONTHS,
    LEAST_BYTES,
    LONGEST_MONTH_S,
    Budget,
    Traffic,
    begin,
    budget_state,
    month_end,
    month_name,
)

BERLIN = ZoneInfo("Europe/Berlin")
MB = 1_000_000


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def months(traffic: Traffic) -> dict[str, int]:
    return {month.name: month.total for month in traffic.months}


def looked_at(traffic: Traffic, *looks: str) -> Traffic:
    """Look at each time, and count 1 byte after it; an unset clock has a `?`, 31 days of running a `+`."""
    for look in looks:
        if look.startswith("+"):
            traffic = Traffic(traffic.months, traffic.sure, LONGEST_MONTH_S, traffic.known)
        else:
            traffic = traffic.at(at(look.strip("?")), BERLIN, timed=not look.startswith("?"))
            traffic = traffic.plus(1, 0, 0)
    return traffic


@pytest.mark.parametrize(
    ("looks", "counted"),
    [
        (["2026-11-30", "2026-11-30T22:59"], {"2026-11": 102}),
        (["2026-11-30T22:59", "2026-11-30T23:00"], {"2026-11": 101, "2026-12": 1}),  # midnight in Berlin
        (["2026-12-05"], {"2026-11": 100, "2026-12": 1}),  # it was off when the month ended
        (["2027-03-05"], {"2026-11": 100, "2027-03": 1}),
        (["2026-12-01", "2026-11-20", "2026-11-21"], {"2026-11": 103}),  # back: all of it belongs to November
        (["2090-01-01", "2026-11-20"], {"2026-11": 102}),
        (["2090-01-01", "2090-02-01", "2026-12-01"], {"2026-11": 100, "2026-12": 3}),
        (["1970-01-01", "2026-11-20"], {"1970-01": 101, "2026-11": 1}),  # a time service that is wrong
        (["?1970-01-01", "2026-11-20"], {"2026-11": 102}),
        (["?2090-01-01", "2026-11-20"], {"2026-11": 102}),
        (["?2026-12-01", "2026-12-02"], {"2026-11": 100, "2026-12": 2}),  # not set, and plausible
        (["?2026-12-01", "?2026-11-30", "2026-11-30"], {"2026-11": 103}),
        (["?2027-01-01", "?2027-02-01"], {"2026-11": 102}),
        (["?1970-01-01", "+", "?1970-02-01"], {"2026-11": 101, "2026-12": 1}),
        (["?1970-01-01", "+", "?1970-02-01", "2027-02-01"], {"2026-11": 101, "2027-02": 2}),
        (["+", "2026-11-30"], {"2026-11": 101}),
    ],
)
def test_the_month_follows_a_clock_that_is_set_and_any_by_one_step(looks: list[str], counted: dict[str, int]) -> None:
    first = begin(at("2026-11-05"), BERLIN, timed=True).plus(60, 40, 0)
    assert months(looked_at(first, *looks)) == counted


def test_what_was_counted_before_the_clock_was_set_belongs_to_the_month_that_it_was() -> None:
    first = begin(at("1970-01-01"), BERLIN, timed=False).plus(7, 0, 0)
    assert months(looked_at(first, "?1970-01-02", "2026-11-30")) == {"2026-11": 9}


def test_another_zone_moves_the_present_bytes_to_its_month() -> None:
    now, auckland = at("2026-11-30T12:00"), ZoneInfo("Pacific/Auckland")
    traffic = begin(now, BERLIN, timed=True).plus(5, 0, 0)
    assert months(traffic.at(now, auckland, timed=True)) == {"2026-11": 5, "2026-12": 0}
    assert months(traffic.at(now, auckland, timed=True).at(now, BERLIN, timed=True)) == {"2026-11": 5}


@given(seed=st.integers(0, 1 << 32))
def test_no_byte_is_lost_and_the_present_month_never_has_less_but_for_a_new_one(seed: int) -> None:
    rng = Random(seed)
    now, traffic, counted = at("2026-11-05"), begin(at("2026-11-05"), BERLIN, timed=True), 0
    for _ in range(30):
        now += timedelta(days=rng.choice([0, 1, 3, 31, -1, -31, 20_000, -20_000]))
        now = min(max(now, at("1970-01-02")), at("2100-01-01"))
        zone, timed = ZoneInfo(rng.choice(["UTC", "Asia/Tokyo", "America/Los_Angeles"])), rng.random() < 0.7
        before, traffic = traffic, traffic.at(now, zone, timed=timed)
        names = [month.name for month in traffic.months]
        assert all(a < b for a, b in pairwise(names)) and len(names) <= KEPT_MONTHS
        if len(names) < KEPT_MONTHS:
            assert sum(month.total for month in traffic.months) >= counted or len(before.months) == KEPT_MONTHS
        if traffic.month.total < before.month.total:
            assert traffic.month.name > before.month.name and traffic.month.total == 0
        if timed:
            assert traffic.month.name == month_name(now, zone)
        traffic = traffic.plus(3, 0, 1)
        counted = sum(month.total for month in traffic.months)


@pytest.mark.parametrize(
    ("zone", "month", "end"),
    [
        ("UTC", "2026-11", "2026-12-01T00:00"),
        ("Europe/Berlin", "2026-12", "2026-12-31T23:00"),
        ("Europe/Berlin", "2026-06", "2026-06-30T22:00"),
        ("Pacific/Auckland", "2026-12", "2026-12-31T11:00"),
        ("Asia/Amman", "2022-03", "2022-03-31T21:00"),
        ("America/Asuncion", "2017-09", "2017-10-01T04:00"),  # summer time begins: 0:00 to 1:00 are left out
        ("America/Asuncion", "2023-09", "2023-10-01T04:00"),
        ("America/Havana", "2026-10", "2026-11-01T04:00"),  # 0:00 to 1:00 come twice
    ],
)
def test_a_month_ends_at_the_first_instant_of_the_next_one(zone: str, month: str, end: str) -> None:
    found = month_end(month, ZoneInfo(zone))
    assert found == at(end)
    assert month_name(found - timedelta(microseconds=1), ZoneInfo(zone)) == month
    assert month_name(found, ZoneInfo(zone)) > month


@pytest.mark.parametrize(
    ("budget", "used", "left"),
    [
        (None, 10**15, math.inf),
        (Budget(100 * MB, 10 * MB), 0, 90 * MB),
        (Budget(100 * MB, 10 * MB), 89 * MB, MB),
        (Budget(100 * MB, 10 * MB), 90 * MB - LEAST_BYTES + 1, 0),  # what is left is for heads of requests
        (Budget(100 * MB, 10 * MB), 10**15, 0),
        (Budget(100 * MB, 0), 0, 100 * MB),
    ],
)
def test_media_get_what_the_reserve_leaves_of_the_budget(budget: Budget | None, used: int, left: float) -> None:
    now = at("2026-11-05")
    traffic = begin(now, BERLIN, timed=True).plus(used // 2, used - used // 2, 0)
    state = budget_state(traffic, budget, now, BERLIN)
    assert (state.left_bytes, state.spent, state.goes_on_at) == (left, left == 0, at("2026-11-30T23:00"))
    assert budget_state(traffic, budget, at("2090-01-01"), BERLIN).goes_on_at is None
