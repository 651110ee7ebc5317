"""What a decision looks at, gathered: the active release, the venue, the clock, and what failed before."""

import asyncio
import logging
from collections.abc import Callable, Hashable
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from player.director.backoff import StreamBackoff
from player.evidence.quarantine import Quarantine
from player.programme.ad_eligibility import EligibleAds
from player.programme.loudness import screen_volume
from player.programme.planner import Scene
from player.programme.schedule import zone_named
from player.settings.model import Settings
from sync.device.store.content_store import ActiveRelease
from sync.errors import NotFound
from sync.runtime.clock import Clock, ClockTrust

log = logging.getLogger(__name__)


class ReleaseSource(Protocol):
    """What plays and where its files lie; `sync.device.store.content_store.ContentStore` is one."""

    def active(self) -> ActiveRelease | None:
        """Return the release that plays, None before the first."""

    def asset_path(self, sha256: str) -> Path:
        """Return where a whole asset lies; raises NotFound."""


class SceneLoader:
    """Makes scenes. The release is read again only after `refresh`; the slate of ads is kept while it holds."""

    def __init__(
        self,
        content: ReleaseSource,
        clock: Clock,
        settings: Callable[[], Settings],
        quarantine: Quarantine,
        away: StreamBackoff,
    ) -> None:
        self.problem = ""
        self._content = content
        self._clock = clock
        self._settings = settings
        self._quarantine = quarantine
        self._away = away
        self._active: ActiveRelease | None = None
        self._wanted, self._seen = 1, 0  # how often a look at the files was asked for, and which of them was had
        self._slate: tuple[Hashable, datetime, EligibleAds] | None = None

    def refresh(self) -> None:
        """Note that another release may be active."""
        self._wanted += 1

    async def load(self) -> Scene | None:
        """Return what a decision sees now, None without content."""
        wanted = self._wanted
        if self._seen != wanted:
            self._active = await asyncio.to_thread(self._content.active)
            self._seen = wanted
        if self._active is None:
            return None
        release, settings = self._active.release, self._settings()
        now = self._clock.now()
        # No time service, and earlier than the content itself was made: the clock of a device without a battery.
        timed = self._clock.trust() is ClockTrust.SYNCED or now >= release.created_at
        zone, playback, audio = self._zone(settings.venue.zone or release.zone), settings.playback, settings.audio
        loud = screen_volume(settings, zone, now, timed=timed)
        return Scene(
            release=release,
            sha256=self._active.sha256,
            zone=zone,
            timed=timed,
            picture_ms=playback.picture_ms,
            volume=loud.volume,
            volume_until=loud.until,
            target_lufs=audio.target_lufs if audio.normalise else None,
            screen_fit=playback.fit,
            background=playback.background,
            assets={asset.sha256: asset for asset in release.assets},
            streams={stream.sha256: stream for stream in release.streams},
            fit=lambda asset: not self._quarantine.holds(asset, now) and not self._away.holds(asset),
            path=self._path,
        )

    def slate(self, scene: Scene, at: datetime) -> EligibleAds:
        """Return the ads for an instant, kept from the last time while nothing they depend on changed."""
        held = self._away.held() | {setback.asset for setback in self._quarantine.held(self._clock.now())}
        key = (scene_key(scene), held)
        if self._slate is None or self._slate[0] != key or not self._slate[1] <= at < self._slate[2].until:
            self._slate = (key, at, scene.slate(at))
        return self._slate[2]

    def _path(self, sha256: str) -> str:
        try:
            return str(self._content.asset_path(sha256))
        except NotFound:
            return ""

    def _zone(self, name: str) -> ZoneInfo:
        zone, problem = zone_named(name)
        if problem and problem != self.problem:
            log.error("%s", problem)
        self.problem = problem
        return zone


def scene_key(scene: Scene) -> Hashable:
    """Return what makes decisions of one scene hold in another: the same key, the same answers."""
    own = (scene.picture_ms, scene.volume, scene.target_lufs, scene.screen_fit, scene.background)
    return scene.sha256, scene.zone.key, scene.timed, *own
