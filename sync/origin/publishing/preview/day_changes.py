"""Pure: what a day would show before and after a release: what is on air exactly, and ads as chances for a slot.

Which ad comes in which break differs from screen to screen: it follows from what that screen has shown before. Its
share of the slots is the same on all of them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from sync.origin.planning.venue_days import zone_named
from sync.programme.ad_eligibility import EligibleAds, eligible_ads
from sync.programme.ad_shares import ONE_PLAY
from sync.programme.items_and_breaks import is_valid
from sync.programme.schedule import Programme, stretches
from sync.wire.release import Item, Release
from sync.wire.value_types import Instant, Wire

Shown = TypeVar("Shown")

MOST_TIMES = 500
MOST_AD_TIMES = 100
MOST_TITLES = 20
MOST_LINES = 50


class ShownTime(Wire):
    """What is on air: the playlist and its daypart (None: it is the default), with the items in its rotation.

    `titles` are the first items, `items` how many there are. No playlist: nothing.
    """

    playlist: str | None = None
    playlist_name: str | None = None
    daypart: str | None = None
    daypart_name: str | None = None
    titles: tuple[str, ...] = ()
    items: int = 0


class ProgrammeChange(Wire):
    """A time of the day, and what is on air in it; `before` None: nothing was published."""

    starts_at: Instant
    ends_at: Instant
    changed: bool
    before: ShownTime | None
    after: ShownTime


class AdChance(Wire):
    """Which part of the ad slots a line gets while it may be shown, 0 to 1."""

    line: str
    name: str
    campaign: str
    advertiser: str
    share: float


class AdsChange(Wire):
    """A time of the day, and the lines that share its ad slots, the largest share first; of many the first 50."""

    starts_at: Instant
    ends_at: Instant
    changed: bool
    before: tuple[AdChance, ...]
    after: tuple[AdChance, ...]


class DayChanges(Wire):
    """A day before and after. `more`: there are more times in it than these first ones."""

    starts_at: Instant
    ends_at: Instant
    programme: tuple[ProgrammeChange, ...]
    ads: tuple[AdsChange, ...]
    more: bool = False


def day_changes(before: Release | None, after: Release, at: datetime, until: datetime) -> DayChanges:
    """Return what a day from `at` to `until` shows by two releases."""
    programme = tuple(islice(_programme(before, after, at, until), MOST_TIMES + 1))
    ads = tuple(islice(_ads(before, after, at, until), MOST_AD_TIMES + 1))
    return DayChanges(
        starts_at=at,
        ends_at=until,
        programme=programme[:MOST_TIMES],
        ads=ads[:MOST_AD_TIMES],
        more=len(programme) > MOST_TIMES or len(ads) > MOST_AD_TIMES,
    )


class _OnAir(NamedTuple):
    programme: Programme
    items: tuple[Item, ...]


def _programme(before: Release | None, after: Release, at: datetime, until: datetime) -> Iterator[ProgrammeChange]:
    old = [] if before is None else _on_air(before, at, until)
    for starts, ends, was, comes in _beside(old, _on_air(after, at, until), until):
        assert comes is not None, "the release after has something, or nothing, at any time"
        yield ProgrammeChange(
            starts_at=starts,
            ends_at=ends,
            changed=was is None or _differ(was, comes),
            before=None if was is None else _shown(was),
            after=_shown(comes),
        )


def _differ(was: _OnAir, comes: _OnAir) -> bool:
    old, new = was.programme, comes.programme
    ids = [(one.playlist and one.playlist.id, one.daypart and one.daypart.id) for one in (old, new)]
    return ids[0] != ids[1] or was.items != comes.items


def _on_air(release: Release, at: datetime, until: datetime) -> list[tuple[datetime, _OnAir]]:
    """Return from when on what is on air, also where only an item begins or ends."""
    found: list[tuple[datetime, _OnAir]] = []
    for stretch in stretches(release, _zone(release), at, until):
        items = stretch.programme.playlist.items if stretch.programme.playlist else ()
        edges = {edge for item in items for edge in (item.starts_at, item.ends_at) if edge is not None}
        inside = sorted(edge for edge in edges if stretch.starts_at < edge < stretch.programme.until)
        for starts in (stretch.starts_at, *inside):
            found.append((starts, _OnAir(stretch.programme, tuple(one for one in items if is_valid(one, starts)))))
            if len(found) > MOST_TIMES:
                return found
    return found


def _shown(one: _OnAir) -> ShownTime:
    playlist, daypart = one.programme.playlist, one.programme.daypart
    return ShownTime(
        playlist=playlist.id if playlist else None,
        playlist_name=playlist.name if playlist else None,
        daypart=daypart.id if daypart else None,
        daypart_name=daypart.name if daypart else None,
        titles=tuple(item.title for item in one.items[:MOST_TITLES]),
        items=len(one.items),
    )


def _ads(before: Release | None, after: Release, at: datetime, until: datetime) -> Iterator[AdsChange]:
    old = [] if before is None else _chances(before, at, until)
    for starts, ends, was, comes in _beside(old, _chances(after, at, until), until):
        was, comes = was or (), comes or ()
        if was or comes:
            shown = was[:MOST_LINES], comes[:MOST_LINES]
            yield AdsChange(starts_at=starts, ends_at=ends, changed=was != comes, before=shown[0], after=shown[1])


def _chances(release: Release, at: datetime, until: datetime) -> list[tuple[datetime, tuple[AdChance, ...]]]:
    """Return from when on which lines share the slots."""
    flying = [one for one in release.campaigns if one.starts_at < until and at < one.ends_at]
    zone, found = _zone(release), list[tuple[datetime, tuple[AdChance, ...]]]()
    while at < until and len(found) <= MOST_AD_TIMES:
        ads = eligible_ads(flying, zone, at, playable=lambda _: True, length_ms=lambda one: one.duration_ms)
        found.append((at, tuple(_by_share(ads))))
        at = ads.until
    return found


def _by_share(ads: EligibleAds) -> Iterator[AdChance]:
    for entry in sorted(ads.lines, key=lambda one: -one.share):
        yield AdChance(
            line=entry.line.id,
            name=entry.line.name,
            campaign=entry.campaign.name,
            advertiser=entry.campaign.advertiser,
            share=round(entry.share / ONE_PLAY, 4),
        )


def _beside(
    old: Sequence[tuple[datetime, Shown]], new: Sequence[tuple[datetime, Shown]], until: datetime
) -> Iterator[tuple[datetime, datetime, Shown | None, Shown | None]]:
    """Yield times in which neither side changes, with what each side has then."""
    starts = sorted({at for at, _ in (*old, *new)})
    places, sides = [0, 0], (old, new)
    for at, ends in zip(starts, [*starts[1:], until], strict=True):
        for number, side in enumerate(sides):
            while places[number] < len(side) and side[places[number]][0] <= at:
                places[number] += 1
        was, comes = (side[place - 1][1] if place else None for side, place in zip(sides, places, strict=True))
        yield at, ends, was, comes


def _zone(release: Release) -> ZoneInfo:
    return zone_named(release.zone or "UTC")
