"""When screens could show nothing, and why: what their history says, less what their plays say that they showed."""

from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from sync.origin.planning.venue_days import day_number, day_span, spread
from sync.origin.proof.outages import HistoryChange, lost_hours, outages

BERLIN, HOUR_MS = ZoneInfo("Europe/Berlin"), 3_600_000
DAY = day_number(date(2026, 3, 2))
SPRING, AUTUMN = day_number(date(2026, 3, 29)), day_number(date(2026, 10, 25))
NOW = 24


def changes(rows: Iterable[str], begins_ms: int = 0) -> list[HistoryChange]:
    """Return the history of device `a` from rows such as `player stopped 3`: kind, state and hour."""
    parts = (row.split() for row in rows)
    return [HistoryChange("a", kind, state, begins_ms + round(float(hour) * HOUR_MS)) for kind, state, hour in parts]


def told(*rows: str) -> list[tuple[str, float, float]]:
    """Return the outages of a device, in hours."""
    found = outages([HistoryChange("b", "screen", "off", 0), *changes(rows)], NOW * HOUR_MS)
    assert [one[1:] for one in found["b"]] == [(0, NOW * HOUR_MS)]
    return [(one.cause, one.since_ms / HOUR_MS, one.until_ms / HOUR_MS) for one in found.get("a", [])]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], []),
        (["player started 1", "screen on 1", "contact back 2", "screen unknown 3"], []),
        (["player stopped 3", "player started 5"], [("offline", 3, 5)]),
        (["player stopped 3"], [("offline", 3, NOW)]),
        (["player stopped -90", "player started 1"], [("offline", -90, 1)]),
        (["player stopped 3", "player started 30"], [("offline", 3, NOW)]),
        (["player stopped 30"], []),
        (["player stopped 3", "player stopped 4", "player started 5"], [("offline", 3, 4), ("offline", 4, 5)]),
        (["player stopped 3", "player started 3"], []),
        (["screen off 3", "screen disconnected 4", "screen on 5"], [("screen_off", 3, 4), ("screen_off", 4, 5)]),
        (["screen off 3", "screen unknown 4"], [("screen_off", 3, 4)]),
        (["contact lost 3", "contact back 5"], [("offline", 3, 5)]),
        (["contact lost 3"], [("not_heard", 3, NOW)]),
        (["contact lost 3", "contact back 30"], [("offline", 3, NOW)]),  # it is known today that it came back
        (["contact lost 3", "contact back 5", "contact lost 6"], [("offline", 3, 5), ("not_heard", 6, NOW)]),
        # It comes back and says what it did: its own rows count before what the origin saw.
        (
            ["contact lost 2", "player stopped 3", "screen off 4", "player started 5", "contact back 6", "screen on 7"],
            [("offline", 2, 3), ("offline", 3, 4), ("offline", 4, 5), ("screen_off", 5, 6), ("screen_off", 6, 7)],
        ),
        # It was dark, and nobody heard of it since: it may show something now.
        (["screen off 2", "contact lost 3"], [("screen_off", 2, 3), ("not_heard", 3, NOW)]),
        (["player stopped 2", "contact lost 3"], [("offline", 2, 3), ("offline", 3, NOW)]),
        (["contact lost 2", "player stopped 3"], [("not_heard", 2, 3), ("offline", 3, NOW)]),
    ],
    ids=str,
)  # fmt: skip
def test_history_tells_outages(rows: list[str], found: list[tuple[str, float, float]]) -> None:
    assert told(*rows) == found


def of_day(
    *rows: str, shown: dict[int, float] | None = None, span: tuple[float, float] = (-90, 90), day: int = DAY
) -> dict[str, dict[int, float]]:
    """Return what a screen lost of each hour; hours are those since midnight."""
    begins = day_span(day, BERLIN)[0]
    found = outages(changes(rows, begins), begins + 90 * HOUR_MS).get("a", [])
    since, until = (begins + round(hour * HOUR_MS) for hour in span)
    played = [round((shown or {}).get(hour, 0) * HOUR_MS) for hour in range(24)] if shown is not None else ()
    lost = lost_hours(day, BERLIN, (since, until), found, played)
    parts = {cause: {hour: round(part, 4) for hour, part in enumerate(hours) if part} for cause, hours in lost.items()}
    return {cause: hours for cause, hours in parts.items() if hours}


