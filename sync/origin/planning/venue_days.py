"""Pure: days and hours by the clock on the wall of a venue. A day is a number: days since 1970-01-01."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate
from operator import truediv
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sync.runtime.clock import instant

DAY_MS = 24 * 3_600_000
_FIRST = date(1970, 1, 1)

Hours = tuple[float, ...]
"""A value for each hour of a day."""

_WHOLE: Hours = (1.0,) * 24
_MINUTE_MS = 60_000
_WHOLE_MINUTES_MS = 3 * 366 * DAY_MS  # from 1973 on all zones differ from UTC by whole minutes, and change at them
_STEP_MS = 15 * 60_000  # all zones of today differ from UTC by whole quarters of an hour
_FARTHEST_MS = 15 * 3_600_000  # and by less than 15 hours
_CALENDAR_MS = -62_135_596_800_000, 253_402_300_800_000  # the years 1 to 9999, of a clock that was wrong


@lru_cache(512)
def zone_named(name: str) -> ZoneInfo:
    """Return a zone; UTC for a name that is unknown here, as of a device with newer zones."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones
        return ZoneInfo("UTC")


def venue_hour(at_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    """Return the day and the hour (0 to 23) in which an instant is. The hour that a clock repeats is one hour."""
    return _hour_of_minute(at_ms // _MINUTE_MS, zone) if at_ms >= _WHOLE_MINUTES_MS else _hour_of(at_ms, zone)


@lru_cache(16_384)
def _hour_of_minute(minute: int, zone: ZoneInfo) -> tuple[int, int]:
    return _hour_of(minute * _MINUTE_MS, zone)


def _hour_of(at_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    try:
        local = instant(at_ms).astimezone(zone)
    except OverflowError:  # at either end of the calendar, of a clock that was wrong
        local = instant(at_ms)
    return day_number(local.date()), local.hour


def day_number(day: date) -> int:
    """Return the number of a day."""
    return (day - _FIRST).days


def date_of(day: int) -> date:
    """Return the day of a number."""
    return _FIRST + timedelta(days=day)


def around(day: int) -> tuple[int, int]:
    """Return from when to when it is this day in some zone (Unix milliseconds); the end is not included."""
    return day * DAY_MS - _FARTHEST_MS, (day + 1) * DAY_MS + _FARTHEST_MS


def _quarters(day: int) -> range:
    """Return the quarters of an hour (Unix milliseconds) that may be of this day."""
    begins, ends = around(day)
    return range(max(begins, _CALENDAR_MS[0]), min(ends, _CALENDAR_MS[1]), _STEP_MS)


@lru_cache(4_096)
def hour_lengths(day: int, zone: ZoneInfo) -> Mapping[int, int]:
    """Return how long each hour of a day is, in milliseconds: the one that a clock leaves out is not there."""
    quarters = (venue_hour(at_ms, zone) for at_ms in _quarters(day))
    found = Counter(hour for found_day, hour in quarters if found_day == day)
    return {hour: count * _STEP_MS for hour, count in found.items()}


@lru_cache(4_096)
def hour_ends(day: int, zone: ZoneInfo) -> tuple[int, ...]:
    """Return when each of the 24 hours of a day ends (Unix milliseconds); one that is left out has no length."""
    at_ms, lengths = day_span(day, zone)[0], hour_lengths(day, zone)
    return tuple(accumulate((lengths.get(hour, 0) for hour in range(24)), initial=at_ms))[1:]


@lru_cache(4_096)
def day_span(day: int, zone: ZoneInfo) -> tuple[int, int]:
    """Return from when to when it is this day (Unix milliseconds); the end is not included. Empty: it was left out."""
    inside = [at_ms for at_ms in _quarters(day) if venue_hour(at_ms, zone)[0] == day]
    return (inside[0], inside[-1] + _STEP_MS) if inside else (around(day)[0],) * 2


def active_hours(day: int, zone: ZoneInfo, since_ms: int, until_ms: int) -> Hours:
    """Return which part of each hour of a day is in this time."""
    begins_ms, ends_ms = day_span(day, zone)
    if since_ms <= begins_ms and ends_ms <= until_ms:
        return _WHOLE
    hours = [0] * 24
    spread(day, zone, since_ms, until_ms, hours)
    return parts_of_hours(day, zone, hours)


def parts_of_hours(day: int, zone: ZoneInfo, hours: Sequence[int]) -> Hours:
    """Return which part of each hour of a day these milliseconds are; of an hour that the day does not have, none."""
    return tuple(map(truediv, hours, _lengths(day, zone)))


@lru_cache(4_096)
def _lengths(day: int, zone: ZoneInfo) -> tuple[int, ...]:
    """Return how long each of the 24 hours of a day is; 1 of one that the day does not have."""
    return tuple(hour_lengths(day, zone).get(hour, 1) for hour in range(24))


def spread(day: int, zone: ZoneInfo, since_ms: int, until_ms: int, hours: list[int]) -> None:
    """Add the milliseconds of a time to the hours of a day in which they are; what is not on that day is left out."""
    at_ms, ends = max(since_ms, day_span(day, zone)[0]), hour_ends(day, zone)
    for hour in range(bisect_right(ends, at_ms), 24):
        if at_ms >= until_ms:
            return
        end_ms = min(until_ms, ends[hour])
        hours[hour] += end_ms - at_ms
        at_ms = end_ms
