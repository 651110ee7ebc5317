"""When to try again: after takes in a row that could not be shown, and after a network stream that failed.

A stream that fails is not a broken file: it may work again in a moment, so it is never quarantined. Failures of streams
are kept in memory only: after a start every stream is tried at once.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from random import Random

from sync.runtime.clock import Clock

_FREE_FAILURES = 10
_LONGEST_PAUSE_S = 60.0


class FailureBackoff:
    """Counts takes in a row that could not be shown; from the tenth on each costs a pause of 1 s, doubling to 60 s.

    `playlists` are those they are from: others may be shown during the pause.
    """

    def __init__(self, clock: Clock) -> None:
        self.failures = 0
        self.playlists: set[str] = set()
        self._clock = clock
        self._until_s = 0.0

    def record_failure(self, playlist: str | None) -> None:
        """Count one more, of a playlist."""
        self.failures += 1
        if playlist is not None:
            self.playlists.add(playlist)
        if self.failures >= _FREE_FAILURES:
            pause_s = min(_LONGEST_PAUSE_S, 2.0 ** min(self.failures - _FREE_FAILURES, 16))
            self._until_s = self._clock.monotonic() + pause_s

    def reset(self) -> None:
        """Forget all failures: something plays, or something changed."""
        self.failures = 0
        self.playlists.clear()
        self._until_s = 0.0

    def pause_s(self) -> float:
        """Return how many seconds to wait before the next try, 0 for none."""
        return max(0.0, self._until_s - self._clock.monotonic())


FIRST_S = 5.0
LONGEST_S = 300.0
_SPREAD = 0.25
_MARGIN_S = 0.01  # a caller that waits by the wall clock must not be a rounding too early

log = logging.getLogger(__name__)


def retry_wait_s(stream: str, failures: int, seed: int) -> float:
    """Return how long to wait after so many failures of a stream in a row: 5 s, doubling to 5 min.

    It varies by up to a quarter, so that not all screens of a wall try at once; the same arguments give the same time.
    """
    whole_s = min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 16))
    return whole_s * Random(f"{seed}:{stream}:{failures}").uniform(1 - _SPREAD, 1 + _SPREAD)


@dataclass(frozen=True, slots=True)
class StreamOutage:
    """A stream that failed `failures` times in a row, first at `since_s`; tried again at `retry_s` (monotonic)."""

    title: str
    failures: int
    since_s: float
    retry_s: float
    reason: str


class StreamBackoff:
    """The streams that failed and have not played since, by name; with `seed` each device has waits of its own."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._seed = seed
        self._outages: dict[str, StreamOutage] = {}

    def is_waiting(self, stream: str) -> bool:
        """Return whether a stream must not be tried now."""
        outage = self._outages.get(stream)
        return outage is not None and self._clock.monotonic() < outage.retry_s

    def waiting(self) -> frozenset[str]:
        """Return the streams not to be tried now."""
        return frozenset(stream for stream in self._outages if self.is_waiting(stream))

    def next_retry_s(self) -> float:
        """Return in how many seconds the next of them may be tried again; infinite if none waits."""
        now = self._clock.monotonic() - _MARGIN_S
        return min((self._outages[stream].retry_s - now for stream in self.waiting()), default=float("inf"))

    def outages(self) -> Mapping[str, StreamOutage]:
        """Return all streams that failed and have not played since."""
        return dict(self._outages)

    def record_failure(self, stream: str, title: str, reason: str) -> None:
        """Leave a stream out for a while; only the first failure in a row is logged."""
        now, before = self._clock.monotonic(), self._outages.get(stream)
        failures, since_s = (1, now) if before is None else (before.failures + 1, before.since_s)
        wait_s = retry_wait_s(stream, failures, self._seed)
        if before is None:
            log.warning("stream=%s title=%s failed, next try in %.0f s: %s", stream, title, wait_s, reason)
        self._outages[stream] = StreamOutage(title, failures, since_s, now + wait_s, reason)

    def record_success(self, stream: str) -> None:
        """Forget the failures of a stream that plays."""
        outage = self._outages.pop(stream, None)
        if outage is not None:
            down_s = self._clock.monotonic() - outage.since_s
            log.info("stream=%s title=%s plays again after %.0f s", stream, outage.title, down_s)

    def forget_except(self, streams: Collection[str]) -> None:
        """Forget the failures of all streams but these: what can never be shown again is no problem any more."""
        for stream in self._outages.keys() - set(streams):
            log.info("stream=%s title=%s has left the programme", stream, self._outages.pop(stream).title)

    def problems(self) -> tuple[str, ...]:
        """Return one sentence on each."""
        return tuple(f"the stream {outage.title} does not play: {outage.reason}" for outage in self._outages.values())
