"""The schedule by the wall clock of the venue: tables of difficult cases, and that nothing changes before `until`."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sync.programme.schedule import programme_at
from sync.programme.weekly_windows import HORIZON, window_state
from sync.wire.release import Daypart, LocalWindow, Release
from tests.sync.programme.examples import BERLIN, covers, item, local, release, starts_on, windows

NEW_YORK = ZoneInfo("America/New_York")
APIA = ZoneInfo("Pacific/Apia")


def daypart(name: str, start: str, end: str, *, playlist: str | None = None, **fields: Any) -> Daypart:
    return Daypart(id=name, name=name, playlist=playlist or name, start=start, end=end, **fields)


def name_at(dayparts: list[Daypart], at: datetime, zone: ZoneInfo = BERLIN) -> str:
    programme = programme_at(release(dayparts), zone, at)
    return programme.daypart.id if programme.daypart else "rest"


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-06T23:00", "night"),  # Friday
        ("2026-03-07T05:59", "night"),  # Saturday morning belongs to Friday
        ("2026-03-07T06:00", "rest"),  # half-open
        ("2026-03-07T23:00", "rest"),
        ("2026-03-06T05:00", "rest"),
        ("2026-03-06T21:59:59.999", "rest"),
        ("2026-03-06T22:00", "night"),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_starts(at: str, expected: str) -> None:
    assert name_at([daypart("night", "22:00", "06:00", weekdays=(5,))], local(at)) == expected


def test_first_and_last_day_are_those_the_window_starts_on() -> None:
    night = daypart("night", "22:00", "06:00", first_day=date(2026, 3, 3), last_day=date(2026, 3, 4))
    times = ["2026-03-03T01:00", "2026-03-03T22:00", "2026-03-05T05:59", "2026-03-05T06:00", "2026-03-05T22:00"]
    assert [name_at([night], local(at)) for at in times] == ["rest", "night", "night", "rest", "rest"]


WORK = (1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("dayparts", "at", "expected"),
    [
        ([daypart("a", "08:00", "20:00"), daypart("b", "12:00", "13:00", priority=1)], "2026-03-03T12:30", "b"),
        ([daypart("a", "08:00", "20:00", priority=1), daypart("b", "12:00", "13:00")], "2026-03-03T12:30", "a"),
        # equal: the one that opened last
        ([daypart("a", "08:00", "20:00"), daypart("b", "12:00", "13:00")], "2026-03-03T12:30", "b"),
        ([daypart("b", "12:00", "13:00"), daypart("a", "08:00", "20:00")], "2026-03-03T12:30", "b"),
        ([daypart("a", "12:00", "13:00"), daypart("b", "08:00", "20:00")], "2026-03-03T12:30", "a"),
        ([daypart("a", "08:00", "20:00"), daypart("b", "12:00", "13:00")], "2026-03-03T13:00", "a"),
        ([daypart("a", "08:00", "12:00"), daypart("b", "10:00", "14:00")], "2026-03-03T11:00", "b"),
        # past midnight: opened yesterday evening is earlier than opened this morning
        ([daypart("night", "22:00", "06:00"), daypart("early", "01:00", "05:00")], "2026-03-03T02:00", "early"),
        ([daypart("night", "22:00", "06:00"), daypart("early", "01:00", "05:00")], "2026-03-03T23:00", "night"),
        # around the clock: it did not open at midnight, it never closed
        ([daypart("all", "00:00", "24:00"), daypart("night", "22:00", "06:00")], "2026-03-03T02:00", "night"),
        ([daypart("all", "06:00", "06:00"), daypart("night", "22:00", "08:00")], "2026-03-03T07:00", "night"),
        ([daypart("all", "00:00", "24:00", weekdays=WORK), daypart("n", "22:00", "06:00")], "2026-03-03T02:00", "n"),
        ([daypart("all", "00:00", "24:00", weekdays=WORK), daypart("n", "22:00", "06:00")], "2026-03-02T02:00", "all"),
        # both around the clock: the later first day
        ([daypart("a", "00:00", "24:00"), daypart("b", "00:00", "24:00")], "2026-03-03T02:00", "a"),
        (
            [daypart("a", "00:00", "24:00"), daypart("b", "00:00", "24:00", first_day=date(2026, 3, 1))],
            "2026-03-03T02:00",
            "b",
        ),
        # equal and opened together: the order given
        ([daypart("b", "09:00", "10:00"), daypart("a", "09:00", "11:00")], "2026-03-03T09:30", "b"),
        ([daypart("a", "09:00", "11:00"), daypart("b", "09:00", "10:00")], "2026-03-03T09:30", "a"),
    ],
)
def test_the_highest_priority_wins_then_the_later_start_then_the_order_given(
    dayparts: list[Daypart], at: str, expected: str
) -> None:
    assert name_at(dayparts, local(at)) == expected


Times = dict[str, list[tuple[datetime | None, datetime | None]]]
"""For a playlist the times of each of its items."""

DISTANT = datetime(2999, 1, 1, tzinfo=UTC)
ANY = (None, None)
GONE = (None, datetime(2026, 3, 3, 8, tzinfo=UTC))  # Berlin, 09:00
NEW = (datetime(2026, 3, 3, 11, tzinfo=UTC), None)  # from 12:00 on
BROKEN = (datetime(2000, 1, 1, tzinfo=UTC), None)  # stands for media that cannot be shown
LATER = (datetime(2026, 3, 3, 11, tzinfo=UTC), datetime(2026, 3, 3, 12, tzinfo=UTC))


def with_times(whole: Release, times: Times) -> Release:
    """The release with items that are shown at these times only."""
    items = {
        name: tuple(item(f"{name}-{n}", starts_at=begins, ends_at=ends) for n, (begins, ends) in enumerate(pairs))
        for name, pairs in times.items()
    }
    filled = tuple(one.model_copy(update={"items": items.get(one.id, one.items)}) for one in whole.playlists)
    return whole.model_copy(update={"playlists": filled})


@pytest.mark.parametrize(
    ("high", "low", "expected", "until"),
    [
        ([ANY], [ANY], "high", "20:00"),
        ([], [ANY], "low", "20:00"),
        ([BROKEN], [ANY], "low", "20:00"),
        ([GONE], [ANY], "low", "20:00"),
        ([GONE, BROKEN], [ANY], "low", "20:00"),
        ([NEW], [ANY], "low", "12:00"),
        ([GONE, NEW], [ANY], "low", "12:00"),
        ([BROKEN], [BROKEN], "rest", "20:00"),
        ([], [NEW], "rest", "12:00"),
        ([LATER], [ANY], "low", "12:00"),
        ([BROKEN, ANY], [ANY], "high", "20:00"),
        ([GONE, ANY], [ANY], "high", "20:00"),
        ([(None, NEW[0])], [ANY], "high", "12:00"),
        ([(None, NEW[0]), NEW], [ANY], "high", "20:00"),
    ],
)
def test_a_daypart_with_nothing_to_show_is_passed_over(
    high: list[tuple[datetime | None, datetime | None]],
    low: list[tuple[datetime | None, datetime | None]],
    expected: str,
    until: str,
) -> None:
    parts = [daypart("low", "08:00", "20:00"), daypart("high", "08:00", "20:00", priority=1)]
    whole, at = with_times(release(parts), {"high": high, "low": low}), local("2026-03-03T10:00")
    programme = programme_at(whole, BERLIN, at, playable=lambda each: each.starts_at != BROKEN[0])
    assert (programme.daypart.id if programme.daypart else "rest") == expected
    if expected != "rest" or until != "20:00":
        assert programme.until == local(f"2026-03-03T{until}")
    assert ("nothing of" in programme.why) == (expected != "high")


def test_until_is_when_a_better_daypart_opens_or_this_one_closes() -> None:
    dayparts = [daypart("day", "08:00", "20:00"), daypart("lunch", "12:00", "13:00", priority=1)]
    whole = release(dayparts)
    assert programme_at(whole, BERLIN, local("2026-03-03T07:00")).until == local("2026-03-03T08:00")
    assert programme_at(whole, BERLIN, local("2026-03-03T09:00")).until == local("2026-03-03T12:00")
    assert programme_at(whole, BERLIN, local("2026-03-03T12:30")).until == local("2026-03-03T13:00")
    assert programme_at(whole, BERLIN, local("2026-03-03T13:00")).until == local("2026-03-03T20:00")


def test_a_daypart_around_the_clock_does_not_end_at_midnight() -> None:
    at = local("2026-03-03T09:00")
    for window in (
        daypart("all", "00:00", "24:00"),
        daypart("all", "06:00", "06:00"),
        daypart("all", "24:00", "24:00"),
    ):
        programme = programme_at(release([window]), BERLIN, at)
        assert programme.daypart == window
        assert programme.until == at + HORIZON


def test_a_daypart_without_its_playlist_is_ignored() -> None:
    whole = release([daypart("day", "00:00", "24:00")])
    lost = whole.model_copy(update={"playlists": tuple(p for p in whole.playlists if p.id != "day")})
    programme = programme_at(lost, BERLIN, local("2026-03-03T09:00"))
    assert programme.daypart is None
    assert programme.playlist is not None and programme.playlist.id == "rest"


def test_without_a_default_there_is_no_playlist_and_it_says_so() -> None:
    programme = programme_at(release([], default=None), BERLIN, local("2026-03-03T09:00"))
    assert programme.playlist is None
    assert "no default playlist" in programme.why


def test_without_a_trusted_clock_only_the_default_plays() -> None:
    at = local("2026-03-03T09:00")
    programme = programme_at(release([daypart("day", "00:00", "24:00")]), BERLIN, at, timed=False)
    assert programme.playlist is not None and programme.playlist.id == "rest"
    assert programme.until == at + HORIZON


def test_an_hour_that_is_skipped_is_not_open_and_the_rest_of_its_window_is() -> None:
    # Berlin, 2026-03-29: 02:00 becomes 03:00.
    before, after = local("2026-03-29T01:59:59"), local("2026-03-29T03:00")
    assert name_at([daypart("gone", "02:00", "03:00")], before) == "rest"
    assert name_at([daypart("gone", "02:00", "03:00")], after) == "rest"
    opens = [daypart("late", "02:30", "04:00")]
    assert programme_at(release(opens), BERLIN, before).until == after
    assert name_at(opens, after) == "late"
    assert programme_at(release(opens), BERLIN, after).until == local("2026-03-29T04:00")


def test_an_hour_that_is_repeated_is_open_twice() -> None:
    # Berlin, 2026-10-25: 03:00 becomes 02:00.
    window = [daypart("half", "02:30", "02:45")]
    first, second = local("2026-10-25T02:30"), local("2026-10-25T02:30", fold=1)
    assert second - first == timedelta(hours=1)
    assert programme_at(release(window), BERLIN, first).until == first + timedelta(minutes=15)
    assert programme_at(release(window), BERLIN, first + timedelta(minutes=15)).until == second
    assert name_at(window, second) == "half"
    over = programme_at(release([daypart("over", "01:00", "02:30")]), BERLIN, first - timedelta(minutes=1))
    assert over.until == first  # closed for the rest of the first pass, open again when 02:00 comes back
    assert name_at([daypart("over", "01:00", "02:30")], local("2026-10-25T02:00", fold=1)) == "over"


def test_a_window_over_either_change_of_the_clocks_keeps_its_wall_clock_ends() -> None:
    night = daypart("night", "22:00", "06:00")
    for evening, morning, hours in (
        ("2026-03-28T22:00", "2026-03-29T06:00", 7),
        ("2026-10-24T22:00", "2026-10-25T06:00", 9),
        ("2026-06-01T22:00", "2026-06-02T06:00", 8),
    ):
        programme = programme_at(release([night]), BERLIN, local(evening))
        assert programme.until == local(morning)
        assert programme.until - local(evening) == timedelta(hours=hours)


def test_a_day_that_a_country_left_out_has_no_windows() -> None:
    # Samoa went from Thursday, 2011-12-29 straight to Saturday: there was no Friday the 30th.
    friday = daypart("friday", "00:00", "24:00", weekdays=(5,))
    thursday_noon = local("2011-12-29T12:00", APIA)
    assert programme_at(release([friday]), APIA, thursday_noon).until == local("2012-01-06T00:00", APIA)


def test_no_windows_are_always_open_and_touching_windows_are_one() -> None:
    at = local("2026-03-03T09:00")
    assert window_state([], BERLIN, at) == (True, at + HORIZON)
    halves = [LocalWindow(start="08:00", end="12:00"), LocalWindow(start="12:00", end="18:00")]
    assert window_state(halves, BERLIN, at) == (True, local("2026-03-03T18:00"))
    assert window_state(halves, BERLIN, local("2026-03-03T18:00")) == (False, local("2026-03-04T08:00"))


def test_a_clock_that_is_years_wrong_gets_an_answer() -> None:
    whole = release([daypart("day", "08:00", "20:00")])
    for year in (1970, 1999, 2026, 2050, 2105):
        at = datetime(year, 7, 1, 12, tzinfo=UTC)
        programme = programme_at(whole, BERLIN, at)
        assert at < programme.until <= at + HORIZON


# ── properties ─────────────────────────────────────────────────────────────────────────────────────────────────────

some_days = st.one_of(st.none(), st.dates(date(2026, 1, 1), date(2027, 12, 31)))
zones = st.sampled_from([BERLIN, NEW_YORK, APIA, ZoneInfo("Australia/Lord_Howe")])
changes = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
]
near_changes = st.builds(
    lambda at, minutes: at + timedelta(minutes=minutes), st.sampled_from(changes), st.integers(-2000, 2000)
)
instants = st.one_of(
    near_changes,
    st.integers(0, 2 * 365 * 86_400).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)),
)


@st.composite
def some_dayparts(draw: st.DrawFn) -> list[Daypart]:
    parts = []
    for number in range(draw(st.integers(0, 5))):
        window = draw(windows)
        days: dict[str, Any] = {"first_day": draw(some_days), "last_day": draw(some_days), "weekdays": window.weekdays}
        parts.append(daypart(f"part-{number}", window.start, window.end, priority=draw(st.integers(0, 2)), **days))
    return parts


def expected(dayparts: list[Daypart], at: datetime, zone: ZoneInfo, times: Times) -> str:
    opened = [
        part
        for part in dayparts
        if covers(part, at, zone)
        and any((begins or at) <= at < (ends or DISTANT) for begins, ends in times.get(part.playlist, [ANY]))
    ]
    wall = at.astimezone(zone).replace(tzinfo=None)
    best = min(opened, key=lambda part: (-part.priority, wall - open_since(part, wall)), default=None)
    return best.id if best else "rest"


def open_since(part: Daypart, wall: datetime) -> datetime:
    """The definition: of the runs before, as far as each begins when the one before it ends, the start of the first."""
    begin, end = (timedelta(hours=int(text[:2]), minutes=int(text[3:])) for text in (part.start, part.end))
    length = end - begin if end > begin else end - begin + timedelta(days=1)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    days = (midnight - timedelta(days=back) for back in range(1200))
    starts = [day + begin for day in days if starts_on(part, day.date()) and day + begin <= wall]
    since = starts[0]
    for earlier in starts[1:]:
        if earlier + length != since:
            return since
        since = earlier
    return since


some_hours = st.one_of(st.none(), st.integers(-20, 20))
some_times = st.dictionaries(
    st.sampled_from([f"part-{number}" for number in range(5)]),
    st.lists(st.tuples(some_hours, some_hours), max_size=3),
    max_size=3,
)


@settings(max_examples=250, deadline=None)
@given(some_dayparts(), zones, instants, some_times, st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_the_programme_matches_the_definition_and_does_not_change_before_until(
    dayparts: list[Daypart],
    zone: ZoneInfo,
    at: datetime,
    hours: dict[str, list[tuple[int | None, int | None]]],
    fractions: list[float],
) -> None:
    times: Times = {
        name: [tuple(None if hour is None else at + timedelta(hours=hour) for hour in pair) for pair in pairs]  # type: ignore[misc]
        for name, pairs in hours.items()
    }
    programme = programme_at(with_times(release(dayparts), times), zone, at)
    now = programme.daypart.id if programme.daypart else "rest"
    assert now == expected(dayparts, at, zone, times)
    assert at < programme.until <= at + HORIZON
    for fraction in (*fractions, 1 - 1e-12):
        between = at + (programme.until - at) * fraction
        if between < programme.until:
            assert expected(dayparts, between, zone, times) == now
    if programme.until < at + HORIZON:
        assert expected(dayparts, programme.until, zone, times) != now


@settings(max_examples=250, deadline=None)
@given(st.lists(windows, min_size=1, max_size=4), zones, instants, st.floats(0, 0.999999))
@example([LocalWindow(start="01:00", end="02:30")], BERLIN, datetime(2026, 10, 25, 0, 0, tzinfo=UTC), 0.5)
def test_open_windows_match_the_definition_and_do_not_change_before_until(
    some: list[LocalWindow], zone: ZoneInfo, at: datetime, fraction: float
) -> None:
    opened, until = window_state(some, zone, at)
    assert opened == any(covers(window, at, zone) for window in some)
    assert at < until <= at + HORIZON
    between = at + (until - at) * fraction
    assert opened == any(covers(window, between, zone) for window in some)
    if until < at + HORIZON:
        assert opened != any(covers(window, until, zone) for window in some)


def test_two_thousand_dayparts_are_decided_quickly() -> None:
    many = [
        daypart(
            f"part-{n:04}", f"{n % 24:02}:00", f"{n % 24:02}:30", weekdays=(n % 7 + 1,), priority=n % 5, playlist="p"
        )
        for n in range(2_000)
    ]
    whole = release(many)
    began = time.process_time()
    for hour in range(10):
        programme_at(whole, BERLIN, local(f"2026-03-03T{hour:02}:45"))
    assert time.process_time() - began < 5.0  # 0.2 s on the machine this was written on
