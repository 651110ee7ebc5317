"""A time by the clock of a venue is one instant, also where that clock jumps or is set back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import Rejected
from sync.origin.publishing.planned.venue_instant import ClockChange, venue_instant


@pytest.mark.parametrize(
    ("zone", "local", "at", "change", "remark"),
    [
        ("Europe/Berlin", "2026-12-24T18:00", "2026-12-24T17:00", None, None),
        ("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00", ClockChange.SKIPPED, "it is done at 03:00"),
        ("Europe/Berlin", "2026-03-29T02:59", "2026-03-29T01:00", ClockChange.SKIPPED, "it is done at 03:00"),
        ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00", None, None),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30", ClockChange.REPEATED, "shows 02:30 twice that day"),
        ("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00", None, None),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30", ClockChange.SKIPPED, "it is done at 02:30"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00", ClockChange.SKIPPED, "it is done at 00:00"),
    ],
)
def test_an_hour_that_is_skipped_or_repeated_is_decided_as_for_dayparts_and_told(
    zone: str, local: str, at: str, change: ClockChange | None, remark: str | None
) -> None:
    asked, where = datetime.fromisoformat(local), ZoneInfo(zone)
    found = venue_instant(asked, where)
    assert (found.at, found.change) == (datetime.fromisoformat(at).replace(tzinfo=UTC), change)
    told = found.remark(asked, where)
    assert told is None if remark is None else remark in (told or "")


def test_the_ends_of_the_calendar_are_refused() -> None:
    with pytest.raises(Rejected):
        venue_instant(datetime.fromisoformat("0001-01-01"), ZoneInfo("Europe/Berlin"))


@given(
    st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2037-01-01")),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Tehran", "Australia/Lord_Howe", "Africa/Casablanca"]),
)
def test_each_time_that_the_clock_shows_is_shown_then_and_not_before(local: datetime, name: str) -> None:
    zone, asked = ZoneInfo(name), local.replace(second=0, microsecond=0)
    found = venue_instant(asked, zone)
    wall = found.at.astimezone(zone).replace(tzinfo=None)
    before = (found.at - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
    assert before < asked <= wall if found.change is ClockChange.SKIPPED else wall == asked
