"""Pure: what will be on air in the next hours, by the very decisions the player will make; the model of `forecast`.

It begins with what is on the screen and what stands by, as the player noted them, and goes on from its memory.
Failures, orders, streams that are away and another release make it come otherwise.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from player.diagnostics.explanation import Slot, slot, under_way
from player.diagnostics.offline_view import DecisionView
from player.programme.ad_eligibility import EligibleAds
from player.programme.planner import Planned, decide, stays_until
from sync.wire.base import Instant, Wire

SHORTEST = timedelta(milliseconds=100)
"""Something that would be cut at once is counted as this, so that a forecast gets on."""


class Forecast(Wire):
    """What will be on air from `at` to `until`; `more`: only the first so many slots are told."""

    at: Instant
    until: Instant
    zone: str
    timed: bool
    release: str
    slots: tuple[Slot, ...]
    more: bool = False


def forecast(view: DecisionView, hours: float, most: int) -> Forecast:
    """Return what will be on air from the view's instant on."""
    until = view.at + timedelta(hours=hours)
    slots: list[Slot] = []
    more = False
    for one in _slots(view, until):
        more = len(slots) == most
        if more:
            break
        slots.append(one)
    return Forecast(
        at=view.at,
        until=until,
        zone=view.scene.zone.key,
        timed=view.scene.timed,
        release=view.scene.sha256,
        slots=tuple(slots),
        more=more,
    )


def _slots(view: DecisionView, until: datetime) -> Iterator[Slot]:
    at, memory, scene = view.at, view.memory, view.scene
    for one in under_way(view):
        if one.until is None:
            yield one
            return
        if one.until > at:
            yield one
            at = one.until
    slate: EligibleAds | None = None
    while at < until:
        if slate is None or at >= slate.until:
            slate = scene.slate(at)
        decided = decide(scene, slate, memory, at, "forecast")
        told = slot(replace(view, at=at), decided)
        if isinstance(decided, Planned):
            memory = decided.memory
            told = told.model_copy(update={"until": _end(view, decided, at, told.until)})
        yield told
        if told.until is None:
            return
        at = max(told.until, at + SHORTEST)


def _end(view: DecisionView, planned: Planned, at: datetime, ends: datetime | None) -> datetime | None:
    leaves = stays_until(view.scene, planned, at)
    known = [instant for instant in (leaves, ends) if instant is not None]
    return min(known, default=None)
