"""Which playlist is on air and until when, and whether weekly windows are open.

A window is given in the wall-clock time of the venue. An instant is converted to local time; local times are not
converted back by arithmetic. So an hour that daylight saving repeats is open twice, one that it skips is not open at
all, and a window whose start is skipped opens at the jump. Between two changes of the offset local time runs straight;
`until` is computed within these stretches.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sync.wire.release import Daypart, LocalWindow, Playlist, Release

HORIZON = timedelta(days=8)
"""How far ahead a change is searched for; an answer that far away only means that nothing changes before."""

_SAMPLE = timedelta(hours=12)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Programme:
    """What is on air, why, and until when (exclusive, UTC).

    Before `until` the answer is the same. At `until` another daypart or the default follows, unless `until` is
    `HORIZON` away: then nothing may have changed. `playlist` is None when the release has nothing for this time.
    """

    playlist: Playlist | None
    daypart: Daypart | None
    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A time with one offset from UTC: `begins <= t < ends`."""

    begins: datetime
    ends: datetime
    offset: timedelta


@dataclass(frozen=True, slots=True)
class _Span:
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
        for day in (wall.date(), wall.date() - _DAY):  # a run is at most 24 hours long
            begins = self.begins_on(day)
            if begins is not None and begins <= wall < begins + self.length:
                return begins + self.length
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


def programme_at(release: Release, zone: ZoneInfo, at: datetime, *, timed: bool = True) -> Programme:
    """Return the programme at an instant: of the open dayparts the highest priority, then the smallest id.

    A daypart whose playlist is not in the release is ignored. Without a trusted clock (`timed=False`) only the default
    playlist plays, and `until` is the horizon: ask again when the clock is set.
    """
    at = at.astimezone(UTC)
    playlists = {playlist.id: playlist for playlist in release.playlists}
    default = playlists.get(release.default_playlist) if release.default_playlist else None
    if not timed:
        return Programme(default, None, at + HORIZON, "the clock is not set: the default playlist plays")
    ranked = sorted((d for d in release.dayparts if d.playlist in playlists), key=lambda d: (-d.priority, d.id))
    stretches = _stretches(zone, at, at + HORIZON)
    until = at + HORIZON
    for daypart in ranked:
        spans = (_span(daypart),)
        opened, changes = _state(spans, stretches, at, until)
        until = min(until, changes)
        if opened:
            return Programme(playlists[daypart.playlist], daypart, until, _reason(daypart))
    why = "no daypart is open: the default playlist plays" if default else "no daypart is open, and no default playlist"
    return Programme(default, None, until, why)


def window_state(windows: Sequence[LocalWindow], zone: ZoneInfo, at: datetime) -> tuple[bool, datetime]:
    """Return whether any of `windows` is open, and until when that is so (UTC, at most `HORIZON` away).

    No windows mean always open.
    """
    at = at.astimezone(UTC)
    until = at + HORIZON
    if not windows:
        return True, until
    return _state([_span(window) for window in windows], _stretches(zone, at, until), at, until)


def _reason(daypart: Daypart) -> str:
    return f"daypart {daypart.name}, {daypart.start} to {daypart.end}, priority {daypart.priority}"


def _state(
    spans: Sequence[_Span], stretches: Iterable[_Stretch], at: datetime, limit: datetime
) -> tuple[bool, datetime]:
    opened: bool | None = None
    for stretch in stretches:
        begins = max(at, stretch.begins)
        if begins >= limit:
            break
        wall, end = _wall(begins, stretch), _wall(min(stretch.ends, limit), stretch)
        is_open = any(span.closes(wall) for span in spans)
        if opened is not None and is_open != opened:
            return opened, begins
        opened = is_open
        edge = _closing(spans, wall, end) if opened else _opening(spans, wall, end)
        if edge is not None:
            return opened, (edge - stretch.offset).replace(tzinfo=UTC)
    return bool(opened), limit


def _closing(spans: Sequence[_Span], wall: datetime, limit: datetime) -> datetime | None:
    while wall < limit:
        ends = [end for end in (span.closes(wall) for span in spans) if end is not None]
        if not ends:
            return wall
        wall = max(ends)
    return None


def _opening(spans: Sequence[_Span], wall: datetime, limit: datetime) -> datetime | None:
    starts = [start for start in (span.opens(wall, limit) for span in spans) if start is not None]
    return min(starts, default=None)


def _wall(at: datetime, stretch: _Stretch) -> datetime:
    return at.replace(tzinfo=None) + stretch.offset


def _span(window: LocalWindow) -> _Span:
    start, end = _since_midnight(window.start), _since_midnight(window.end)
    length = end - start if end > start else end - start + _DAY
    if not isinstance(window, Daypart):
        return _Span(frozenset(window.weekdays), start, length)
    first, last = window.first_day or date.min, window.last_day or date.max
    return _Span(frozenset(window.weekdays), start, length, first, last)


def _since_midnight(time: str) -> timedelta:
    return timedelta(hours=int(time[:2]), minutes=int(time[3:]))


def _stretches(zone: ZoneInfo, at: datetime, until: datetime) -> list[_Stretch]:
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


def zone_of_venue(setting: str, release: str | None, system: str) -> tuple[ZoneInfo, str]:
    """Return the zone of the venue: of `venue.zone`, else of the release, else of this machine.

    With a problem if the release names a zone that is unknown here: then UTC is used.
    """
    try:
        return ZoneInfo(setting or release or system), ""
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC"), f"the release's time zone {release!r} is unknown here: UTC is used"


def unnamed_zone(release: Release, setting: str, zone: ZoneInfo) -> str:
    """Return the problem that weekly windows or dates are on air and nobody named the zone they are in; else ""."""
    windows = bool(release.dayparts) or any(line.windows for one in release.campaigns for line in one.lines)
    if setting or release.zone or not windows:
        return ""
    return (
        f"Dayparts and ad windows follow {zone.key}, the zone of this machine, because channel {release.channel} names "
        "no time zone: set the channel's zone, or venue.zone."
    )
