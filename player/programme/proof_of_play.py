"""What a take was worth, and the chain of plays that shows every later change.

How long something was shown comes from the monotonic clock alone, without the time in which its picture stood still
that should have changed, and is never longer than the item (`_rendered_ms`). Wall-clock times come from
`player.director.record_clock`, which keeps the takes of a screen from overlapping.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import ValidationError, ValidatorFunctionWrapHandler, field_validator

from player.protocol.stage_interface import STAGE_CLOSED, Ended
from sync.errors import Untrusted
from sync.programme.take import Take
from sync.runtime.clock import ClockTrust
from sync.wire.device_reports import GENESIS, EndReason, Outcome, Play, ScreenDetail, ScreenState, play_hash
from sync.wire.value_types import Wire

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
class ScreenCondition:
    """How the display was since some instant, as far as a play says it."""

    state: ScreenState = ScreenState.UNKNOWN
    detail: ScreenDetail | None = None
    output: str | None = None
    resolution: str | None = None


class StartFacts(Wire):
    """What is known when a take comes on the screen, by the names of the fields of its play.

    It lies with the open take in the ledger, so that the play of a take that was cut off has it, too.
    """

    clock: ClockTrust = ClockTrust.UNSYNCED
    clock_state: str | None = None
    clock_age_s: int | None = None
    offset_min: int | None = None
    boot_id: str | None = None
    mono_start_ms: int | None = None
    output: str | None = None
    resolution: str | None = None
    player: str | None = None


NOTHING_KNOWN = StartFacts()


class TakeOnAir(Take):
    """A take on the screen, as the ledger keeps it; `start` None: an older player wrote it, or one that says more."""

    start: StartFacts | None = None

    @field_validator("start", mode="wrap")
    @classmethod
    def _leave_out_what_is_not_understood(cls, start: object, read: ValidatorFunctionWrapHandler) -> object:
        """The play of a take that was on the screen is not lost for what else is known of it."""
        try:
            return read(start)
        except ValidationError:
            return None


@dataclass(frozen=True, slots=True)
class TakeFacts:
    """What a take that was on the screen was worth. `on_ms`: how long it was on, whatever its picture did."""

    times: TakeTimes
    outcome: Outcome
    reason: str
    end_reason: EndReason | None = None
    on_ms: int = 0
    start: StartFacts = NOTHING_KNOWN
    ended: Ended | None = None
    screen: ScreenCondition = ScreenCondition()


def judge_take(
    take: Take,
    ended: Ended | None,
    times: TakeTimes,
    *,
    start: StartFacts = NOTHING_KNOWN,
    screen: ScreenCondition = ScreenCondition(),
    boot_id: str = "",
) -> TakeFacts | None:
    """Return what a take is worth that was on the screen; None: it left at the instant it came.

    `ended` None: the player ended while it was on; `boot_id` is the machine's start in which that was found.
    """
    still_ms = 0 if ended is None else max(0, ended.still_ms) + stood_on_ms(ended)
    times, on_ms = replace(times, rendered_ms=_rendered_ms(take, times, still_ms)), times.rendered_ms
    if ended is None:
        why = _why_interrupted(start.boot_id, boot_id)
        return TakeFacts(times, Outcome.INTERRUPTED, "interrupted", why, on_ms, start)
    if on_ms <= 0:
        return None
    outcome, reason = _outcome(take.expected_ms, times.rendered_ms, ended), ended.reason
    stood = outcome is Outcome.PARTIAL and reason in _NATURAL_ENDS and ended.still_ms
    if stood:
        reason = f"its picture stood still for {ended.still_ms / 1000:.1f} s"
    why = EndReason.PICTURE_STOOD if stood else _why_lost(ended)
    return TakeFacts(times, outcome, reason, why, on_ms, start, ended, screen)


def stood_on_ms(ended: Ended) -> int:
    """Return for how long the last picture of a take stayed after its end, by the rounding of the record."""
    return max(0, round(ended.gone_s * 1000) - round(ended.ended_s * 1000))


def _why_interrupted(began_in: str | None, found_in: str) -> EndReason | None:
    if not began_in or not found_in:
        return None
    return EndReason.PLAYER_ENDED if began_in == found_in else EndReason.MACHINE_ENDED


def _why_lost(ended: Ended) -> EndReason | None:
    if ended.deck_lost:
        return EndReason.STAGE_CLOSED if ended.reason == STAGE_CLOSED else EndReason.DECK_LOST
    return EndReason.MEDIA_FAILED if ended.failed else None


def _rendered_ms(take: Take, times: TakeTimes, still_ms: int) -> int:
    """Return how long a take counts as shown: while its picture was right, and no longer than its item.

    The last picture of an item stays until something follows; that time is the play's, but not the item's.
    """
    right_ms = max(0, times.rendered_ms - still_ms)
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
    start, ended, screen = facts.start, facts.ended, facts.screen
    covered = ScreenDetail.COVERED if ended and ended.covered else None
    fields = (
        take.model_dump(exclude={"choice", "start"})
        | start.model_dump()
        | {
            "device": device,
            "log_epoch": log_epoch,
            "sequence": sequence,
            "started_at": facts.times.started_at,
            "ended_at": facts.times.ended_at,
            "rendered_ms": facts.times.rendered_ms,
            "clock_back_ms": facts.times.clock_back_ms or None,
            "outcome": facts.outcome,
            "reason": facts.reason,
            "frames_lost": ended and ended.frames_lost,
            "frames_shown": (ended and ended.frames_shown) or None,  # none at all: this display does not tell
            "screen": screen.state,
            "screen_detail": screen.detail or covered,
            "decision": take.choice,
            "mono_end_ms": None if start.mono_start_ms is None else start.mono_start_ms + facts.on_ms,
            "end_reason": facts.end_reason,
        }
    )
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
