"""Pure: what is on air at a time and why, what comes next, and why nothing else does; the model of `explain`."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from sync.programme.ad_eligibility import EligibleAds
from sync.programme.ad_selection import select_ad
from sync.programme.bookings.feasibility import short_now
from sync.programme.next_take import Idle, Planned, plan_next
from sync.programme.preview.decision_inputs import DecisionInputs
from sync.programme.preview.on_air_reasons import AdVerdict, Moment, Verdict, ads, dayparts, items
from sync.programme.take import Take
from sync.wire.device_reports import PlayKind
from sync.wire.release import AtEnd
from sync.wire.value_types import Instant, Wire

STALE = timedelta(minutes=1)
"""A take that should have ended so long ago belongs to a player that was stopped."""


class Slot(Wire):
    """One thing on the screen; `fallback`: there is none. `until` None: its length is not known."""

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
    """What is on air at a time, and why. `shown` is what the player shows now, if it recorded that."""

    at: Instant
    zone: str
    timed: bool
    release: str
    shown: Slot | None
    playlist: str | None
    why: str
    until: Instant
    following: Slot
    next_ad: str | None  # the creative of the next ad, whatever item is shown before it
    relaxed: tuple[str, ...]  # soft rules that are not kept for it
    dayparts: tuple[Verdict, ...]
    items: tuple[Verdict, ...]
    ads: tuple[AdVerdict, ...]
    warnings: tuple[str, ...]


def explain(view: DecisionInputs) -> Explanation:
    """Return why the programme is what it is at the time of the view."""
    scene, at = view.scene, view.at
    programme, eligible = scene.programme(at), scene.eligible_ads(at)
    moment = Moment(scene, view.memory, at, view.blocked)
    choice, _ = select_ad(view.memory.ads, eligible, fits_ms=(programme.until - at) // timedelta(milliseconds=1))
    return Explanation(
        at=at,
        zone=scene.zone.key,
        timed=scene.timed,
        release=scene.sha256,
        shown=next((slot for slot in under_way(view) if slot.at < at), None),
        playlist=programme.playlist.name if programme.playlist else None,
        why=programme.why,
        until=programme.until,
        following=following(view, eligible),
        next_ad=choice.creative.title if choice else None,
        relaxed=choice.relaxed if choice else (),
        dayparts=tuple(dayparts(moment, programme)),
        items=tuple(items(moment, programme)),
        ads=tuple(ads(moment, eligible, programme)),
        warnings=(*eligible.warnings, *(short.text for short in short_now(eligible, at, scene.zone))),
    )


def under_way(view: DecisionInputs) -> Iterator[Slot]:
    """Yield what the player recorded: the take on the screen, then the one that is loaded."""
    at = view.at
    for reserved in sorted(view.under_way, key=lambda each: each.started_at is None):
        starts = reserved.started_at or at
        ends = _ends(view, reserved.take, starts)
        if ends is not None and ends + STALE < view.at:  # the player was stopped while it was on the screen
            continue
        yield _take_slot(view, reserved.take, starts, ends)
        if ends is None:
            return
        at = max(ends, view.at)


def _ends(view: DecisionInputs, take: Take, starts: datetime) -> datetime | None:
    length = take.expected_ms
    ends = [] if length is None else [starts + timedelta(milliseconds=length)]
    items = (item for playlist in view.scene.release.playlists for item in playlist.items if item.id == take.item)
    if any(item.at_end is AtEnd.CUT for item in items):
        programme = view.scene.programme(max(starts, view.at))
        same = programme.playlist is not None and programme.playlist.id == take.playlist
        ends.append(programme.until if same else view.at)
    return min(ends, default=None)


def following(view: DecisionInputs, eligible: EligibleAds) -> Slot:
    """Return what comes after the take on the screen."""
    recorded = list(under_way(view))
    if len(recorded) > 1 or (recorded and recorded[0].at >= view.at):
        return recorded[-1]
    return slot_of(view, plan_next(view.scene, eligible, view.memory, view.at, "next"))


def slot_of(view: DecisionInputs, planned: Planned | Idle) -> Slot:
    """Return a decision at the time of the view as a slot."""
    if isinstance(planned, Idle):
        return Slot(at=view.at, until=planned.until, kind="fallback", title="", why=planned.why)
    length, daypart = planned.take.expected_ms, planned.programme.daypart
    ends = None if length is None else view.at + timedelta(milliseconds=length)
    reason = {"daypart": daypart.name if daypart else None, "why": planned.programme.why}
    return _take_slot(view, planned.take, view.at, ends).model_copy(update=reason)


def _take_slot(view: DecisionInputs, take: Take, at: datetime, until: datetime | None) -> Slot:
    release = view.scene.release
    return Slot(
        at=at,
        until=until,
        kind=take.kind,
        title=take.title,
        playlist=next((playlist.name for playlist in release.playlists if playlist.id == take.playlist), None),
        campaign=next((campaign.name for campaign in release.campaigns if campaign.id == take.campaign), None),
        advertiser=take.advertiser,
        relaxed=take.relaxed,
    )
