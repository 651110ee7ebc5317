"""The one door to time: wall clock, monotonic clock, sleeping, and how long to wait before trying again.

Wall time decides *what* plays; monotonic time measures *how long* it played. The monotonic clock is CLOCK_BOOTTIME:
it counts suspend, never steps, and is the same number in every process of a device.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Protocol

_TIMESYNC_MARK = Path("/run/systemd/timesync/synchronized")
_CHRONY_MARK = Path("/run/chrony/chronyd.pid")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def unix_ms(at: datetime) -> int:
    """Return an instant as whole milliseconds since 1970 UTC, cut off (a float would round some the wrong way)."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def instant(ms: int) -> datetime:
    """Return milliseconds since 1970 as an aware UTC instant: the way back from `unix_ms`."""
    return _EPOCH + timedelta(milliseconds=ms)


class ClockTrust(StrEnum):
    """How far the wall clock can be believed."""

    SYNCED = "synced"  # a time service says so
    UNSYNCED = "unsynced"  # nothing vouches for it; it may still be right


class Clock(Protocol):
    """What the rest of the project may know about time."""

    def now(self) -> datetime:
        """Return the wall clock as an aware UTC instant."""

    def monotonic(self) -> float:
        """Return seconds since boot; never goes back."""

    def trust(self) -> ClockTrust:
        """Tell whether a time service vouches for `now`."""

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`; not at all when that is zero or less."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the wall clock as an aware UTC instant."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since boot, suspend included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def trust(self) -> ClockTrust:
        """Believe systemd-timesyncd's mark, or a running chrony (which serves only once it has a source)."""
        known = _TIMESYNC_MARK.exists() or _CHRONY_MARK.exists()
        return ClockTrust.SYNCED if known else ClockTrust.UNSYNCED

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        await asyncio.sleep(max(0.0, seconds))

    def wait(self, seconds: float) -> None:
        """Block this thread for `seconds`: for worker threads and deck processes only."""
        time.sleep(max(0.0, seconds))


class Backoff:
    """Full-jitter exponential waits: each is uniform in [0, min(limit, first * 2^n)].

    Full jitter spreads a fleet that lost its origin at one instant (Brooker, "Exponential Backoff And Jitter", 2015).
    """

    def __init__(self, *, first_s: float, limit_s: float, rng: Random) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._rng = rng
        self._failures = 0

    def next_s(self, *, at_least_s: float = 0.0) -> float:
        """Return how long to wait after one more failure; `at_least_s` carries a Retry-After."""
        ceiling_s = min(self._limit_s, self._first_s * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return max(at_least_s, self._rng.uniform(0.0, ceiling_s))

    def reset(self) -> None:
        """Forget past failures: the thing works again."""
        self._failures = 0
