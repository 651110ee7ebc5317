"""What is on the screen, as values: a take, or darkness for a reason; and how people are told of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from player.programme.planner import Planned, Scene
from player.protocol.operator import Next, Now
from player.protocol.screen import Ended
from sync.runtime.clock import ClockTrust
from sync.wire.report import PlayKind


@dataclass(frozen=True, slots=True)
class Showing:
    """A take is on the screen, since `started_s` (monotonic) or `started_at` by a clock trusted as said.

    `leaves_at`: it is cut then, for `leaves_for`; None: it runs to its own end.
    """

    planned: Planned
    started_at: datetime
    started_s: float
    clock: ClockTrust
    leaves_at: datetime | None = None
    leaves_for: str = "daypart"

    def expected_end(self, now: datetime, now_s: float) -> datetime:
        """Return when it will be over, by today's wall clock; now when that is not known or already past."""
        length_ms = self.planned.take.expected_ms
        left_s = 0.0 if length_ms is None else self.started_s + length_ms / 1000 - now_s
        ends = now + timedelta(seconds=max(0.0, left_s))
        return ends if self.leaves_at is None else max(now, min(ends, self.leaves_at))


@dataclass(frozen=True, slots=True)
class Dark:
    """No take is on: the fallback picture shows, or black on purpose. `until` is None when only a change ends it."""

    kind: Literal["fallback", "blank"]
    why: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Coming:
    """What is prerolled since then, or being so."""

    planned: Planned
    ready: bool
    since: datetime


State = Showing | Dark | None
"""None: nothing of ours is on, and what is on the screen has to be replaced."""


def with_deadline(showing: Showing, leaves_at: datetime | None, scene: Scene) -> Showing:
    """Return the take on air with the time it has to go, and for what."""
    why = "daypart" if scene.lists(showing.planned.take.asset) else "release"
    return replace(showing, leaves_at=leaves_at, leaves_for=why)


def how_it_ended(showing: Showing, ended: Ended | None, at_s: float, *, ordered: bool) -> Ended:
    """Return how a take left the screen; `ordered`: an operator had it cut.

    When the screen cannot tell, it was lost: nobody can prove its last moments.
    """
    take = showing.planned.take.take
    if ended is None or ended.take != take:
        return Ended(take=take, started_s=showing.started_s, ended_s=at_s, reason="lost", failed=True, deck_lost=True)
    why = "operator" if ordered else showing.leaves_for
    return ended.model_copy(update={"reason": why}) if ended.reason == "cut" else ended


def describe_now(state: State, coming: Coming | None, now: datetime, now_s: float) -> Now:
    """Return what to tell people; the release, problems and what the deck sees are for others to add."""
    following = _following(coming)
    if state is None:
        return Now(showing="fallback", why="the next take is being prepared", next=following)
    if isinstance(state, Dark):
        return Now(showing=state.kind, why=state.why, since=state.since, until=state.until, next=following)
    take, programme = state.planned.take, state.planned.programme
    until = None if take.expected_ms is None else state.expected_end(now, now_s)
    return Now(
        showing="ad" if take.kind is PlayKind.AD else "item",
        title=take.title,
        take=take.take,
        since=state.started_at,
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
        position_ms=max(0, round((now_s - state.started_s) * 1000)),
        remaining_ms=None if until is None else round((until - now).total_seconds() * 1000),
        next=following,
    )


def _following(coming: Coming | None) -> Next:
    if coming is None:
        return Next()
    take = coming.planned.take
    return Next(
        readiness="ready" if coming.ready else "loading",
        since=coming.since,
        title=take.title,
        kind="ad" if take.kind is PlayKind.AD else "item",
        asset=take.asset,
        item=take.item,
        creative=take.creative,
    )
