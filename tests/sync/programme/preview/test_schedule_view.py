"""What a release has on air over days is what the schedule says at each instant; each other open daypart says why."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.programme.preview import schedule_view
from sync.programme.preview.schedule_view import on_air_then, segments
from sync.programme.schedule import programme_at, stretches
from sync.wire.release import Daypart, Release
from sync.words.on_air import ON_AIR
from tests.sync.programme.examples import BERLIN, clock_times, local, release, some_weekdays
from tests.sync.programme.test_schedule import Times, daypart, with_times

SUNDAY = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Berlin, where the clock goes forward that night
PARTS = st.builds(
    lambda number, days, start, end, priority, first: Daypart(
        id=f"{number}",
        name=f"{number}",
        playlist=f"list-{number % 3}",
        weekdays=days,
        start=start,
        end=end,
        priority=priority,
        first_day=first,
    ),
    st.integers(0, 9),
    some_weekdays,
    clock_times,
    clock_times,
    st.integers(0, 1),
    st.sampled_from([None, date(2026, 3, 30)]),
)
HOURS = st.integers(-5, 70).map(lambda hours: SUNDAY + timedelta(hours=hours))
TIMES = st.lists(st.tuples(st.none() | HOURS, st.none() | HOURS), max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(PARTS, max_size=6, unique_by=lambda part: part.id),
    st.dictionaries(st.sampled_from(["list-0", "list-1", "list-2"]), TIMES),
    st.lists(st.integers(0, 3 * 24 * 60), min_size=5, max_size=5),
    st.sampled_from([BERLIN, ZoneInfo("Australia/Lord_Howe")]),
)
def test_each_instant_of_a_stretch_has_the_programme_that_the_schedule_says(
    parts: list[Daypart],
    times: Times,
    minutes: list[int],
    zone: ZoneInfo,
) -> None:
    whole, until = with_times(release(parts), times), SUNDAY + timedelta(days=3)
    found = list(stretches(whole, zone, SUNDAY, until))
    edges = [stretch.starts_at for stretch in found] + [until]
    assert edges[0] == SUNDAY
    assert [stretch.programme.until for stretch in found] == edges[1:]
    assert all(before < after for before, after in pairwise(edges))
    for at in [*edges[:-1], *(SUNDAY + timedelta(minutes=each) for each in minutes if each < 3 * 24 * 60)]:
        stretch = next(one for one in found if at < one.programme.until)
        expected = programme_at(whole, zone, at)
        assert (stretch.programme.playlist, stretch.programme.daypart) == (expected.playlist, expected.daypart)
        assert (stretch.programme.why, stretch.programme.passed) == (expected.why, expected.passed)
        assert set(stretch.opened) == {part for part in parts if programme_at(_alone(whole, part), zone, at).daypart}


def _alone(whole: Release, part: Daypart) -> Release:
    return with_times(whole.model_copy(update={"dayparts": (part,)}), {part.playlist: [(None, None)]})


def test_a_segment_names_the_others_that_are_open_and_why_they_are_not_on_air() -> None:
    lunch = daypart("lunch", "11:00", "14:00", priority=5)
    day, late = daypart("day", "08:00", "20:00"), daypart("late", "12:00", "20:00")
    found, more = segments(release([day, late, lunch]), BERLIN, local("2026-03-03T00:00"), local("2026-03-04T00:00"))
    assert not more
    shown = [
        (f"{one.starts_at.astimezone(BERLIN):%H:%M}", one.daypart, {each.id: each.why_told.code for each in one.others})
        for one in found
    ]
    assert shown == [
        ("00:00", None, {}),
        ("08:00", "day", {}),
        ("11:00", "lunch", {"day": "outranked"}),
        ("12:00", "lunch", {"late": "outranked", "day": "outranked"}),
        ("14:00", "late", {"day": "opened_earlier"}),
        ("20:00", None, {}),
    ]
    assert found[2].others[0].why_told.values == {"winner": "lunch", "priority": "5", "own": "0"}
    assert (found[0].playlist, found[0].why_told.code, found[1].why_told.code) == ("rest", "default", "daypart")


def test_no_more_segments_than_can_be_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [daypart(f"{hour}", f"{hour:02}:00", f"{hour:02}:30") for hour in range(24)]
    day = local("2026-03-03T00:00"), local("2026-03-04T00:00")
    monkeypatch.setattr(schedule_view, "MOST_VERDICTS", 10)
    found, more = segments(release(parts), BERLIN, *day)
    assert (len(found), more) == (10, True)
    all_day = daypart("whole", "00:00", "24:00")
    found, more = segments(release([*parts, all_day]), BERLIN, *day)
    assert (sum(1 + len(one.others) for one in found), more) == (9, True)  # the next one has 2
    monkeypatch.setattr(schedule_view, "MOST_OTHERS", 0)
    found, more = segments(release([*parts, all_day]), BERLIN, *day)
    assert (len(found), sum(one.more_others for one in found)) == (10, 5)
    monkeypatch.setattr(schedule_view, "MOST_VERDICTS", 1)
    assert len(segments(release([*parts, all_day]), BERLIN, *day)[0]) == 1


def test_an_instant_says_why_of_all_dayparts_and_items() -> None:
    noon = local("2026-03-03T12:00")
    parts = [daypart("empty", "08:00", "20:00", priority=2), daypart("sold", "08:00", "20:00", priority=1)]
    parts += [daypart("day", "08:00", "20:00"), daypart("night", "20:00", "08:00")]
    parts += [daypart("once", "08:00", "09:00", last_day=date(2026, 1, 1))]
    times: Times = {"empty": [], "sold": [(None, noon)], "day": [(None, None), (noon + timedelta(hours=1), None)]}
    found = on_air_then(with_times(release(parts), times), BERLIN, noon)
    assert (found.playlist, found.daypart_name, found.why_told.code) == ("day", "day", "daypart_after_others")
    assert {one.id: one.why_told.code for one in found.dayparts} == {
        "empty": "no_items",
        "sold": "no_item_now",
        "day": "daypart_after_others",
        "night": "closed",
        "once": "closed_for_long",
    }
    assert [(one.on, one.why_told.code) for one in found.items] == [(True, "item"), (False, "starts_later")]
    assert (found.items_on, found.items_off) == (1, 1)
    assert all(ON_AIR.say(one.why_told.code, **one.why_told.values) == one.why for one in found.dayparts)
    assert found.until == local("2026-03-03T20:00")
    assert on_air_then(release([]), BERLIN, noon).until is None
