"""Collects what a decision depends on: the active release, the venue, the clock, and what failed before."""

import asyncio
import logging
from collections.abc import Callable, Hashable
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from player.director.backoff import StreamBackoff
from player.evidence.quarantine import Quarantine
from player.programme.loudness import screen_volume
from player.programme.planned_shots import DeviceScene
from player.settings.model import Settings
from player.settings.system_zone import system_zone
from sync.device.store.content_store import ActiveRelease
from sync.errors import NotFound
from sync.programme.ad_eligibility import EligibleAds
from sync.programme.ad_selection import AdState, prepare_ads
from sync.programme.schedule import is_timed, unnamed_zone, zone_of_venue
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread
from sync.wire.release import Asset, Release, Stream

_MANY_LINES = 500  # with fewer it is done in a few milliseconds

log = logging.getLogger(__name__)


class ReleaseSource(Protocol):
    """The active release and its files; `sync.device.store.content_store.ContentStore` is one."""

    def active(self) -> ActiveRelease | None:
        """Return the active release, None before the first."""

    def asset_path(self, sha256: str) -> Path:
        """Return the path of a complete asset; raises NotFound."""

    def suspect(self, sha256: str) -> None:
        """Have the file of an asset compared with its hash: a decoder stumbled over it."""


class SceneLoader:
    """Makes scenes. The release is read again only after `refresh`; the eligible ads are cached."""

    def __init__(
        self,
        content: ReleaseSource,
        clock: Clock,
        settings: Callable[[], Settings],
        quarantine: Quarantine,
        streams: StreamBackoff,
        budget_spent: Callable[[], bool] = lambda: False,
    ) -> None:
        self.problem = ""
        self._content = content
        self._clock = clock
        self._settings = settings
        self._quarantine = quarantine
        self._streams = streams
        self._budget_spent = budget_spent
        self._active: ActiveRelease | None = None
        self._assets: dict[str, Asset] = {}  # of the active release, by hash
        self._streams_by_hash: dict[str, Stream] = {}
        self._many_lines = False
        self._requested, self._loaded = 1, 0  # how many reads were asked for, and which of them is done
        self._reading = asyncio.Lock()  # director and volume want a scene at the same time: it is read once
        self._missing: set[str] = set()  # files that were wanted and are not here
        self._reported: set[str] = set()
        self._eligible: tuple[Hashable, datetime, EligibleAds] | None = None

    def refresh(self) -> None:
        """Read the release again at the next `load`: another one may be active."""
        self._requested += 1

    async def load(self) -> DeviceScene | None:
        """Return what a decision depends on now, None without content."""
        async with self._reading:
            requested = self._requested
            if self._loaded != requested:
                self._take_over(await asyncio.to_thread(self._content.active))
                self._loaded = requested
        if self._active is None:
            return None
        release, settings = self._active.release, self._settings()
        now = self._clock.now()
        timed = is_timed(release, now, self._clock.trust())
        zone, playback, audio = self._zone(release, settings.venue.zone), settings.playback, settings.audio
        loudness = screen_volume(settings, zone, now, timed=timed)
        return DeviceScene(
            release=release,
            sha256=self._active.sha256,
            zone=zone,
            timed=timed,
            picture_ms=playback.picture_ms,
            volume=loudness.volume,
            volume_until=loudness.until,
            target_lufs=audio.target_lufs if audio.normalise else None,
            screen_fit=playback.fit,
            background=playback.background,
            assets=self._assets,
            streams=self._streams_by_hash,
            budget_spent=self._budget_spent(),
            may_try=lambda asset: not self._quarantine.contains(asset, now) and not self._streams.is_waiting(asset),
            path=self._path,
        )

    def _take_over(self, active: ActiveRelease | None) -> None:
        """Use another active release; what decisions look up in it is made once, for it may have thousands of ads."""
        self._active = active
        if active is not None:
            self._assets = {asset.sha256: asset for asset in active.release.assets}
            self._streams_by_hash = {stream.sha256: stream for stream in active.release.streams}
            self._many_lines = sum(len(campaign.lines) for campaign in active.release.campaigns) >= _MANY_LINES

    async def prepare_ads(self, scene: DeviceScene, at: datetime, state: AdState) -> AdState:
        """Return the state as the next choice at `at` needs it; where that takes long, a thread computes it."""
        if not self._many_lines:
            return state
        key = self._ads_key(scene)
        ads = self._cached_ads(key, at)
        if ads is None:
            ads = await in_thread(scene.eligible_ads, at)
            self._eligible = (key, at, ads)
        if state.queue is not None and state.queue[0] is ads:
            return state
        return await in_thread(prepare_ads, state, ads)

    def eligible_ads(self, scene: DeviceScene, at: datetime) -> EligibleAds:
        """Return the ads that may be shown at an instant; cached while nothing they depend on changes."""
        key = self._ads_key(scene)
        ads = self._cached_ads(key, at)
        if ads is None:
            ads = scene.eligible_ads(at)
            self._eligible = (key, at, ads)
        return ads

    def _ads_key(self, scene: DeviceScene) -> Hashable:
        quarantined = {failure.asset for failure in self._quarantine.quarantined(self._clock.now())}
        return scene_key(scene), self._streams.waiting() | quarantined

    def _cached_ads(self, key: Hashable, at: datetime) -> EligibleAds | None:
        cached = self._eligible
        return cached[2] if cached and cached[0] == key and cached[1] <= at < cached[2].until else None

    def report_missing(self) -> None:
        """Have the files fetched again that were wanted since the last call and are not here."""
        for sha256 in self._missing - self._reported:
            log.warning("asset=%s is not on this device: what shows it is passed over", sha256)
            self._content.suspect(sha256)
        self._reported = set(self._missing)

    def _path(self, sha256: str) -> str:
        try:
            path = str(self._content.asset_path(sha256))
        except NotFound:
            self._missing.add(sha256)
            return ""
        self._missing.discard(sha256)
        return path

    def _zone(self, release: Release, setting: str) -> ZoneInfo:
        zone, unknown = zone_of_venue(setting, release.zone, system_zone())
        problem = unknown or unnamed_zone(release, setting, zone)
        if problem and problem != self.problem:
            log.error("%s", problem)
        self.problem = problem
        return zone


def scene_key(scene: DeviceScene) -> Hashable:
    """Return what decisions depend on: two scenes with the same key give the same answers."""
    settings = (scene.picture_ms, scene.volume, scene.target_lufs, scene.screen_fit, scene.background)
    return scene.sha256, scene.release.booked, scene.zone.key, scene.timed, scene.budget_spent, *settings
