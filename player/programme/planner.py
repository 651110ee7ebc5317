"""What comes next, and how long what is on may stay: where schedule, rotation and ads meet.

Nothing here waits or writes: a forecast runs the same code under another clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from player.programme.ad_eligibility import EligibleAds, eligible_ads
from player.programme.ad_selection import AdState, Choice, select_ad
from player.programme.loudness import corrected_volume
from player.programme.proof_of_play import Take
from player.programme.rotation import AdSlot, Nothing, Rotation, next_entry
from player.programme.schedule import Programme, programme_at
from player.protocol.screen import Shot
from sync.wire.release import Asset, AtEnd, Creative, Fit, Item, MediaKind, Release, Stream
from sync.wire.report import PlayKind

EARLY = timedelta(milliseconds=500)
"""A daypart may begin so much early, rather than an item of the one before flash up for an instant."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the programme remembers from one decision to the next."""

    rotation: Rotation
    ads: AdState


@dataclass(frozen=True, slots=True)
class Scene:
    """All a decision looks at beside the time: content, place, and what of it can be shown.

    `timed` False: the clock is not to be believed. `assets` and `streams` are those of the release by hash, `fit` tells
    whether one is to be tried, `path` where it lies (empty: it is gone); `volume` is the device's, 0 to 100, until
    `volume_until`, `target_lufs` how loud all should be (None: as it is); `screen_fit` and `background` count for what
    says neither.
    """

    release: Release
    sha256: str
    zone: ZoneInfo
    timed: bool
    picture_ms: int
    volume: int
    volume_until: datetime
    target_lufs: float | None
    screen_fit: Fit
    background: str
    assets: dict[str, Asset]
    streams: dict[str, Stream]
    fit: Callable[[str], bool]
    path: Callable[[str], str]

    def playable(self, asset: str) -> bool:
        """Tell whether an asset may be tried."""
        return self.lists(asset) and self.fit(asset)

    def lists(self, asset: str) -> bool:
        """Tell whether the release has an asset or stream."""
        return asset in self.assets or asset in self.streams

    def length_ms(self, asset: str, duration_ms: int | None, *, loop: bool = False) -> int | None:
        """Return how long a shot will run; None when only its end will tell."""
        if asset in self.streams or (loop and duration_ms is not None):
            return duration_ms
        media = self.assets[asset]
        if media.kind is MediaKind.PICTURE:
            return duration_ms or self.picture_ms
        known = [length for length in (duration_ms, media.duration_ms) if length is not None]
        return min(known, default=None)

    def slate(self, at: datetime) -> EligibleAds:
        """Return the ads that may be shown at an instant, and until when that holds."""
        return eligible_ads(
            self.release.campaigns,
            self.zone,
            at,
            playable=lambda creative: self.playable(creative.asset),
            timed=self.timed,
            length_ms=lambda creative: self.length_ms(creative.asset, creative.duration_ms),
        )

    def programme(self, at: datetime) -> Programme:
        """Return what is on air at an instant, or within `EARLY` of it."""
        programme = programme_at(self.release, self.zone, at, timed=self.timed)
        if programme.until - at < EARLY:
            return programme_at(self.release, self.zone, programme.until, timed=self.timed)
        return programme


@dataclass(frozen=True, slots=True)
class Planned:
    """The next take, its programme, and the memory once it is reserved. `bound`: it goes when its daypart ends.

    `volume` is the item's own; the shot's is what came of it.
    """

    take: Take
    shot: Shot
    programme: Programme
    memory: Memory
    bound: bool
    volume: int


@dataclass(frozen=True, slots=True)
class Idle:
    """There is nothing to show, and why; ask again at `until` or when something changed."""

    until: datetime
    why: str


