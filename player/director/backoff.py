"""When to try again: after takes in a row that could not be shown, and after a network stream that failed.

A stream that fails is not a broken file: it may come back in a moment, so it never goes into quarantine. What is known
lives as long as the player; after a start every stream is simply tried.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from sync.runtime.clock import Clock

_IN_A_ROW = 10
_LONGEST_BREATH_S = 60.0


class FailureBackoff:
    """Counts takes in a row that could not be shown; from the tenth on each costs a pause of 1 s doubling to 60 s."""

    def __init__(self, clock: Clock) -> None:
        self.misses = 0
        self._clock = clock
        self._until_s = 0.0

    def missed(self) -> None:
        """Count one more."""
        self.misses += 1
        if self.misses >= _IN_A_ROW:
            breath_s = min(_LONGEST_BREATH_S, 2.0 ** min(self.misses - _IN_A_ROW, 16))
            self._until_s = self._clock.monotonic() + breath_s

    def reset(self) -> None:
        """Forget it all: something plays, or something changed."""
        self.misses = 0
        self._until_s = 0.0

    def left_s(self) -> float:
        """Return how many seconds to wait before the next try, 0 for none."""
        return max(0.0, self._until_s - self._clock.monotonic())


FIRST_S = 5.0
LONGEST_S = 300.0
_SPREAD = 0.25
_MARGIN_S = 0.01  # who waits by another clock must not come back a rounding too early

log = logging.getLogger(__name__)


def away_s(stream: str, failures: int, seed: int) -> float:
    """Return for how long a stream is left alone after so many failures in a row: 5 s, doubling to 5 min.

    Varied by up to a quarter, alike for the same stream, count and seed: screens of one wall must not return as one.
    """
    whole_s = min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 16))
    return whole_s * Random(f"{seed}:{stream}:{failures}").uniform(1 - _SPREAD, 1 + _SPREAD)


@dataclass(frozen=True, slots=True)
class Absence:
    """A stream that failed `failures` times in a row, first at `since_s`; tried again at `until_s` (monotonic)."""

    title: str
    failures: int
    since_s: float
    until_s: float
    reason: str


class StreamBackoff:
    """The streams that failed and did not play since, by name; `seed` makes the waits of this device its own."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._seed = seed
        self._absences: dict[str, Absence] = {}

    def holds(self, stream: str) -> bool:
        """Tell whether a stream must not be tried now."""
        absence = self._absences.get(stream)
        return absence is not None and self._clock.monotonic() < absence.until_s

    def held(self) -> frozenset[str]:
        """Return the streams not to be tried now."""
        return frozenset(stream for stream in self._absences if self.holds(stream))

    def left_s(self) -> float:
        """Return in how many seconds, a little more, the next of them may be tried again; infinite if none is held."""
        now = self._clock.monotonic() - _MARGIN_S
        return min((self._absences[stream].until_s - now for stream in self.held()), default=float("inf"))

    def known(self) -> Mapping[str, Absence]:
        """Return all that failed and did not play since."""
        return dict(self._absences)

    def note_failure(self, stream: str, title: str, reason: str) -> None:
        """Leave a stream alone for a while; only the first failure in a row is a line in the log."""
        now, before = self._clock.monotonic(), self._absences.get(stream)
        failures, since_s = (1, now) if before is None else (before.failures + 1, before.since_s)
        wait_s = away_s(stream, failures, self._seed)
        if before is None:
            log.warning("stream=%s title=%s is away, first tried again in %.0f s: %s", stream, title, wait_s, reason)
        self._absences[stream] = Absence(title, failures, since_s, now + wait_s, reason)

    def note_success(self, stream: str) -> None:
        """Forget the failures of a stream that plays."""
        absence = self._absences.pop(stream, None)
        if absence is not None:
            away = self._clock.monotonic() - absence.since_s
            log.info("stream=%s title=%s is back after %.0f s", stream, absence.title, away)

    def problems(self) -> tuple[str, ...]:
        """Return a sentence on each."""
        return tuple(f"the stream {one.title} is away: {one.reason}" for one in self._absences.values())
