"""The limits of a transfer: how long each step may take, how slow a body may be, and when a request may be sent."""

import math
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

from sync.runtime.clock import Clock, SystemClock

LEAST_BYTES_S = 1000
"""A body that is slower for a whole window is given up, also where nothing else waits."""

SHARE_OF_USUAL = 0.1
"""While other work waits, a body below this share of what requests usually reach is given up."""

MOST_WINDOWS = 2
"""After so many windows a request makes room for work that waits; what it received stays."""

LEAST_BURST_BYTES = 256 * 1024
"""Under a limit of rate, the bytes under way and the tokens saved are each at most this, or `BURST_S` of the rate."""

BURST_S = 0.5
MOST_CONNECTIONS = 4  # under a limit of rate; with less than two bursts of the least size, one

MOST_REFUSED = 8
"""As many assets wait by themselves because their own files cannot be used; of more the folder or disk is at fault."""

LOOK_S = 30.0
"""How often the limits are looked up, for settings and clocks change."""

BUDGET_REQUEST_BYTES = 128 * 1024
"""Under a budget of the month a request is this long at most, for it is counted before it comes: eight are 1 MiB."""

_OTHERS_S = 0.2  # the wait for requests that may use up the rest of the budget


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long the steps of one request may take, in seconds of the real clock."""

    connect_s: float = 10.0  # name, TCP and, once more, TLS with a proxy before it
    head_s: float = 20.0  # from the request to the end of the headers, with all `1xx` answers before them
    silence_s: float = 20.0  # between two pieces of a body
    window_s: float = 20.0  # over which the speed of a body is measured


DEADLINES = Deadlines()


_CLOCK = SystemClock()


class Deadline:
    """A moment by the clock of this machine, for sockets: these wait in real time."""

    def __init__(self, seconds: float) -> None:
        self._until = _CLOCK.monotonic() + seconds

    def left_s(self) -> float:
        """Return the seconds left; raises TimeoutError if there are none."""
        left = self._until - _CLOCK.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def why_given_up(bytes_s: float, usual_bytes_s: float, *, work_waits: bool) -> str:
    """Return why a body is given up, by its speed in the last window; empty if it goes on.

    `usual_bytes_s` is what the last requests to the same source reached, 0 if that is not known.
    """
    if bytes_s < LEAST_BYTES_S:
        return f"slower than {LEAST_BYTES_S} bytes a second"
    if work_waits and bytes_s < usual_bytes_s * SHARE_OF_USUAL:
        return f"{bytes_s / 1000:,.1f} kB/s, where {usual_bytes_s / 1000:,.0f} kB/s are usual"
    return ""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """How many bytes of media a second may come at an instant; infinite: any number, 0: nothing is asked for.

    `all_bytes_s` counts all sources, `line_bytes_s` those outside the venue. They hold until `until`, None: for good.
    """

    all_bytes_s: float = math.inf
    line_bytes_s: float = math.inf
    until: datetime | None = None

    @property
    def is_none(self) -> bool:
        """Whether nothing is limited now."""
        return math.isinf(self.all_bytes_s) and math.isinf(self.line_bytes_s)


NO_LIMITS = RateLimits()


class TokenBucket:
    """Holds one rate, in bytes a second: a request takes its tokens before it is sent.

    Buffers of the kernel fill at the speed of the line, so reading slowly would limit nothing. Tokens saved and bytes
    under way are each at most one `burst`: in any time of `t` seconds come at most `t` times the rate and two bursts.
    """

    def __init__(self, rate: float, now_s: float) -> None:
        self._rate = rate
        self._tokens = self.burst
        self._at_s = now_s
        self._under_way = 0

    @property
    def burst(self) -> float:
        """The most tokens that are saved; also the most bytes under way."""
        return max(LEAST_BURST_BYTES, self._rate * BURST_S)

    @property
    def most_connections(self) -> float:
        """How many requests may be under way."""
        return math.inf if math.isinf(self._rate) else max(1, min(MOST_CONNECTIONS, self.burst // LEAST_BURST_BYTES))

    @property
    def most_bytes(self) -> float:
        """How long a request may be."""
        return self.burst / self.most_connections if math.isfinite(self._rate) else math.inf

    def set_rate(self, rate: float, now_s: float) -> None:
        """Change the rate; what was saved under the former one counts up to one burst of the new one."""
        self._refill(now_s)
        self._rate = rate
        self._tokens = min(self._tokens, self.burst)

    def wait_s(self, length: int, now_s: float) -> float:
        """Return how long a request has to wait; infinite at a rate of 0."""
        self._refill(now_s)
        if math.isinf(self._rate):
            return 0.0
        if self._rate <= 0:
            return math.inf
        needed = min(length, self.most_bytes)
        over = self._under_way + needed - self.burst if self._under_way else 0.0  # these have to end first
        missing = max(needed - self._tokens, over)
        return missing / self._rate if missing >= 1 else 0.0  # less is an error of rounding

    def take(self, length: int) -> None:
        """Take the tokens of a request that is sent now."""
        self._under_way += length
        if math.isfinite(self._rate):
            self._tokens -= length

    def ended(self, asked: int, received: int, now_s: float) -> None:
        """Give back the tokens of bytes that did not come, or take those of bytes that nobody had asked for."""
        self._under_way -= asked
        if math.isfinite(self._rate):
            self._refill(now_s)
            self._tokens = min(self.burst, self._tokens + asked - received)

    def _refill(self, now_s: float) -> None:
        added, self._at_s = self._rate * max(0.0, now_s - self._at_s), now_s
        if added > 0:  # infinity times no time is not a number
            self._tokens = min(self.burst, self._tokens + added)


class RateLimiter:
    """Holds limits of rate: one for all sources, one for those outside the venue. Threads ask it, by a source's URL.

    `limits` tells what holds at present; `in_venue` are hosts of sources that do not use the line of the venue;
    `left_for` how many bytes the budget of the month has for a release; `plays` whether something is on air, to which
    threads leave the processor. None of these may block. `ahead` counts bytes on the disk before they come, and takes
    back what it returned; that blocks.
    """

    def __init__(
        self,
        clock: Clock,
        limits: Callable[[], RateLimits] = lambda: NO_LIMITS,
        in_venue: Callable[[], Collection[str]] = frozenset,
        left_for: Callable[[str], float] = lambda _: math.inf,
        plays: Callable[[], bool] = lambda: False,
        ahead: tuple[Callable[[int], int], Callable[[int], None]] = (lambda _: 0, lambda _: None),
    ) -> None:
        self.plays = plays
        self._reserve, self.give_back = ahead
        self.release = ""
        """The release whose media are fetched."""
        self._left_for = left_for
        self._promised = 0  # bytes of the budget that requests under way may have
        self._clock = clock
        self._look = limits
        self._in_venue = in_venue
        self._lock = threading.Lock()
        self._limits = NO_LIMITS
        self._free = True  # of limits: most devices have none
        self._hosts_in_venue = in_venue()
        self._next_look_s = -math.inf
        now_s = clock.monotonic()
        self._all, self._line = TokenBucket(math.inf, now_s), TokenBucket(math.inf, now_s)

    def wait_s(self, source: str, length: int) -> float:
        """Return how long a request has to wait, at most until the limits are looked up again.

        0: its tokens are taken, it is sent now, and `ended` follows.
        """
        with self._lock:
            now_s, buckets = self._update(), self._buckets(source)
            room = self._room(source)
            wait_s = 0.0 if room >= length else _OTHERS_S if self._promised else math.inf
            if not self._free:
                wait_s = max(wait_s, *(bucket.wait_s(length, now_s) for bucket in buckets))
            if math.isinf(wait_s):
                self._next_look_s = now_s
                self._update()
            if wait_s <= 0:
                for bucket in buckets:
                    bucket.take(length)
                self._promised += length if math.isfinite(room) else 0
            return 0.0 if wait_s <= 0 else min(wait_s, self._next_look_s - now_s)

    def ended(self, source: str, asked: int, received: int) -> None:
        """Settle a request for which `wait_s` returned 0, by the bytes that came, also those of no use."""
        with self._lock:
            now_s = self._update()
            for bucket in self._buckets(source):
                bucket.ended(asked, received, now_s)
            if self._promised and not self._is_local(source):
                self._promised -= min(asked, self._promised)

    def most_bytes(self, source: str) -> int | None:
        """Return how many bytes one request may ask for; None: any number."""
        with self._lock:
            self._update()
            room = self._room(source)
            if math.isfinite(room):
                room = max(1, min(room, BUDGET_REQUEST_BYTES))
            most = room if self._free else min(*(bucket.most_bytes for bucket in self._buckets(source)), room)
            return None if math.isinf(most) else int(most)

    def reserve(self, source: str, asked: int) -> int:
        """Count a request on the disk before it is sent; return what to `give_back` when it has ended. Blocks."""
        return self._reserve(asked) if math.isfinite(self._room(source)) else 0

    def most_connections(self, source: str) -> float:
        """Return how many requests may be under way; infinite: any number."""
        with self._lock:
            self._update()
            return min(bucket.most_connections for bucket in self._buckets(source))

    def is_spent(self, source: str) -> bool:
        """Return whether nothing may come from a source because the budget of the month is spent."""
        return self._left_for(self.release) <= 0 and not self._is_local(source)

    def look_again(self) -> None:
        """Look up the limits at the next question: they have changed."""
        with self._lock:
            self._next_look_s = -math.inf

    def in_force(self) -> RateLimits:
        """Return the limits that hold now."""
        with self._lock:
            self._update()
            return self._limits

    def _buckets(self, source: str) -> tuple[TokenBucket, ...]:
        return (self._all,) if self._is_local(source) else (self._all, self._line)

    def _is_local(self, source: str) -> bool:
        return _host(source) in self._hosts_in_venue

    def _room(self, source: str) -> float:
        """Return what requests that are sent now may have of the budget."""
        left = self._left_for(self.release)
        return math.inf if math.isinf(left) or self._is_local(source) else left - self._promised

    def _update(self) -> float:
        """Look up the limits if it is time; return the time."""
        now_s = self._clock.monotonic()
        if now_s >= self._next_look_s:
            self._limits = found = self._look()
            self._hosts_in_venue = self._in_venue()
            self._free = found.is_none
            left_s = LOOK_S if found.until is None else (found.until - self._clock.now()).total_seconds()
            self._next_look_s = now_s + max(0.05, min(LOOK_S, left_s))
            self._all.set_rate(found.all_bytes_s, now_s)
            self._line.set_rate(found.line_bytes_s, now_s)
        return now_s


@lru_cache(maxsize=64)
def _host(url: str) -> str | None:
    return urlsplit(url).hostname
