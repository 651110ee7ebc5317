"""A made-up booking for the benchmark of ads: thousands of lines with shares, gaps, windows, flights and lengths."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sync.wire.release import (
    Asset,
    BreakRule,
    Campaign,
    Creative,
    Daypart,
    Item,
    Line,
    LocalWindow,
    MediaKind,
    Playlist,
    Release,
)

CATEGORIES, LINES_OF_AN_ADVERTISER, LINES_OF_A_CAMPAIGN = 24, 5, 5
BOUGHT_PPM = 500_000  # of the lines that have a share; the others divide the rest
LENGTHS_MS = (5_000, 10_000, 15_000, 20_000, 30_000, 60_000)
ITEM_MS, ADS_OF_A_BREAK = 120_000, 3
DAYPARTS: tuple[tuple[LocalWindow, ...], ...] = (
    (),
    (LocalWindow(start="06:00", end="12:00"),),
    (LocalWindow(start="12:00", end="18:00"),),
    (LocalWindow(start="16:00", end="02:00"),),
    (LocalWindow(weekdays=(6, 7), start="00:00", end="24:00"),),
)


@dataclass(frozen=True, eq=False)
class Booking:
    """Campaigns with the media they show, by hash; those in `broken` cannot be shown."""

    campaigns: tuple[Campaign, ...]
    assets: dict[str, Asset]
    broken: frozenset[str]

    def release(self, at: datetime, zone: str) -> Release:
        """Return the release of this booking: a loop, another one at night, and a break after each item."""
        shown = asset("item", ITEM_MS)
        loops = [Playlist(id=name, name=name, items=tuple(_items(name, shown.sha256))) for name in ("day", "night")]
        days = tuple(range(1, 8))
        night = Daypart(id="night", name="night", playlist="night", weekdays=days, start="00:30", end="06:00")
        return Release(
            channel="main",
            created_at=at,
            zone=zone,
            default_playlist="day",
            playlists=tuple(loops),
            dayparts=(night,),
            campaigns=self.campaigns,
            break_rule=BreakRule(every_items=1, ads=ADS_OF_A_BREAK),
            assets=(shown, *self.assets.values()),
        )


def _items(playlist: str, shown: str) -> Iterator[Item]:
    for number in range(10):
        yield Item(id=f"{playlist}-{number}", title=f"item {number}", asset=shown, duration_ms=ITEM_MS)


def asset(name: str, length_ms: int) -> Asset:
    """Return a film of this length."""
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return Asset(
        sha256=sha256,
        size_bytes=1_000_000,
        index=sha256,
        kind=MediaKind.VIDEO,
        media_type="video/mp4",
        width=1920,
        height=1080,
        duration_ms=length_ms,
    )


def make_booking(random: Random, lines: int, start: datetime, *, broken: float) -> Booking:
    """Book so many lines for a week. A hundredth (at least 20) bought a share, others have weights by Zipf's law."""
    bought = max(20, lines // 100)
    shares = [random.random() + 0.1 for _ in range(bought)]
    total = sum(shares)
    assets: dict[str, Asset] = {}
    wrong: set[str] = set()
    booked = []
    for number in range(lines):
        spots = [_spot(random, f"l{number:05}-{each}", assets) for each in range(random.choice((1, 1, 2)))]
        if number >= bought and random.random() < broken:
            wrong |= {spot.asset for spot in spots}
        booked.append(
            Line(
                id=f"l{number:05}",
                name=f"line {number}",
                creatives=tuple(spots),
                category=f"category {number % CATEGORIES}",
                share_ppm=round(BOUGHT_PPM * shares[number] / total) if number < bought else None,
                weight=max(1, round(1_000_000 / (number - bought + 5))) if number >= bought else 1,
                windows=() if number < bought else random.choice(DAYPARTS),
                category_gap=random.choice((0, 1, 2)),
                advertiser_gap=random.choice((1, 2, 4)),
            )
        )
    random.shuffle(booked)
    return Booking(tuple(_campaigns(random, booked, start, "c")), assets, frozenset(wrong))


def _spot(random: Random, name: str, assets: dict[str, Asset]) -> Creative:
    film = asset(name, random.choice(LENGTHS_MS))
    assets[film.sha256] = film
    return Creative(id=name, title=name, asset=film.sha256)


def _campaigns(random: Random, lines: Sequence[Line], start: datetime, prefix: str) -> Iterator[Campaign]:
    for number, first in enumerate(range(0, len(lines), LINES_OF_A_CAMPAIGN)):
        begins, ends = start - timedelta(days=3), start + timedelta(days=10)
        if random.random() < 0.05:  # its flight begins or ends within the week
            edge = start + timedelta(hours=random.randrange(1, 167))
            begins, ends = random.choice(((begins, edge), (edge, ends)))
        name = f"{prefix}{number:05}"
        yield Campaign(
            id=name,
            name=name,
            advertiser=f"advertiser {number * LINES_OF_A_CAMPAIGN // LINES_OF_AN_ADVERTISER}",
            starts_at=begins,
            ends_at=ends,
            lines=tuple(lines[first : first + LINES_OF_A_CAMPAIGN]),
        )


def churned(random: Random, booking: Booking, part: float, sync: int, start: datetime) -> tuple[Booking, set[str]]:
    """Replace a part of the campaigns by new ones; return the ids of the lines that are gone, too."""
    gone = set(random.sample(range(len(booking.campaigns)), max(1, round(len(booking.campaigns) * part))))
    assets, kept, fresh = dict(booking.assets), [], []
    for number, campaign in enumerate(booking.campaigns):
        if number not in gone:
            kept.append(campaign)
            continue
        for line in campaign.lines:
            spot = _spot(random, f"s{sync}-{line.id}", assets)
            fresh.append(line.model_copy(update={"id": f"s{sync}-{line.id}"[:60], "creatives": (spot,)}))
    removed = {line.id for number in gone for line in booking.campaigns[number].lines}
    new = tuple(_campaigns(random, fresh, start, f"s{sync}-"))
    return Booking((*kept, *new), assets, booking.broken), removed
