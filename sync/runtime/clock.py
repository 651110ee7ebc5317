"""Time: wall clock, monotonic clock, sleeping, and the waits between tries. No other file reads the time.

Wall time decides *what* plays; monotonic time measures *how long* it played. The monotonic clock is CLOCK_BOOTTIME:
it includes suspend, never steps, and is the same in every process of a device.
"""

import ctypes
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from random import Random
from typing import Protocol
from uuid import UUID

_TIMESYNC_MARK = Path("/run/systemd/timesync/synchronized")
_CHRONY_MARK = Path("/run/chrony/chronyd.pid")
_KERNEL_LIMIT_US = 16_000_000  # of the error that the kernel admits; it stays there until a time service sets the clock
_KERNEL_GROWTH_US = 500  # a second: that error, since a time service set it to almost nothing (MAXFREQ of the kernel)
_HELD_OVER_S = 7_200.0  # of three or more missed polls: systemd-timesyncd asks every 34 minutes, chrony every 17
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def unix_ms(at: datetime) -> int:
    """Return an instant as whole milliseconds since 1970 UTC, rounded down."""
    return (at - _EPOCH) // _MILLISECOND


def instant(ms: int) -> datetime:
    """Return milliseconds since 1970 as an aware UTC instant; the inverse of `unix_ms`."""
    return _EPOCH + timedelta(milliseconds=ms)


def give_way() -> None:
    """Let the event loop run at once if it waits for this thread, and not after 5 ms; for long work in Python code."""
    time.sleep(0)


OFFLINE_WAIT_S = 15.0
"""The longest wait between tries while nothing leaves this machine."""


class ClockTrust(StrEnum):
    """How far the wall clock can be trusted."""

    SYNCED = "synced"  # a time service has set it
    UNSYNCED = "unsynced"  # no time service has set it; it may still be right


class ClockState(StrEnum):
    """What keeps the wall clock right."""

    NEVER_SET = "never_set"  # no time service has set it since boot
    HELD_OVER = "held_over"  # one has, but not for two hours: it runs on by itself
    SYNCHRONISED = "synchronised"


def clock_state(trust: ClockTrust, age_s: float | None) -> ClockState:
    """Return the state of a clock that was last set `age_s` seconds ago; None: nobody knows when."""
    if trust is ClockTrust.UNSYNCED:
        return ClockState.NEVER_SET
    return ClockState.HELD_OVER if age_s is not None and age_s > _HELD_OVER_S else ClockState.SYNCHRONISED


@cache
def boot_id() -> str:
    """Return the id of this start of the machine in 32 hex digits, as `journalctl --list-boots` has it; empty: unknown.

    `Clock.monotonic` counts from it.
    """
    try:
        return UUID(_BOOT_ID.read_text().strip()).hex
    except (OSError, ValueError):
        return ""


class Clock(Protocol):
    """The interface to time."""

    def now(self) -> datetime:
        """Return the wall clock as an aware UTC instant."""

    def monotonic(self) -> float:
        """Return seconds since boot; never goes back."""

    def trust(self) -> ClockTrust:
        """Return whether a time service has set the wall clock."""

    def set_ago_s(self) -> float | None:
        """Return how many seconds ago a time service last set the wall clock, or a little more; None: not known."""

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`; do not wait if that is zero or less."""


class SystemClock:
    """The clock of this machine."""

    def __init__(self) -> None:
        self._was_synced = False
        self._set_s: float | None = None  # when it was last set

    def now(self) -> datetime:
        """Return the wall clock as an aware UTC instant."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since boot, suspend included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def suspended(self) -> float:
        """Return how many seconds since boot this machine was suspended."""
        return self.monotonic() - time.clock_gettime(time.CLOCK_MONOTONIC)

    def trust(self) -> ClockTrust:
        """Return SYNCED once a time service has set the clock since boot.

        systemd-timesyncd leaves a mark. Of the others (chrony, ntpd) the kernel knows, which `timedatectl` asks too.
        Where it may not be asked (a container), chrony counts while it runs.
        """
        if self._was_synced or _exists(_TIMESYNC_MARK):
            return ClockTrust.SYNCED
        kernel_error_us = _kernel_error_us()
        synced = _exists(_CHRONY_MARK) if kernel_error_us is None else kernel_error_us < _KERNEL_LIMIT_US
        self._was_synced = synced  # without a network the kernel's error grows to the limit within nine hours
        return ClockTrust.SYNCED if synced else ClockTrust.UNSYNCED

    def set_ago_s(self) -> float | None:
        """Return how many seconds ago the wall clock was last set, as far as the kernel or systemd-timesyncd tell.

        A time service brings the kernel's error close to 0, from where it grows evenly; after nine hours it ends at
        its limit, and what was seen before counts. systemd-timesyncd touches its mark each time.
        """
        now_s, error_us, ages_s = self.monotonic(), _kernel_error_us(), list[float]()
        if error_us is not None and error_us < _KERNEL_LIMIT_US:
            ages_s.append(error_us / _KERNEL_GROWTH_US)
        with suppress(OSError):
            ages_s.append(time.time() - _TIMESYNC_MARK.stat().st_mtime)
        set_s = [now_s - age_s for age_s in ages_s if age_s >= 0] + [self._set_s]  # it may have been set back since
        self._set_s = max((each for each in set_s if each is not None), default=None)
        return None if self._set_s is None else now_s - self._set_s

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`."""
        import asyncio  # not at the top: a deck, which has no event loop, starts sooner without it

        await asyncio.sleep(max(0.0, seconds))

    def wait(self, seconds: float) -> None:
        """Block this thread for `seconds`. For worker threads and deck processes only."""
        time.sleep(max(0.0, seconds))


class _Timex(ctypes.Structure):
    """The head of `struct timex` of adjtimex(2), with room for the rest; nothing is changed while `modes` is 0."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 512),
    )


def _kernel_error_us() -> int | None:
    """Return by how much the wall clock may be wrong, in microseconds, as the kernel knows; None: it does not say."""
    timex = _Timex()
    refused = ctypes.CDLL(None).adjtimex(ctypes.byref(timex)) < 0
    return None if refused else int(timex.maxerror)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # its folder is not for us
        return False


class Backoff:
    """Exponential waits with full jitter: each is uniform in [0, min(limit, first * 2^n)].

    Full jitter spreads the tries of devices that lost their origin at one moment (Brooker, "Exponential Backoff And
    Jitter", 2015).
    """

    def __init__(self, *, first_s: float, limit_s: float, rng: Random) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._rng = rng
        self._failures = 0

    def next_s(self, *, at_least_s: float = 0.0, offline: bool = False) -> float:
        """Count one more failure and return how long to wait, at least `at_least_s` (of a Retry-After header).

        While this machine is `offline` a try costs nobody anything, and a network that comes late is used soon.
        """
        limit_s = min(self._limit_s, OFFLINE_WAIT_S) if offline else self._limit_s
        ceiling_s = min(limit_s, self._first_s * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return max(at_least_s, self._rng.uniform(0.0, ceiling_s))

    def reset(self) -> None:
        """Start again with the first wait, after a success."""
        self._failures = 0
