"""The wall-clock times of the record: when each take started and ended, so that no two takes of a screen overlap.

Every instant is a time of the monotonic clock, rounded once to whole milliseconds. A cut is one instant: it ends one
take and starts the next. The offset from the monotonic clock to the wall clock is added to it. That offset stays the
same from take to take, because both clocks run at one speed, until somebody or a time service steps the wall clock:

- A take ends by the offset it started with: a step while it is on air makes it neither longer nor shorter.
- After a step forward the record has a gap.
- After a step back the wall clock shows times that the record has used already. No take gets them a second time: a take
  that would start in used time starts where that time ends, and every take ends where later used time starts. Its
  `rendered_ms` is still how long it was on the screen. Once the wall clock has passed the used time, the times are
  exact again.
- After a restart the used time is read from the ledger, as after every step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from player.programme.proof_of_play import TakeTimes
from sync.runtime.clock import instant, unix_ms

STEP_MS = 250
"""A smaller difference between wall clock and monotonic clock is no step: the two are not read at one instant."""

_MOST_SPANS = 10_000  # the newest; takes that follow each other are one span

_NEVER_MS = 2**62

Span = tuple[int, int]
"""Used time, from and to (exclusive), in Unix milliseconds."""


@dataclass(frozen=True, slots=True)
class TakeStart:
    """When a take started: by the monotonic clock, in the record, and the offset between the two clocks."""

    monotonic_ms: int
    unix_ms: int
    offset_ms: int

    @property
    def at_s(self) -> float:
        """Return the instant in seconds of the monotonic clock."""
        return self.monotonic_ms / 1000

    @property
    def at(self) -> datetime:
        """Return the start by the wall clock; the recorded one is later if the record has used this time already."""
        return instant(self.monotonic_ms + self.offset_ms)


class RecordClock:
    """Gives each take its times. Takes start and end in turn.

    `unread` is True after a step, until `avoid` gets the times of the ledger.
    """

    def __init__(self) -> None:
        self.unread = True
        self._offset_ms: int | None = None
        self._used: list[Span] = []  # by plays of the ledger and by takes since, in order, as few spans as possible

    def start(self, at_s: float, now: datetime, now_s: float) -> TakeStart:
        """Start a take at `at_s` (monotonic); `now` and `now_s` are wall and monotonic clock, read together."""
        read_ms, at_ms = _offset_ms(now, now_s), round(at_s * 1000)
        if self._offset_ms is None or abs(read_ms - self._offset_ms) > STEP_MS:
            self._offset_ms, self.unread = read_ms, True
        return TakeStart(at_ms, self._first_free(at_ms + self._offset_ms), self._offset_ms)

    def avoid(self, start: TakeStart, recorded: Sequence[Span]) -> TakeStart:
        """Return the start again, outside `recorded`: the time that the ledger has after it."""
        self._used, self.unread = _joined([*self._used, *recorded]), False
        return replace(start, unix_ms=self._first_free(start.unix_ms))

    def end(self, start: TakeStart, ended_s: float) -> TakeTimes:
        """End a take; nothing else gets the time it was on."""
        ended_ms = round(ended_s * 1000)
        until_ms = max(start.unix_ms, min(ended_ms + start.offset_ms, self._next_used(start.unix_ms)))
        self._used = _joined([*self._used, (start.unix_ms, until_ms)])[-_MOST_SPANS:]
        return TakeTimes(instant(start.unix_ms), instant(until_ms), max(0, ended_ms - start.monotonic_ms))

    def _first_free(self, at_ms: int) -> int:
        return next((to_ms for from_ms, to_ms in self._used if from_ms <= at_ms < to_ms), at_ms)

    def _next_used(self, at_ms: int) -> int:
        return next((from_ms for from_ms, _ in self._used if from_ms > at_ms), _NEVER_MS)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Return the same time in order and in as few spans as possible: a month of takes without a gap is one."""
    joined: list[Span] = []
    for from_ms, to_ms in sorted(spans):
        if joined and from_ms <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], to_ms))
        else:
            joined.append((from_ms, to_ms))
    return joined


def _offset_ms(now: datetime, now_s: float) -> int:
    return unix_ms(now - timedelta(seconds=now_s) + timedelta(microseconds=500))
