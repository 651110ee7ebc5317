"""Which limits of bandwidth hold at an instant, and until when."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from player.settings.model import BandwidthSettings, BandwidthWindow
from sync.programme.weekly_windows import HORIZON, window_state


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Limits in kbit/s before `until` (exclusive, UTC); a limit of None is none, an end of None is none in sight."""

    all_kbit_s: int | None
    line_kbit_s: int | None
    until: datetime | None

    def bytes_s(self) -> tuple[float, float]:
        """Return both limits in bytes a second; infinite: no limit."""
        return _bytes_s(self.all_kbit_s), _bytes_s(self.line_kbit_s)


def bandwidth_at(settings: BandwidthSettings, zone: ZoneInfo, at: datetime, *, timed: bool = True) -> Bandwidth:
    """Return the limits at an instant: those of the first open window, else those outside all windows.

    Without a trusted clock (`timed=False`) no window is open. If nothing would be fetched then, the first limits count
    under which something is: a screen whose clock nobody sets gets new media, too.
    """
    if not timed:
        every: tuple[BandwidthSettings | BandwidthWindow, ...] = (settings, *settings.windows)
        usual = next((limits for limits in every if 0 not in (limits.all_kbit_s, limits.line_kbit_s)), settings)
        return Bandwidth(usual.all_kbit_s, usual.line_kbit_s, None)
    until = at + HORIZON
    for window in settings.windows:
        is_open, changes = window_state((window,), zone, at)
        until = min(until, changes)
        if is_open:
            return _limits(window, at, until)
    return _limits(settings, at, until)


def _bytes_s(kbit_s: int | None) -> float:
    return math.inf if kbit_s is None else kbit_s * 125.0


def _limits(limits: BandwidthSettings | BandwidthWindow, at: datetime, until: datetime) -> Bandwidth:
    return Bandwidth(limits.all_kbit_s, limits.line_kbit_s, None if until >= at + HORIZON else until)


def bandwidth_ahead(
    settings: BandwidthSettings, zone: ZoneInfo, at: datetime, *, timed: bool = True
) -> Iterator[Bandwidth]:
    """Yield the limits from `at` until the horizon, one after the other; without an end if nothing changes any more."""
    ends = at + HORIZON
    found = bandwidth_at(settings, zone, at, timed=timed)
    while found.until is not None and found.until < ends:
        following = bandwidth_at(settings, zone, found.until, timed=timed)
        if (following.all_kbit_s, following.line_kbit_s) == (found.all_kbit_s, found.line_kbit_s):
            found = following
            continue
        yield found
        found = following
    yield replace(found, until=found.until and ends)
