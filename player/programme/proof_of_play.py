"""What a take was worth, and the chain of plays that shows every later change.

How long something was shown comes from the monotonic clock alone, without the time in which its picture stood still
that should have changed, and is never longer than the item (`_rendered_ms`). Wall-clock times come from
`player.director.record_clock`, which keeps the takes of a screen from overlapping.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from player.protocol.screen import Ended
from sync.errors import Untrusted
from sync.programme.take import Take
from sync.runtime.clock import ClockTrust
from sync.wire.device_reports import GENESIS, Outcome, Play, ScreenState, play_hash

TOLERANCE_MS = 500
"""What may be missing of a complete play: the cut takes a moment at either end. At most half of a short item."""

_NATURAL_ENDS = ("eof", "duration")  # the reasons of a take that nobody cut short


@dataclass(frozen=True, slots=True)
class TakeTimes:
    """When a take was on the screen, by the wall clock in whole milliseconds, and for how long.

    After a step of the wall clock `rendered_ms` may differ from the distance between the two.
    """

    started_at: datetime
    ended_at: datetime
    rendered_ms: int

    @property
    def clock_back_ms(self) -> int:
        """Return how much of `rendered_ms` has no time in the record: the clock was set back, and it was used."""
        return max(0, self.rendered_ms - (self.ended_at - self.started_at) // timedelta(milliseconds=1))


@dataclass(frozen=True, slots=True)
class TakeFacts:
    """What a take that was on the screen was worth: the part of a play that is known only at its end."""

    times: TakeTimes
    outcome: Outcome
    reason: str
    frames_lost: int | None = None
    screen: ScreenState = ScreenState.UNKNOWN
    clock: ClockTrust = ClockTrust.UNSYNCED

    @property
    def refunded(self) -> bool:
        """Return whether an ad line gets its slot back: only a complete play uses it up."""
        return self.outcome is not Outcome.COMPLETE


@dataclass(frozen=True, slots=True)
class NoPlay:
    """The take does not count, and why; an ad line gets its slot back."""

    reason: str


def judge_take(
    take: Take,
    ended: Ended | None,
    times: TakeTimes | None,
    *,
    screen: ScreenState = ScreenState.UNKNOWN,
    clock: ClockTrust = ClockTrust.UNSYNCED,
) -> TakeFacts | NoPlay:
    """Return what a take is worth once it is over.

    `times` None: it was never on the screen. `ended` None with times: the device stopped while it was on.
    """
    if times is None:
        return NoPlay("it was never on the screen")
    still_ms = 0 if ended is None else ended.still_ms
    times, on_ms = replace(times, rendered_ms=_rendered_ms(take, times, still_ms)), times.rendered_ms
    if ended is None:
        return TakeFacts(times, Outcome.INTERRUPTED, "interrupted", screen=screen, clock=clock)
    if on_ms <= 0:
        return NoPlay(f"it left the screen at the instant it came: {ended.reason}")
    outcome, reason = _outcome(take.expected_ms, times.rendered_ms, ended), ended.reason
    if outcome is Outcome.PARTIAL and reason in _NATURAL_ENDS and ended.still_ms:
        reason = f"its picture stood still for {ended.still_ms / 1000:.1f} s"
    return TakeFacts(times, outcome, reason, ended.frames_lost, screen, clock)


def _rendered_ms(take: Take, times: TakeTimes, still_ms: int) -> int:
    """Return how long a take counts as shown: while its picture was right, and no longer than its item.

    The last picture of an item stays until something follows; that time is not the item's.
    """
    right_ms = max(0, times.rendered_ms - max(0, still_ms))
    return right_ms if take.expected_ms is None else min(right_ms, take.expected_ms)


def _outcome(expected_ms: int | None, rendered_ms: int, ended: Ended) -> Outcome:
    if ended.deck_lost:  # what was last on the screen nobody knows
        return Outcome.FAILED
    if expected_ms is not None and rendered_ms and rendered_ms >= expected_ms - min(TOLERANCE_MS, expected_ms // 2):
        return Outcome.COMPLETE
    if ended.failed:
        return Outcome.FAILED
    whole = expected_ms is None and rendered_ms and ended.reason in _NATURAL_ENDS and ended.still_ms <= TOLERANCE_MS
    return Outcome.COMPLETE if whole else Outcome.PARTIAL


def chain_play(previous_hash: str, take: Take, facts: TakeFacts, *, device: str, log_epoch: str, sequence: int) -> Play:
    """Return the play of a judged take, linked to the one before it in this log epoch (`GENESIS` before the first)."""
    fields = take.model_dump(exclude={"choice"}) | {
        "device": device,
        "log_epoch": log_epoch,
        "sequence": sequence,
        "started_at": facts.times.started_at,
        "ended_at": facts.times.ended_at,
        "rendered_ms": facts.times.rendered_ms,
        "clock_back_ms": facts.times.clock_back_ms or None,
        "outcome": facts.outcome,
        "reason": facts.reason,
        "frames_lost": facts.frames_lost,
        "screen": facts.screen,
        "clock": facts.clock,
    }
    open_play = Play(**fields, previous_hash=previous_hash, hash=GENESIS)
    return open_play.model_copy(update={"hash": play_hash(previous_hash, open_play.model_dump(mode="json"))})


def verify_chain(plays: Sequence[Play], *, after: str | None = None) -> None:
    """Check plays of one log epoch in order, the first against `after` when given.

    Raises:
        Untrusted: a play was changed, dropped, added or moved; the message names the first that does not fit.
    """
    previous = after
    for before, play in zip((None, *plays), plays, strict=False):
        follows = before is None or (play.log_epoch == before.log_epoch and play.sequence == before.sequence + 1)
        linked = previous is None or play.previous_hash == previous
        if not (follows and linked and play.hash == play_hash(play.previous_hash, play.model_dump(mode="json"))):
            raise Untrusted(f"play {play.sequence} of log {play.log_epoch} does not fit the chain of proof")
        previous = play.hash
