"""Weekly windows in the local time of a venue: whether they are open, since when, and until when.

A window is given in the wall-clock time of the venue. An instant is converted to local time; local times are not
converted back by arithmetic. So an hour that daylight saving repeats is open twice, one that it skips is not open at
all, and a window whose start is skipped opens at the jump. Between two changes of the offset local time runs straight;
`until` is computed within these stretches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from sync.wire.release import Daypart, LocalWindow

HORIZON = timedelta(days=8)
"""How far ahead a change is searched for; an answer that far away only means that nothing changes before."""

FARTHEST = timedelta(days=3650)
"""What starts later than that counts as never: a week cannot be added to the last dates there are."""

NEVER = datetime.max.replace(tzinfo=UTC)

Times = list[tuple[datetime, datetime]]
"""When something is so: `begins <= t < ends`, in order."""

_SAMPLE = timedelta(hours=12)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A time with one offset from UTC: `begins <= t < ends`."""

    begins: datetime
    ends: datetime
    offset: timedelta


@dataclass(frozen=True, slots=True)
class WeeklySpan:
    """A window in numbers: when it starts after local midnight, and how long it lasts by the wall clock."""

    weekdays: frozenset[int]
    start: timedelta
    length: timedelta
    first_day: date = date.min
    last_day: date = date.max

    def begins_on(self, day: date) -> datetime | None:
        """Return when it starts on a local day, None if not on this day."""
        if day.isoweekday() not in self.weekdays or not self.first_day <= day <= self.last_day:
            return None
        return datetime.combine(day, datetime.min.time()) + self.start

    def closes(self, wall: datetime) -> datetime | None:
        """Return the end of the run that includes `wall`, None when closed; the later end if two runs overlap."""
        begins = self._run(wall)
        return None if begins is None else begins + self.length

    def opened(self, wall: datetime) -> datetime | None:
        """Return since when it is open without a break at `wall`, None when closed."""
        begins = self._run(wall)
        if begins is None or self.length < _DAY:
            return begins
        if len(self.weekdays) == 7:
            return datetime.combine(self.first_day, datetime.min.time()) + self.start
        while self.begins_on((before := begins - _DAY - self.start).date()) == begins - _DAY:
            begins = before + self.start
        return begins

    def _run(self, wall: datetime) -> datetime | None:
        for day in (wall.date(), wall.date() - _DAY):  # a run is at most 24 hours long
            begins = self.begins_on(day)
            if begins is not None and begins <= wall < begins + self.length:
                return begins
        return None

    def opens(self, wall: datetime, limit: datetime) -> datetime | None:
        """Return the next start after `wall` and before `limit`."""
        day = max(wall.date(), self.first_day)
        while day <= min(limit.date(), self.last_day):
            begins = self.begins_on(day)
            if begins is not None and wall < begins:
                return begins if begins < limit else None
            day += _DAY
        return None


class VenueTime:
    """Local time at a venue from `at` to before `limit`."""

    def __init__(self, zone: ZoneInfo, at: datetime, limit: datetime) -> None:
        around = _stretches(zone, _midnight(at), _midnight(min(limit, NEVER - _DAY)) + _DAY)
        self._stretches = [each for each in around if at < each.ends and each.begins < limit]

    def wall(self, at: datetime) -> datetime:
        """Return an instant by the clock on the wall, without a zone."""
        return _wall(at, next(stretch for stretch in self._stretches if at < stretch.ends))

    def open_state(self, spans: Sequence[WeeklySpan], at: datetime, limit: datetime) -> tuple[bool, datetime]:
        """Return whether any of `spans` is open at `at`, and until when that is so, at most until `limit`."""
        opened: bool | None = None
        for stretch in self._stretches:
            begins = max(at, stretch.begins)
            if begins >= limit:
                break
            if begins >= stretch.ends:
                continue
            wall, end = _wall(begins, stretch), _wall(min(stretch.ends, limit), stretch)
            is_open = any(span.closes(wall) for span in spans)
            if opened is not None and is_open != opened:
                return opened, begins
            opened = is_open
            edge = _closing(spans, wall, end) if opened else _opening(spans, wall, end)
            if edge is not None:
                return opened, (edge - stretch.offset).replace(tzinfo=UTC)
        return bool(opened), limit


def window_state(windows: Sequence[LocalWindow], zone: ZoneInfo, at: datetime) -> tuple[bool, datetime]:
    """Return whether any of `windows` is open, and until when that is so (UTC, at most `HORIZON` away).

    No windows mean always open.
    """
    at = at.astimezone(UTC)
    until = at + HORIZON
    if not windows:
        return True, until
    return VenueTime(zone, at, until).open_state([span_of(window) for window in windows], at, until)


def joined(times: Iterable[tuple[datetime, datetime]]) -> Times:
    """Return `times` in order, those that overlap or touch as one."""
    found: Times = []
    for begins, ends in sorted(times):
        if found and begins <= found[-1][1]:
            found[-1] = found[-1][0], max(ends, found[-1][1])
        else:
            found.append((begins, ends))
    return found


def _closing(spans: Sequence[WeeklySpan], wall: datetime, limit: datetime) -> datetime | None:
    while wall < limit:
        ends = [end for end in (span.closes(wall) for span in spans) if end is not None]
        if not ends:
            return wall
        wall = max(ends)
    return None


def _opening(spans: Sequence[WeeklySpan], wall: datetime, limit: datetime) -> datetime | None:
    starts = [start for start in (span.opens(wall, limit) for span in spans) if start is not None]
    return min(starts, default=None)


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _wall(at: datetime, stretch: _Stretch) -> datetime:
    return at.replace(tzinfo=None) + stretch.offset


def span_of(window: LocalWindow) -> WeeklySpan:
    """Return a window in numbers."""
    start, end = _since_midnight(window.start), _since_midnight(window.end)
    length = end - start if end > start else end - start + _DAY
    if not isinstance(window, Daypart):
        return WeeklySpan(frozenset(window.weekdays), start, length)
    first, last = window.first_day or date.min, window.last_day or date.max
    return WeeklySpan(frozenset(window.weekdays), start, length, first, last)


def _since_midnight(time: str) -> timedelta:
    return timedelta(hours=int(time[:2]), minutes=int(time[3:]))


@lru_cache(maxsize=64)
def _stretches(zone: ZoneInfo, at: datetime, until: datetime) -> Sequence[_Stretch]:
    """Return the stretches from `at` to `until`; each decision of a day asks for the same."""
    found: list[_Stretch] = []
    begins, probe = at, at
    while begins < until:
        offset = _offset(zone, begins)
        while probe < until and _offset(zone, probe) == offset:
            probe = min(probe + _SAMPLE, until)
        ends = until if _offset(zone, probe) == offset else _transition(zone, begins, probe, offset)
        found.append(_Stretch(begins, ends, offset))
        begins = probe = ends
    return found


def _transition(zone: ZoneInfo, before: datetime, after: datetime, offset: timedelta) -> datetime:
    # Transitions lie on whole seconds; `before` still has the old offset, `after` no longer.
    low, high = int(before.timestamp()), int(after.timestamp()) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, datetime.fromtimestamp(middle, UTC)) == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)