def decide(scene: Scene, ads: EligibleAds | None, memory: Memory, at: datetime, take: str) -> Planned | Idle:
    """Return what to show at `at` as `take`; `ads` None leaves breaks out, and they stay owed."""
    programme = scene.programme(at)
    if programme.playlist is None:
        return Idle(programme.until, programme.why)
    lines = ads is not None and bool(ads.lines)
    rotation = memory.rotation
    while True:
        step, rotation = next_entry(
            rotation,
            programme.playlist,
            scene.release.break_rule,
            at,
            playable=lambda item: scene.playable(item.asset),
            ads=lines,
        )
        if isinstance(step, Nothing):
            why = f"nothing of playlist {programme.playlist.name} can be shown now"
            return Idle(min(step.until, programme.until), why)
        if not isinstance(step, AdSlot):
            planned = _item(scene, step.item, programme, memory, take)
            bound = step.item.at_end is AtEnd.CUT
            return replace(planned, memory=replace(memory, rotation=rotation), bound=bound)
        fits_ms = (programme.until - at) // timedelta(milliseconds=1)
        choice, state = select_ad(memory.ads, ads, fits_ms=fits_ms) if ads is not None else (None, memory.ads)
        if choice is not None:
            return _ad(scene, choice, programme, Memory(rotation, state), take)


def insert(scene: Scene, item: Item, memory: Memory, at: datetime, take: str, longest_ms: int) -> Planned:
    """Return a take of this very item, to its own end, that moves nothing else.

    `longest_ms` ends what may have none of its own, such as a stream.
    """
    programme = replace(scene.programme(at), why="an operator asked for it")
    planned = _item(scene, item, programme, memory, take)
    if planned.take.expected_ms is not None:
        return planned
    return replace(planned, shot=planned.shot.model_copy(update={"duration_ms": longest_ms}))


def stays_until(scene: Scene, planned: Planned, at: datetime) -> datetime | None:
    """Return when what is on air must go, None for its own end; an answer not after `at` means at once."""
    if not scene.lists(planned.take.asset):
        return at
    if not planned.bound:
        return None
    programme = scene.programme(at)
    same = programme.playlist is not None and programme.playlist.id == planned.take.playlist
    return programme.until if same else at


def take_volume(scene: Scene, planned: Planned) -> int:
    """Return how loud a take has to be now."""
    return _heard_at(scene, planned.take.asset, planned.volume)


def _heard_at(scene: Scene, name: str, volume: int) -> int:
    asset = scene.assets.get(name)
    return corrected_volume(volume, scene.volume, asset.loudness_lufs if asset else None, scene.target_lufs)


def _item(scene: Scene, item: Item, programme: Programme, memory: Memory, take: str) -> Planned:
    expected_ms = scene.length_ms(item.asset, item.duration_ms, loop=item.loop)
    record = Take(
        take=take,
        kind=PlayKind.ITEM,
        release=scene.sha256,
        asset=item.asset,
        title=item.title,
        zone=scene.zone.key,
        expected_ms=expected_ms,
        playlist=programme.playlist.id if programme.playlist else None,
        item=item.id,
    )
    return Planned(record, _shot(scene, item, take), programme, memory, bound=False, volume=item.volume)


def _ad(scene: Scene, choice: Choice, programme: Programme, memory: Memory, take: str) -> Planned:
    creative = choice.creative
    record = Take(
        take=take,
        kind=PlayKind.AD,
        release=scene.sha256,
        asset=creative.asset,
        title=creative.title,
        zone=scene.zone.key,
        expected_ms=scene.length_ms(creative.asset, creative.duration_ms),
        playlist=programme.playlist.id if programme.playlist else None,
        campaign=choice.campaign.id,
        advertiser=choice.advertiser,
        line=choice.line.id,
        creative=creative.id,
        relaxed=choice.relaxed,
        choice=choice.id,
    )
    return Planned(record, _shot(scene, creative, take), programme, memory, bound=False, volume=creative.volume)


def _shot(scene: Scene, what: Item | Creative, take: str) -> Shot:
    asset, stream = scene.assets.get(what.asset), scene.streams.get(what.asset)
    kind = asset.kind if asset else MediaKind.STREAM
    loop = isinstance(what, Item) and what.loop and what.duration_ms is not None and kind is MediaKind.VIDEO
    return Shot(
        take=take,
        path=scene.path(what.asset) if asset else "",
        url=stream.url if stream else None,
        kind=kind,
        duration_ms=what.duration_ms or (scene.picture_ms if kind is MediaKind.PICTURE else None),
        length_ms=asset.duration_ms if asset and kind is MediaKind.VIDEO else None,
        loop=loop,
        fit=what.fit or scene.screen_fit,
        background=what.background or scene.background,
        volume=_heard_at(scene, what.asset, what.volume),
    )
