"""What screens were promised while they were there, and what a shortfall comes from."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from sync.origin.planning.venue_days import day_number
from sync.origin.proof.delivery import (
    Counted,
    Expected,
    PairedScreen,
    Promise,
    ReportBy,
    active_hours,
    delivery_row,
    expectations,
)
from sync.runtime.clock import unix_ms

BERLIN = ZoneInfo("Europe/Berlin")
DAY = day_number(date(2026, 3, 2))
SPRING, AUTUMN = day_number(date(2026, 3, 29)), day_number(date(2026, 10, 25))


def ms(text: str) -> int:
    return unix_ms(datetime.fromisoformat(text).astimezone(UTC))


EVER = (0, ms("2999-01-01T00:00:00+00:00"))


@pytest.mark.parametrize(
    ("day", "since", "until", "hours"),
    [
        (DAY, None, None, {hour: 1.0 for hour in range(24)}),
        (DAY, "2026-03-02T12:30:00+01:00", None, {12: 0.5, **{hour: 1.0 for hour in range(13, 24)}}),
        (DAY, None, "2026-03-02T01:15:00+01:00", {0: 1.0, 1: 0.25}),
        (DAY, "2026-03-03T00:00:00+01:00", None, {}),
        (DAY, None, "2026-03-02T00:00:00+01:00", {}),
        (DAY, "2026-03-02T09:10:00+01:00", "2026-03-02T09:10:00+01:00", {}),
        (SPRING, None, "2026-03-29T03:30:00+02:00", {0: 1.0, 1: 1.0, 3: 0.5}),  # there is no hour 2
        (AUTUMN, None, "2026-10-25T02:00:00+01:00", {0: 1.0, 1: 1.0, 2: 0.5}),  # hour 2 has 120 minutes
    ],
)
def test_hours_in_which_a_screen_is_there(
    day: int, since: str | None, until: str | None, hours: dict[int, float]
) -> None:
    found = active_hours(day, BERLIN, ms(since) if since else EVER[0], ms(until) if until else EVER[1])
    assert {hour: part for hour, part in enumerate(found) if part} == pytest.approx(hours)


QUARTER = Promise("main", DAY, "spring", "quarter", 24.0, [1] * 24)  # as much as it bought
SHORT = Promise("main", DAY, "spring", "short", 48.0, [1] * 24)  # half of it
NONE = Promise("main", DAY, "summer", "none", 12.0, [0] * 24)
WEIGHT = Promise("other", DAY, "summer", "weight", None, [2] * 24)
SCREENS = (
    PairedScreen("a", "main", *EVER),
    PairedScreen("b", "main", ms("2026-03-02T12:00:00+01:00"), EVER[1]),
    PairedScreen("c", "other", *EVER),
)


@pytest.mark.parametrize(
    ("by", "promised"),
    [
        ("line", {"quarter": (36, 36), "short": (36, 72), "none": (0, 18), "weight": (48, 48)}),
        ("campaign", {"spring": (72, 108), "summer": (48, 66)}),
        ("device", {"a": (48, 84), "b": (24, 42), "c": (48, 48)}),
        ("day", {str(DAY): (120, 174)}),
        ("creative", {"q1": (18, 18), "q2": (18, 18), "w": (48, 48)}),
    ],
)
def test_what_screens_were_promised_and_had_bought(by: ReportBy, promised: dict[str, tuple[float, float]]) -> None:
    creatives = {"q1": ("quarter", 2), "q2": ("quarter", 2), "w": ("weight", 1), "x": ("of no promise", 1)}
    zones = {"main": BERLIN, "other": BERLIN}
    shown = {("a", DAY): 86_400_000, ("b", DAY): 21_600_000, ("c", DAY): 10**9}
    found = expectations(by, (QUARTER, SHORT, NONE, WEIGHT), SCREENS, zones, shown, creatives)
    assert {id: (one.promised, one.bought) for id, one in found.items()} == promised
    if by == "device":
        assert [found[id].offline for id in "abc"] == [0, 12, 0]  # b showed something for half of its time
    for id, one in found.items():
        causes = delivery_row(id, "", Counted(), one).causes
        assert sum(causes.model_dump().values()) == pytest.approx(one.bought)


def test_a_line_that_got_more_than_it_bought_is_not_short() -> None:
    counted = Counted(delivered=12)
    row = delivery_row("x", "", counted, Expected(promised=10, bought=11, offline=3))
    assert (row.pace, row.shortfall, sum(row.causes.model_dump().values())) == (1.2, 0, 0)
    assert delivery_row("x", "", counted, None).pace is None and delivery_row("x", "", counted, Expected()).pace is None
