"""Plans the next take from schedule, rotation and ads, and says how long the take on air may stay.

Nothing here waits or writes: a forecast runs the same code with another clock.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from sync.programme.ad_eligibility import EligibleAds, eligible_ads
from sync.programme.ad_selection import AdState, Choice, select_ad
from sync.programme.items_and_breaks import AdSlot, NothingToShow, Rotation, is_over, next_entry
from sync.programme.schedule import Programme, programme_at
from sync.programme.take import Take
from sync.wire.device_reports import PlayKind
from sync.wire.release import Asset, AtEnd, Creative, Item, MediaKind, Release, Stream

EARLY_START = timedelta(milliseconds=500)
"""A daypart may begin so much early, so that no item of the one before is shown for an instant only."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the programme remembers from one decision to the next."""

    rotation: Rotation
    ads: AdState


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a decision depends on, apart from the time: the content, the place, and what of it can be shown.

    `timed` False: the clock is not trusted, and nothing that depends on the time is shown. A picture without a length
    stays for `picture_ms`. `assets` and `streams` are those of the release, by hash. `may_try` returns whether one may
    be tried.
    """

    release: Release
    sha256: str
    zone: ZoneInfo
    timed: bool
    picture_ms: int
    assets: dict[str, Asset]
    streams: dict[str, Stream]
    may_try: Callable[[str], bool]
    budget_spent: bool = field(default=False, kw_only=True)  # of the month's bytes: streams that end with it are out

    def shows(self, item: Item) -> bool:
        """Return whether an item may be shown."""
        return self.present(item.asset) and not (self.budget_spent and self._ends_with_budget(item))

    def out_of_budget(self, take: Take) -> bool:
        """Return whether a take is of a stream that ends because the budget is spent."""
        items = (item for playlist in self.release.playlists for item in playlist.items if item.id == take.item)
        return self.budget_spent and any(self._ends_with_budget(item) for item in items)

    def _ends_with_budget(self, item: Item) -> bool:
        return item.ends_with_budget and item.asset in self.streams

    def playable(self, asset: str) -> bool:
        """Return whether an asset or stream may be shown."""
        return self.contains(asset) and self.may_try(asset)

    def streams_to_come(self, at: datetime) -> frozenset[str]:
        """Return the streams that are shown at `at` or later: those of items and campaigns that are not over."""
        items = (item for playlist in self.release.playlists for item in playlist.items if not is_over(item, at))
        lines = (line for one in self.release.campaigns if at < one.ends_at for line in one.lines)
        names = {*(item.asset for item in items), *(creative.asset for line in lines for creative in line.creatives)}
        return frozenset(names & self.streams.keys())

    def contains(self, asset: str) -> bool:
        """Return whether the release has an asset or stream."""
        return asset in self.assets or asset in self.streams

    def length_ms(self, asset: str, duration_ms: int | None, *, loop: bool = False) -> int | None:
        """Return how long a shot will run; None when that is not known before its end."""
        if asset in self.streams or (loop and duration_ms is not None):
            return duration_ms
        media = self.assets[asset]
        if media.kind is MediaKind.PICTURE:
            return duration_ms or self.picture_ms
        known = [length for length in (duration_ms, media.duration_ms) if length is not None]
        return min(known, default=None)

    def eligible_ads(self, at: datetime) -> EligibleAds:
        """Return the ads that may be shown at an instant, and until when that holds."""
        return eligible_ads(
            self.release.campaigns,
            self.zone,
            at,
            playable=lambda creative: self.playable(creative.asset),
            timed=self.timed,
            length_ms=lambda creative: self.length_ms(creative.asset, creative.duration_ms),
        )

    def without(self, playlists: Collection[str]) -> Self:
        """Return the scene as if these playlists were not in the release."""
        release = self.release
        default = None if release.default_playlist in playlists else release.default_playlist
        dayparts = tuple(daypart for daypart in release.dayparts if daypart.playlist not in playlists)
        changed = release.model_copy(update={"default_playlist": default, "dayparts": dayparts})
        return replace(self, release=changed)

    def present(self, asset: str) -> bool:
        """Return whether an asset or stream may be shown, and is here."""
        return self.playable(asset)

    def programme(self, at: datetime, on_air: str = "") -> Programme:
        """Return what is on air at an instant, or within `EARLY_START` of it; the asset `on_air` can be shown."""

        def playable(item: Item) -> bool:
            return item.asset == on_air or self.shows(item)

        programme = programme_at(self.release, self.zone, at, timed=self.timed, playable=playable)
        if programme.until - at < EARLY_START:
            return programme_at(self.release, self.zone, programme.until, timed=self.timed, playable=playable)
        return programme


@dataclass(frozen=True, slots=True)
class Planned:
    """The next take with what it shows, its programme, and the memory once it is reserved.

    `ends_with_daypart`: it is cut when its daypart or its own time ends.
    """

    take: Take
    content: Item | Creative
    programme: Programme
    memory: Memory
    ends_with_daypart: bool


@dataclass(frozen=True, slots=True)
class Idle:
    """There is nothing to show, and why; decide again at `until`, or when something changes."""

    until: datetime
    why: str


def plan_next(scene: Scene, ads: EligibleAds | None, memory: Memory, at: datetime, take: str) -> Planned | Idle:
    """Return what to show at `at` as `take`; with `ads` None a break that is due waits."""
    programme = scene.programme(at)
    if programme.playlist is None:
        return Idle(programme.until, programme.why)
    rotation = memory.rotation
    while True:
        step, rotation = next_entry(
            rotation,
            programme.playlist,
            scene.release.break_rule,
            at,
            playable=scene.shows,
            ads=ads is not None and bool(ads.lines),
        )
        if isinstance(step, NothingToShow):
            why = f"nothing of playlist {programme.playlist.name} can be shown now"
            return Idle(min(step.until, programme.until), why)
        if not isinstance(step, AdSlot):
            planned = _item(scene, step.item, programme, memory, take)
            cut = step.item.at_end is AtEnd.CUT or planned.take.expected_ms is None  # nothing to finish
            return replace(planned, memory=replace(memory, rotation=rotation), ends_with_daypart=cut)
        fits_ms = (programme.until - at) // timedelta(milliseconds=1)
        choice, state = select_ad(memory.ads, ads, fits_ms=fits_ms) if ads is not None else (None, memory.ads)
        if choice is not None:
            return _ad(scene, choice, programme, Memory(rotation, state), take, step.position + 1)


def plan_item(scene: Scene, item: Item, memory: Memory, at: datetime, take: str) -> Planned:
    """Return a take of this item, to its own end; the programme goes on after it where it was."""
    programme = replace(scene.programme(at), why="an operator asked for it")
    return _item(scene, item, programme, memory, take)


def stays_until(scene: Scene, planned: Planned, at: datetime) -> datetime | None:
    """Return when the take on air is cut, None if it plays to its own end; not later than `at` means at once."""
    if not scene.contains(planned.take.asset):
        return at
    if not planned.ends_with_daypart:
        return None
    if scene.out_of_budget(planned.take):
        return at
    programme = scene.programme(at, on_air=planned.take.asset)
    if programme.playlist is None or programme.playlist.id != planned.take.playlist:
        return at
    ends = (item.ends_at for item in programme.playlist.items if item.id == planned.take.item)
    return min([programme.until, *(end for end in ends if end is not None)])


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
    return Planned(record, item, programme, memory, ends_with_daypart=False)


def _ad(scene: Scene, choice: Choice, programme: Programme, memory: Memory, take: str, break_slot: int) -> Planned:
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
        break_slot=break_slot,
    )
    return Planned(record, creative, programme, memory, ends_with_daypart=False)
