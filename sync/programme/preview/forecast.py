"""Pure: what will be on air in the next hours, by the same decisions that the player makes; the model of `forecast`.

It starts with the take on the screen and the one that is loaded, and goes on from the memory of the player.
Failures, commands, streams that cannot be reached and another release change what is really shown.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from sync.programme.ad_eligibility import EligibleAds
from sync.programme.next_take import Planned, plan_next, stays_until
from sync.programme.preview.decision_inputs import DecisionInputs
from sync.programme.preview.explanation import Slot, slot_of, under_way
from sync.wire.value_types import Instant, Wire

SHORTEST = timedelta(milliseconds=100)
"""The least time of a slot, so that a forecast ends even where something is cut at once."""


class Forecast(Wire):
    """What will be on air from `at` to `until`. `more`: there are more slots than these first ones."""

    at: Instant
    until: Instant
    zone: str
    timed: bool
    release: str
    slots: tuple[Slot, ...]
    more: bool = False


def forecast(view: DecisionInputs, hours: float, most: int) -> Forecast:
    """Return what will be on air in the `hours` after the time of the view, in `most` slots at most."""
    until = view.at + timedelta(hours=hours)
    slots: list[Slot] = []
    more = False
    for slot in _slots(view, until):
        more = len(slots) == most
        if more:
            break
        slots.append(slot)
    return Forecast(
        at=view.at,
        until=until,
        zone=view.scene.zone.key,
        timed=view.scene.timed,
        release=view.scene.sha256,
        slots=tuple(slots),
        more=more,
    )


def _slots(view: DecisionInputs, until: datetime) -> Iterator[Slot]:
    at, memory, scene = view.at, view.memory, view.scene
    for slot in under_way(view):
        if slot.until is None:
            yield slot
            return
        if slot.until > at:
            yield slot
            at = slot.until
    eligible: EligibleAds | None = None
    while at < until:
        if eligible is None or at >= eligible.until:
            eligible = scene.eligible_ads(at)
        decision = plan_next(scene, eligible, memory, at, "forecast")
        slot = slot_of(replace(view, at=at), decision)
        if isinstance(decision, Planned):
            memory = decision.memory
            slot = slot.model_copy(update={"until": _end(view, decision, at, slot.until)})
        yield slot
        if slot.until is None:
            return
        at = max(slot.until, at + SHORTEST)


def _end(view: DecisionInputs, planned: Planned, at: datetime, ends: datetime | None) -> datetime | None:
    programme_ends = stays_until(view.scene, planned, at)
    known = [instant for instant in (programme_ends, ends) if instant is not None]
    return min(known, default=None)
