"""Pure: what one screen shows that begins with an empty memory, can show everything, and is never off."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sync.programme.ad_eligibility import EligibleAds
from sync.programme.ad_selection import AdHead, AdState
from sync.programme.items_and_breaks import Rotation
from sync.programme.next_take import EARLY_START, Idle, Memory, Planned, Scene, plan_next, stays_until
from sync.programme.preview.forecast import SHORTEST
from sync.programme.schedule import Programme
from sync.wire.release import Release

PICTURE_MS = 10_000
"""How long a picture without a length stays, unless a screen is set otherwise (`playback.picture_ms`)."""


@dataclass(frozen=True, slots=True)
class ScreenStep:
    """One decision of the screen at `at`. `ends` None: it has no length and is never cut, so nothing follows.

    `eligible` are the ads that it chose from: the same object for as long as they are the same.
    """

    at: datetime
    decision: Planned | Idle
    ends: datetime | None
    eligible: EligibleAds


@dataclass(frozen=True, slots=True)
class _SteadyScene(Scene):
    """A scene in which all can be shown at any time: its programme is asked for once for as long as it stays."""

    known: list[tuple[datetime, Programme]] = field(default_factory=list, kw_only=True)

    def programme(self, at: datetime, on_air: str = "") -> Programme:
        """Return what is on air at an instant, or within `EARLY_START` of it."""
        if not self.known or not self.known[0][0] <= at < self.known[0][1].until - EARLY_START:
            self.known[:] = [(at, Scene.programme(self, at))]
        return self.known[0][1]


def steps(release: Release, sha256: str, zone: ZoneInfo, at: datetime, until: datetime) -> Iterator[ScreenStep]:
    """Yield what the screen decides from `at` to before `until`; what has no length and is never cut ends it."""
    scene = _SteadyScene(
        release=release,
        sha256=sha256,
        zone=zone,
        timed=True,
        picture_ms=PICTURE_MS,
        assets={asset.sha256: asset for asset in release.assets},
        streams={stream.sha256: stream for stream in release.streams},
        may_try=lambda _: True,
    )
    memory, eligible = Memory(Rotation(), AdState(AdHead(seed=1), {})), scene.eligible_ads(at)
    while at < until:
        if at >= eligible.until:
            eligible = scene.eligible_ads(at)
        decision = plan_next(scene, eligible, memory, at, "preview")
        if isinstance(decision, Planned):
            memory = decision.memory
            ends = _ends(scene, decision, at)
        else:
            ends = decision.until
        yield ScreenStep(at, decision, ends, eligible)
        if ends is None:
            return
        at = max(ends, at + SHORTEST)


def _ends(scene: Scene, planned: Planned, at: datetime) -> datetime | None:
    length_ms = planned.take.expected_ms
    own = None if length_ms is None else at + timedelta(milliseconds=length_ms)
    return min((end for end in (own, stays_until(scene, planned, at)) if end is not None), default=None)
