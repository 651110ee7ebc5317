"""Whether a line can come on at all: something is on air in its time, for long enough, and a break of ads comes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sync.programme.bookings.shortfalls import Shortfall, never_open
from sync.programme.schedule import programme_at
from sync.programme.weekly_windows import HORIZON, window_state
from sync.wire.release import Campaign, Line, LocalWindow, Release

_MOST_WORK = 10_000
_ASK_SCHEDULE, _ASK_WINDOWS = 10, 1
"""What a question takes, in tenths of a millisecond; after `_MOST_WORK`, a second, no flight is judged any more."""

_NO_TIME = timedelta(0)

_Stretch = tuple[datetime, datetime, str | None]
"""From when to when a playlist is on air, by its id; None: nothing is."""


@dataclass(slots=True)
class Airtime:
    """What a channel shows beside ads, from `begins` on: the dayparts and playlists of `release`.

    `break_ms`: how long it takes from one break to the next, by playlist. `shortest_ms`: how long the shortest creative
    takes, by line. What is not known is in neither.
    """

    release: Release
    zone: ZoneInfo
    begins: datetime
    break_ms: Mapping[str, int]
    shortest_ms: Mapping[str, int]
    _has_dates: bool = field(init=False)
    _work: int = 0
    _stretches: list[_Stretch] = field(default_factory=list)
    _states: dict[tuple[tuple[LocalWindow, ...], datetime], tuple[bool, datetime]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dated = {one.id for one in self.release.playlists if any(item.starts_at or item.ends_at for item in one.items)}
        parts = self.release.dayparts
        self._has_dates = any(each.first_day or each.last_day or each.playlist in dated for each in parts)

    def shortfall(self, campaign: Campaign, line: Line, begins: datetime) -> Shortfall | None:
        """Return why a line of a flight that `begins` then is never shown; None if it is, or that is not known.

        What repeats every week is judged by the first `HORIZON` of a flight, dayparts or items with dates by all of it.
        """
        ends = campaign.ends_at if self._has_dates else min(campaign.ends_at, begins + HORIZON)
        goes_on = ends < campaign.ends_at
        if goes_on and not self.release.dayparts:  # the default playlist is always on air
            return None
        shortest = timedelta(milliseconds=self.shortest_ms.get(line.id, 0))
        longest, time, between = _NO_TIME, _NO_TIME, None
        for opens, closes, until, playlist in self._open(line.windows, begins, ends):
            longest = max(longest, until - opens)
            if until - opens >= shortest:
                break_every = timedelta(milliseconds=self.break_ms.get(playlist, 0))
                between = min(between or break_every, break_every)
                time += closes - opens
                if goes_on or time >= between:
                    return None
        if self._work >= _MOST_WORK:
            return None
        return never_open(campaign, line, begins, *_why(line, shortest, longest, time, between))

    def _open(
        self, windows: tuple[LocalWindow, ...], begins: datetime, ends: datetime
    ) -> Iterator[tuple[datetime, datetime, datetime, str]]:
        """Yield from when to when these windows are open while a playlist is on air, when that ends, and its id."""
        for begin, until, playlist in self._on_air(begins, ends):
            opens, end = max(begin, begins), min(until, ends)
            while playlist is not None and opens < end and self._work < _MOST_WORK:
                is_open, changes = self._state(windows, opens) if windows else (True, end)
                if is_open:
                    yield opens, min(changes, end), until, playlist
                opens = changes

    def _state(self, windows: tuple[LocalWindow, ...], at: datetime) -> tuple[bool, datetime]:
        if (windows, at) not in self._states:
            self._work += _ASK_WINDOWS
            self._states[windows, at] = window_state(windows, self.zone, at)
        return self._states[windows, at]

    def _on_air(self, begins: datetime, ends: datetime) -> Iterator[_Stretch]:
        """Yield what is on air in this time."""
        for stretch in self._stretches:
            if begins < stretch[1]:
                if stretch[0] >= ends:
                    return
                yield stretch
        at = self._stretches[-1][1] if self._stretches else self.begins
        while at < ends and self._work < _MOST_WORK:
            self._work += _ASK_SCHEDULE
            programme = programme_at(self.release, self.zone, at)
            self._stretches.append((at, programme.until, programme.playlist.id if programme.playlist else None))
            at = programme.until
            if begins < at:
                yield self._stretches[-1]


def _why(
    line: Line, shortest: timedelta, longest: timedelta, time: timedelta, between: timedelta | None
) -> tuple[str, str]:
    """Return why a line is never shown, and what would help."""
    if not longest:
        when = "while its windows are open" if line.windows else "during its flight"
        return (
            f"is never shown: nothing is on air {when}.",
            "Give the channel a playlist for that time, or the line another time.",
        )
    if between is None:
        why = f"is never shown: its ads take {_seconds(shortest)} or more, and what is on air then ends after "
        return f"{why}{_seconds(longest)}.", "Give it a shorter creative, or the daypart more time."
    why = f"may never be shown: it has {_seconds(time)} in all, and a break comes every {_seconds(between)}."
    return why, "Make its windows or its flight longer, or breaks more frequent."


def _seconds(time: timedelta) -> str:
    return f"{time.total_seconds():g} s"
