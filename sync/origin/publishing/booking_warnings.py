"""What the bookings of a channel cannot get, from its plan: while it is edited, and when it is published. Pure."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sync.origin.planning.campaigns import StoredCampaign
from sync.origin.planning.channel_plan import ChannelPlan
from sync.origin.planning.plan_fields import MediaFact, MediaUse
from sync.origin.planning.playlists import StoredPlaylist
from sync.origin.publishing.release_compiler import PICTURE_MS
from sync.programme.bookings.airtime import Airtime
from sync.programme.bookings.feasibility import (
    MOST_SIMULATIONS,
    MOST_WORK,
    Feasibility,
    booking_feasibility,
    first_sentences,
)
from sync.wire.release import Campaign, Daypart, Item, Line, MediaKind, Playlist, Release

OVER_FOR = timedelta(days=31)
"""A campaign that is over for longer is told no more, unless somebody changes it."""

_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class BookingReport:
    """What bookings cannot get, with the campaigns by id that are `over`, each with its sentence."""

    feasibility: Feasibility
    over: dict[str, str]

    def texts(self) -> tuple[str, ...]:
        """Return all of it as sentences, the first ones."""
        texts = [*self.over.values(), *(each.text for each in self.feasibility.shortfalls)]
        return first_sentences(texts, _MOST_TOLD)

    def short_lines(self) -> dict[str, str]:
        """Return for each line that is short, by id, why; the first reason."""
        found: dict[str, str] = {}
        for each in self.feasibility.shortfalls:
            for line in each.lines:
                found.setdefault(line.id, each.text)
        return found

    def texts_about(self, campaign: str, lines: Set[str]) -> Iterator[str]:
        """Yield the sentences about a campaign and its lines, by id."""
        if campaign in self.over:
            yield self.over[campaign]
        for each in self.feasibility.shortfalls:
            if any(line.id in lines for line in each.lines):
                yield each.text


def booking_report(plan: ChannelPlan, now: datetime, about: Set[str] | None = None, channels: int = 1) -> BookingReport:
    """Return what the bookings of a plan cannot get from `now` on; of media only their length matters.

    Where the plan has campaigns of which nothing is told, it is not told what bookings cannot get beside each other.

    With `about` only what is on air together with these lines is judged. Where one answer has the reports of several
    `channels`, they share the limits of work, so that it takes no longer.
    """
    over = {
        one.id: f"Campaign {one.name} ({one.advertiser}) ended {one.ends_at:%Y-%m-%d %H:%M} UTC: it is in no release "
        "any more. Give it a later end to show it."
        for one in plan.campaigns
        if plan.is_seen(one.id) and one.ends_at <= now and (now - OVER_FOR < one.ends_at or _is_of(one, about))
    }
    campaigns = [
        Campaign.model_construct(
            id=one.id,
            name=one.name,
            advertiser=one.advertiser,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            lines=tuple(Line.model_construct(**{**vars(line), "creatives": ()}) for line in one.lines),
        )
        for one in plan.campaigns
    ]
    zone = ZoneInfo(plan.schedule.zone or "UTC")
    feasibility = booking_feasibility(
        campaigns,
        zone,
        now,
        about=about,
        airtime=_airtime(plan, zone, now, about) if plan.playlists else None,  # else it cannot be published
        most_work=MOST_WORK // channels,
        most_simulations=MOST_SIMULATIONS // channels,
    )
    return BookingReport(replace(feasibility, shortfalls=()) if plan.has_hidden else feasibility, over)


def _is_of(campaign: StoredCampaign, lines: Set[str] | None) -> bool:
    return lines is not None and any(line.id in lines for line in campaign.lines)


def _airtime(plan: ChannelPlan, zone: ZoneInfo, now: datetime, about: Set[str] | None) -> Airtime:
    """Return what a channel shows beside ads, from when the first flight begins that is to be judged."""
    judged = [one for one in plan.campaigns if one.ends_at > now and (about is None or _is_of(one, about))]
    schedule, breaks = plan.schedule, plan.schedule.break_rule
    shortest = {line.id or "": _lengths(line.creatives, one) for one in judged for line in one.lines}
    lengths = {one.id: _lengths(one.items, one) for one in plan.playlists}
    return Airtime(
        release=Release.model_construct(
            channel=schedule.channel,
            created_at=now,
            default_playlist=schedule.default_playlist,
            playlists=tuple(_times_of(one) for one in plan.playlists),
            dayparts=tuple(Daypart.model_construct(**vars(part)) for part in schedule.dayparts),
        ),
        zone=zone,
        begins=max(now, min((one.starts_at for one in judged), default=now)),
        break_ms={name: breaks.every_items * sum(each) // len(each) for name, each in lengths.items() if each},
        shortest_ms={line: min(each) for line, each in shortest.items() if each},
    )


def _times_of(playlist: StoredPlaylist) -> Playlist:
    items = (
        Item.model_construct(id="", title="", asset="", starts_at=item.starts_at, ends_at=item.ends_at)
        for item in playlist.items
    )
    return Playlist.model_construct(id=playlist.id, name=playlist.name, items=tuple(items))


def _lengths(shown: Iterable[MediaUse], of: StoredCampaign | StoredPlaylist) -> list[int]:
    """Return how long each of these is shown, in milliseconds; nothing if that is not known of all."""
    found = [_length_ms(each, of.media[each.media]) for each in shown]
    return [each for each in found if each is not None] if None not in found else []


def _length_ms(shown: MediaUse, fact: MediaFact) -> int | None:
    asset = fact.asset
    if asset is not None and asset.kind is MediaKind.PICTURE:
        return shown.duration_ms or PICTURE_MS
    known = [each for each in (shown.duration_ms, asset and asset.duration_ms) if each]
    return min(known, default=None)