NIGHT = ("screen off 22", "screen on 31")


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        (of_day(), {}),
        (of_day(*NIGHT), {"screen_off": {22: 1, 23: 1}}),
        (of_day(*NIGHT, day=DAY + 1), {"screen_off": {22: 1, 23: 1}}),
        (of_day("player stopped 3.5", "player started 5.25"), {"offline": {3: 0.5, 4: 1, 5: 0.25}}),
        (of_day("player stopped 3.5", "player started 5.25", span=(4.5, 5)), {"offline": {4: 0.5}}),
        (of_day("player stopped 3.5", "player started 5.25", span=(6, 9)), {}),
        (of_day("contact lost -50", span=(-90, -12)), {}),  # it was removed before this day
        (of_day("player stopped -50", "player started 70"), {"offline": dict.fromkeys(range(24), 1)}),
        # It was not heard, and played all the same: nothing is lost. It played half of an hour: half of it is.
        (of_day("contact lost 3", "contact back 5", shown={3: 1, 4: 1}), {}),
        (of_day("contact lost 3", "contact back 5", shown={3: 1, 4: 0.5}), {"offline": {4: 0.5}}),
        (of_day("contact lost 3", "contact back 5", shown={2: 1, 9: 1}), {"offline": {3: 1, 4: 1}}),
        (of_day("contact lost 3.5", "contact back 4", shown={3: 0.25}), {"offline": {3: 0.5}}),
        (of_day("contact lost 3.5", "contact back 4", shown={3: 0.75}), {"offline": {3: 0.25}}),
        (of_day("contact lost 3.5", "contact back 4", shown={3: 9}), {}),
        # What is left of an hour goes to the player before the monitor.
        (
            of_day("player stopped 3", "player started 3.5", "screen off 3.5", "screen on 4", shown={3: 0.4}),
            {"offline": {3: 0.5}, "screen_off": {3: 0.1}},
        ),
        # The hour that is left out has nothing to lose; the one that comes twice is one hour of 120 minutes.
        (of_day("player stopped 1.5", "player started 2.5", day=SPRING), {"offline": {1: 0.5, 3: 0.5}}),
        (of_day("player stopped 3", "player started 4.5", day=AUTUMN, shown={2: 0.0}), {"offline": {2: 0.5, 3: 0.5}}),
        (of_day("player stopped 2", "player started 4", day=AUTUMN, shown={2: 1.5}), {"offline": {2: 0.25}}),
    ],
)
def test_hours_that_a_screen_lost(lost: dict[str, dict[int, float]], expected: dict[str, dict[int, float]]) -> None:
    assert lost == expected


@pytest.mark.parametrize(
    ("day", "begins", "minutes", "found"),
    [
        (DAY, 3.5, 20, {3: 20}),
        (DAY, 3.5, 45, {3: 30, 4: 15}),
        (DAY, 3.5, 150, {3: 30, 4: 60, 5: 60}),
        (DAY, 23.5, 600, {23: 30}),
        (DAY, 3.5, 0, {}),
        (DAY, -0.5, 45, {0: 15}),
        (DAY, -1, 30, {}),
        (SPRING, 1.5, 60, {1: 30, 3: 30}),
        (AUTUMN, 2.5, 120, {2: 90, 3: 30}),
    ],
)
def test_a_long_play_counts_in_each_hour_in_which_it_was_on(
    day: int, begins: float, minutes: int, found: dict[int, int]
) -> None:
    hours = [0] * 24
    begins_ms = day_span(day, BERLIN)[0] + round(begins * HOUR_MS)
    spread(day, BERLIN, begins_ms, begins_ms + minutes * 60_000, hours)
    assert {hour: ms // 60_000 for hour, ms in enumerate(hours) if ms} == found
