"""What is on the screen: a take, or no take and why; and how people are told about it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from player.director.record_clock import TakeStart
from player.programme.planned_shots import PlannedShot
from player.programme.proof_of_play import StartFacts
from player.protocol.now_playing import Next, Now
from player.protocol.stage_interface import Ended, Shot
from sync.programme.next_take import Scene
from sync.wire.device_reports import PlayKind

_SOONER_S = 2.0  # a measured length is not as exact as the end of the last picture
_STOOD_MS = 1000


@dataclass(frozen=True, slots=True)
class Showing:
    """A take is on the screen since `start`; `facts` is what is known of that moment.

    `cut_at`: it is cut then, for `cut_reason`; None: it plays to its own end. `over`: it ended, and its last picture
    stays until something follows; it is a part of the take until then.
    """

    planned: PlannedShot
    start: TakeStart
    facts: StartFacts
    cut_at: datetime | None = None
    cut_reason: str = "daypart"
    over: bool = False

    def expected_end(self, now: datetime, now_s: float) -> datetime:
        """Return when it will be over, by the wall clock of now; `now` when that is not known or has passed."""
        length_ms = self.planned.take.expected_ms
        left_s = 0.0 if length_ms is None or self.over else self.start.at_s + length_ms / 1000 - now_s
        ends = now + timedelta(seconds=max(0.0, left_s))
        return ends if self.cut_at is None else max(now, min(ends, self.cut_at))


@dataclass(frozen=True, slots=True)
class OffAir:
    """No take is on: the fallback picture shows, or black on purpose. `until` None: only a change ends it."""

    kind: Literal["fallback", "blank"]
    why: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class NextTake:
    """The take that comes next; since when it is being loaded, or is ready."""

    planned: PlannedShot
    since: datetime


AirState = Showing | OffAir | None
"""None: no take is on; what the screen shows still has to be replaced."""


def with_deadline(showing: Showing, cut_at: datetime | None, scene: Scene) -> Showing:
    """Return the take on air with the time it is cut at, and the reason."""
    reason = "daypart" if scene.contains(showing.planned.take.asset) else "release"
    return replace(showing, cut_at=cut_at, cut_reason=reason)


def how_it_ended(showing: Showing, ended: Ended | None, at_s: float, seen_s: float, *, ordered: bool) -> Ended:
    """Return how a take left the screen; `ordered`: an operator had it cut.

    `at_s` is the instant at which its picture left: the cut, or the monotonic clock of now. What the deck says of its
    end may be a little later than that, and never counts. Without a report from the screen the take was lost:
    only what the screen vouched for before counts, until `seen_s`.
    """
    take = showing.planned.take.take
    if ended is None or ended.take != take:
        started_s, ended_s = showing.start.at_s, min(at_s, seen_s)
        return Ended(take=take, started_s=started_s, ended_s=ended_s, reason="lost", failed=True, deck_lost=True)
    reason = ended.reason
    if reason == "cut":
        reason = "operator" if ordered else showing.cut_reason
    times = {"ended_s": min(ended.ended_s, at_s), "left_s": min(ended.gone_s, at_s)}
    return ended.model_copy(update={"reason": reason, **times})


def may_be_damaged(shot: Shot, ended: Ended) -> bool:
    """Tell whether a shot ended as one does whose file is damaged: it failed, stood still, or was over too soon."""
    shown_s = ended.ended_s - ended.started_s
    too_short = ended.reason == "eof" and shot.length_ms is not None and shown_s + _SOONER_S < shot.length_ms / 1000
    return ended.failed or ended.deck_lost or ended.still_ms >= _STOOD_MS or too_short


def describe_now(state: AirState, following: Next, now: datetime, now_s: float) -> Now:
    """Return what people are told; the release, problems and what the deck reports are added by others."""
    if state is None:
        return Now(showing="fallback", why="the next take is being prepared", next=following)
    if isinstance(state, OffAir):
        return Now(showing=state.kind, why=state.why, since=state.since, until=state.until, next=following)
    take, programme = state.planned.take, state.planned.programme
    until = None if take.expected_ms is None else state.expected_end(now, now_s)
    return Now(
        showing="ad" if take.kind is PlayKind.AD else "item",
        title=take.title,
        take=take.take,
        since=state.start.at,
        until=until,
        expected_ms=take.expected_ms,
        asset=take.asset,
        item=take.item,
        campaign=take.campaign,
        advertiser=take.advertiser,
        line=take.line,
        creative=take.creative,
        playlist=programme.playlist.name if programme.playlist else None,
        daypart=programme.daypart.name if programme.daypart else None,
        why=programme.why,
        position_ms=max(0, round((now_s - state.start.at_s) * 1000)),
        remaining_ms=None if until is None else round((until - now).total_seconds() * 1000),
        next=following,
    )


def describe_next(following: NextTake | None, *, ready: bool) -> Next:
    """Return what to tell people of the next take; `ready`: it waits on its first frame."""
    if following is None:
        return Next()
    take = following.planned.take
    return Next(
        readiness="ready" if ready else "loading",
        since=following.since,
        title=take.title,
        kind="ad" if take.kind is PlayKind.AD else "item",
        asset=take.asset,
        item=take.item,
        creative=take.creative,
    )
