"""Pure: what is on air at an instant and why, what comes next, and why nothing else does; the model of `explain`."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from player.diagnostics.offline_view import DecisionView
from player.diagnostics.verdicts import AdVerdict, Blocked, Moment, Verdict, ads, dayparts, items
from player.programme.ad_eligibility import EligibleAds
from player.programme.ad_selection import select_ad
from player.programme.planner import Idle, Planned, decide
from player.programme.proof_of_play import Take
from sync.wire.base import Instant, Wire
from sync.wire.release import AtEnd
from sync.wire.report import PlayKind

STALE = timedelta(minutes=1)
"""What should have left so long ago is what a player that was stopped left behind."""


class Slot(Wire):
    """One thing on the screen, or `fallback` for want of any; `until` None: to its own end, which nobody knows."""

    at: Instant
    until: Instant | None
    kind: PlayKind | Literal["fallback"]
    title: str
    playlist: str | None = None
    daypart: str | None = None
    campaign: str | None = None
    advertiser: str | None = None
    relaxed: tuple[str, ...] = ()
    why: str = ""


class Explanation(Wire):
    """What is on air at an instant, and why; `shown` is what the player has on the screen now, if it said so."""

    at: Instant
    zone: str
    timed: bool
    release: str
    shown: Slot | None
    playlist: str | None
    why: str
    until: Instant
    following: Slot
    next_ad: str | None  # the creative that has the next turn, whatever item comes before
    relaxed: tuple[str, ...]  # soft rules given up for it
    dayparts: tuple[Verdict, ...]
    items: tuple[Verdict, ...]
    ads: tuple[AdVerdict, ...]
    warnings: tuple[str, ...]


def explain(view: DecisionView) -> Explanation:
    """Return why the programme at the view's instant is what it is."""
    scene, at = view.scene, view.at
    programme, slate = scene.programme(at), scene.slate(at)
    moment = Moment(scene, view.memory, at, blocked_in(view))
    choice, _ = select_ad(view.memory.ads, slate, fits_ms=(programme.until - at) // timedelta(milliseconds=1))
    return Explanation(
        at=at,
        zone=scene.zone.key,
        timed=scene.timed,
        release=scene.sha256,
        shown=next((one for one in under_way(view) if one.at < at), None),
        playlist=programme.playlist.name if programme.playlist else None,
        why=programme.why,
        until=programme.until,
        following=following(view, slate),
        next_ad=choice.creative.title if choice else None,
        relaxed=choice.relaxed if choice else (),
        dayparts=tuple(dayparts(moment, programme)),
        items=tuple(items(moment, programme)),
        ads=tuple(ads(moment, slate, programme)),
        warnings=slate.warnings,
    )


def blocked_in(view: DecisionView) -> Blocked:
    """Return how to ask why an asset cannot be shown."""
    setbacks = {setback.asset: setback for setback in view.setbacks}

    def blocked(asset: str) -> str:
        if asset in setbacks:
            return f"set aside after failing {setbacks[asset].failures} times: {setbacks[asset].reason}"
        if not view.scene.lists(asset):
            return "its media is not in the release"
        if not view.scene.playable(asset):
            return "it cannot be shown now"
        gone = asset in view.scene.assets and not view.scene.path(asset)
        return "its media is not on this device" if gone else ""

    return blocked


def under_way(view: DecisionView) -> Iterator[Slot]:
    """Yield what the player noted: the take on the screen, then the one that stands by."""
    at = view.at
    for one in sorted(view.under_way, key=lambda each: each.started_at is None):
        begins = one.started_at or at
        ends = _ends(view, one.take, begins)
        if ends is not None and ends + STALE < view.at:  # the player stopped under it
            continue
        yield _slot(view, one.take, begins, ends)
        if ends is None:
            return
        at = max(ends, view.at)


def _ends(view: DecisionView, take: Take, begins: datetime) -> datetime | None:
    length = take.expected_ms
    ends = [] if length is None else [begins + timedelta(milliseconds=length)]
    items = (item for playlist in view.scene.release.playlists for item in playlist.items if item.id == take.item)
    if any(item.at_end is AtEnd.CUT for item in items):
        programme = view.scene.programme(max(begins, view.at))
        same = programme.playlist is not None and programme.playlist.id == take.playlist
        ends.append(programme.until if same else view.at)
    return min(ends, default=None)


def following(view: DecisionView, slate: EligibleAds) -> Slot:
    """Return what comes after what is on the screen."""
    told = list(under_way(view))
    if len(told) > 1 or (told and told[0].at >= view.at):
        return told[-1]
    return slot(view, decide(view.scene, slate, view.memory, view.at, "next"))


def slot(view: DecisionView, planned: Planned | Idle) -> Slot:
    """Return a decision at the view's instant in words."""
    if isinstance(planned, Idle):
        return Slot(at=view.at, until=planned.until, kind="fallback", title="", why=planned.why)
    length, daypart = planned.take.expected_ms, planned.programme.daypart
    ends = None if length is None else view.at + timedelta(milliseconds=length)
    told = {"daypart": daypart.name if daypart else None, "why": planned.programme.why}
    return _slot(view, planned.take, view.at, ends).model_copy(update=told)


def _slot(view: DecisionView, take: Take, at: datetime, until: datetime | None) -> Slot:
    release = view.scene.release
    return Slot(
        at=at,
        until=until,
        kind=take.kind,
        title=take.title,
        playlist=next((one.name for one in release.playlists if one.id == take.playlist), None),
        campaign=next((one.name for one in release.campaigns if one.id == take.campaign), None),
        advertiser=take.advertiser,
        relaxed=take.relaxed,
    )
