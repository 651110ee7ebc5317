"""What screens were promised while they were there, and what a shortfall comes from."""

from collections import Counter
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from sync.origin.planning.venue_days import active_hours, day_number
from sync.origin.proof.delivery import (
    Counted,
    Expected,
    PairedScreen,
    Promise,
    ReportBy,
    delivery_row,
    expectations,
)
from sync.origin.proof.outages import Outage, OutageCause
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
STOPPED = Outage(OutageCause.OFFLINE, ms("2026-03-02T06:00:00+01:00"), ms("2026-03-02T15:00:00+01:00"))
DARK = Outage(OutageCause.SCREEN_OFF, STOPPED.until_ms, ms("2026-03-02T16:00:00+01:00"))
SCREENS = (
    PairedScreen("a", "main", *EVER),
    PairedScreen("b", "main", ms("2026-03-02T12:00:00+01:00"), EVER[1], (STOPPED, DARK)),
    PairedScreen("c", "other", *EVER),
)


@pytest.mark.parametrize(
    ("by", "promised"),
    [
        ("line", {"quarter": (36, 36), "short": (36, 72), "none": (0, 18), "weight": (48, 48)}),
        ("campaign", {"spring": (72, 108), "summer": (48, 66)}),
        ("device", {"a": (48, 84), "b": (24, 42), "c": (48, 48)}),
        ("day", {str(DAY): (120, 174)}),
        ("creative", {"q1": (18, 18), "q2": (18, 18), "w": (48, 48), "": (36, 90)}),
    ],
)
def test_what_screens_were_promised_and_had_bought(by: ReportBy, promised: dict[str, tuple[float, float]]) -> None:
    creatives = {"q1": ("quarter", 2), "q2": ("quarter", 2), "w": ("weight", 1), "x": ("of no promise", 1)}
    zones = {"main": BERLIN, "other": BERLIN}
    shown = {("b", DAY): [0] * 12 + [900_000] + [0] * 11}
    found = expectations(by, (QUARTER, SHORT, NONE, WEIGHT), SCREENS, zones, shown, creatives)
    assert {id: (one.promised, one.bought) for id, one in found.items()} == promised
    # Screen b was there for twelve hours. Its player did not run for three, but a quarter of an hour of them has plays.
    assert sum(one.lost[OutageCause.OFFLINE] for one in found.values()) == 2 * 2.75
    assert sum(one.lost[OutageCause.SCREEN_OFF] for one in found.values()) == 2
    if by == "device":
        assert [found[id].lost[OutageCause.OFFLINE] for id in "abc"] == [0, 5.5, 0]
    for id, one in found.items():
        causes = delivery_row(id, "", Counted(), one).causes
        assert sum(causes.model_dump().values()) == pytest.approx(one.bought)


def test_a_line_that_got_more_than_it_bought_is_not_short() -> None:
    counted = Counted(delivered=12)
    row = delivery_row(
        "x", "", counted, Expected(promised=10, bought=11, lost={**Expected().lost, OutageCause.OFFLINE: 3})
    )
    assert (row.pace, row.shortfall, sum(row.causes.model_dump().values())) == (1.2, 0, 0)
    assert delivery_row("x", "", counted, None).pace is None and delivery_row("x", "", counted, Expected()).pace is None


def test_causes_are_taken_in_their_order_until_the_shortfall_is_explained() -> None:
    lost = {OutageCause.OFFLINE: 30.0, OutageCause.SCREEN_OFF: 10.0, OutageCause.NOT_HEARD: 20.0}
    counted = Counted(delivered=40, reasons=Counter({"screen_off": 5, "failed": 4, "interrupted": 1, "too_short": 2}))
    row = delivery_row("x", "", counted, Expected(promised=115, bought=120, lost=lost))
    assert row.shortfall == 80
    assert row.causes.model_dump() == {
        "not_enough_slots": 5, "screen_off": 15, "failed": 5, "set_aside": 2, "offline": 30, "not_heard": 20,
        "other": 3,
    }  # fmt: skip
    assert delivery_row("x", "", counted, Expected(115, 90, lost)).causes.model_dump() == {
        "not_enough_slots": 0, "screen_off": 15, "failed": 5, "set_aside": 2, "offline": 28, "not_heard": 0, "other": 0,
    }  # fmt: skip
