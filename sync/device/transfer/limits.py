"""The limits of a transfer: how long each step may take, how slow a body may be, and leave to send a request."""

from dataclasses import dataclass
from typing import Protocol

from sync.runtime.clock import SystemClock

LEAST_BYTES_S = 1000
"""A body that is slower for a whole window is given up, also where nothing else waits."""

SHARE_OF_USUAL = 0.1
"""While other work waits, a body below this share of what requests usually reach is given up."""

MOST_WINDOWS = 2
"""After so many windows a request makes room for work that waits; what it received stays."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long the steps of one request may take, in seconds of the real clock."""

    connect_s: float = 10.0  # name, TCP and, once more, TLS with a proxy before it
    head_s: float = 20.0  # from the request to the end of the headers, with all `1xx` answers before them
    silence_s: float = 20.0  # between two pieces of a body
    window_s: float = 20.0  # over which the speed of a body is measured


DEADLINES = Deadlines()


class Deadline:
    """A moment by the clock of this machine, for sockets: these wait in real time."""

    def __init__(self, seconds: float) -> None:
        self._clock = SystemClock()
        self._until = self._clock.monotonic() + seconds

    def left_s(self) -> float:
        """Return the seconds left; raises TimeoutError if there are none."""
        left = self._until - self._clock.monotonic()
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


class Limiter(Protocol):
    """What limits all transfers (bandwidth, windows of the day, budgets). Threads ask it; it must not block."""

    def wait_s(self, source: str, length: int) -> float:
        """Return how long a request for so many bytes has to wait; 0: it may be sent now."""

    def received(self, source: str, length: int) -> None:
        """Count bytes that were read, also those of no use."""


class Unlimited:
    """No limit."""

    def wait_s(self, source: str, length: int) -> float:
        """Return 0."""
        return 0.0

    def received(self, source: str, length: int) -> None:
        """Count nothing."""
