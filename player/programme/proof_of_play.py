"""Judges what a take was worth, and chains plays into a log that shows if it was tampered with.

How long something was shown comes from the monotonic clock alone; the wall clock is read once, at the start, so a step
of it while a take is on air neither stretches nor loses a play.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from player.protocol.screen import Ended
from sync.errors import Untrusted
from sync.runtime.clock import ClockTrust
from sync.wire.base import Identifier, Name, Sha256, Wire
from sync.wire.report import GENESIS, Outcome, Play, PlayKind, ScreenState, play_hash

TOLERANCE_MS = 500
"""What may be missing of a complete play: the cut takes a moment at either end."""

_OWN_END = ("eof", "duration")  # the reasons of a take that was let run out


class Take(Wire):
    """One attempt to show something, as decided when it was reserved. `expected_ms` None: the media's own end."""

    take: Identifier
    kind: PlayKind
    release: Sha256
    asset: Sha256
    title: Name
    zone: str
    expected_ms: Annotated[int, Field(ge=0)] | None = None
    playlist: Identifier | None = None
    item: Identifier | None = None
    campaign: Identifier | None = None
    advertiser: Name | None = None
    line: Identifier | None = None
    creative: Identifier | None = None
    relaxed: tuple[str, ...] = ()
    choice: int | None = None  # of the ad engine, to refund it


@dataclass(frozen=True, slots=True)
class TakeFacts:
    """What a take that was on the screen was worth: the part of a play that only its end tells."""

    started_at: datetime
    rendered_ms: int
    outcome: Outcome
    reason: str
    frames_lost: int | None = None
    screen: ScreenState = ScreenState.UNKNOWN
    clock: ClockTrust = ClockTrust.UNSYNCED

    @property
    def ended_at(self) -> datetime:
        """Return when it left the screen, by the clock that stood at its start."""
        return self.started_at + timedelta(milliseconds=self.rendered_ms)

    @property
    def refunded(self) -> bool:
        """Tell whether an ad line gets its entitlement back: only a complete play uses it up."""
        return self.outcome is not Outcome.COMPLETE


@dataclass(frozen=True, slots=True)
class NoPlay:
    """The take does not count, and why; an ad line gets its entitlement back."""

    reason: str


def judge_take(
    take: Take,
    ended: Ended | None,
    started_at: datetime | None,
    *,
    screen: ScreenState = ScreenState.UNKNOWN,
    clock: ClockTrust = ClockTrust.UNSYNCED,
) -> TakeFacts | NoPlay:
    """Return what a take is worth once it is over; `ended` None with a start means the device stopped under it.

    `started_at` is the wall clock at the cut, None if the cut never came.
    """
    if started_at is None:
        return NoPlay("it was never on the screen")
    if ended is None:
        return TakeFacts(started_at, 0, Outcome.INTERRUPTED, "interrupted", screen=screen, clock=clock)
    rendered_ms = round((ended.ended_s - ended.started_s) * 1000)
    if rendered_ms <= 0:
        return NoPlay(f"it left the screen as it came: {ended.reason}")
    outcome = _outcome(take.expected_ms, rendered_ms, ended)
    return TakeFacts(started_at, rendered_ms, outcome, ended.reason, ended.frames_lost, screen, clock)


def _outcome(expected_ms: int | None, rendered_ms: int, ended: Ended) -> Outcome:
    if expected_ms is not None and rendered_ms >= expected_ms - TOLERANCE_MS:
        return Outcome.COMPLETE
    if ended.failed or ended.deck_lost:
        return Outcome.FAILED
    whole = expected_ms is None and ended.reason in _OWN_END
    return Outcome.COMPLETE if whole else Outcome.PARTIAL


def chain_play(previous_hash: str, take: Take, facts: TakeFacts, *, device: str, log_epoch: str, sequence: int) -> Play:
    """Return the play of a judged take, bound to the one before it in this log epoch (`GENESIS` before the first)."""
    fields = take.model_dump(exclude={"choice"}) | {
        "device": device,
        "log_epoch": log_epoch,
        "sequence": sequence,
        "started_at": facts.started_at,
        "ended_at": facts.ended_at,
        "rendered_ms": facts.rendered_ms,
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
