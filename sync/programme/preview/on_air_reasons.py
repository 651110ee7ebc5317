"""Pure: why each daypart, item and ad line is on air at a time, or is not, from the answers of the engines."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync.formatting import local_text
from sync.programme.ad_eligibility import EligibleAds, EligibleLine, shares_of
from sync.programme.ad_selection import AdHead
from sync.programme.ad_separation import AdSeparation
from sync.programme.ad_shares import ONE_PLAY, Account, rebase_accounts
from sync.programme.next_take import Memory, Scene
from sync.programme.schedule import Programme
from sync.programme.weekly_windows import HORIZON, VenueTime, span_of, window_state
from sync.wire.release import Campaign, Daypart, Item, Line
from sync.wire.value_types import Instant, Wire
from sync.words.on_air import ON_AIR
from sync.words.sentences import Told

Blocked = Callable[[str], str]
"""Returns why an asset cannot be shown; empty: it can."""


class Verdict(Wire):
    """Whether one thing is on air (for an ad: may be shown), and why or why not; in words, and as code with values."""

    id: str
    name: str
    on: bool
    why: str
    why_told: Told = Told()
    until: Instant | None = None  # when that changes, if it is known


class AdVerdict(Verdict):
    """The verdict on an ad line; `share` is its part of the slots while it may be shown."""

    campaign: str
    advertiser: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of the verdicts, and what they depend on."""

    scene: Scene
    memory: Memory
    at: datetime
    blocked: Blocked

    def local(self, at: datetime) -> str:
        """Return `at` as text in the time zone of the venue."""
        return local_text(at, self.scene.zone)


def dayparts(moment: Moment, programme: Programme) -> Iterator[Verdict]:
    """Yield each daypart of the release, the highest priority first."""
    for daypart in sorted(moment.scene.release.dayparts, key=lambda each: -each.priority):
        opened, changes = window_state([daypart], moment.scene.zone, moment.at)
        on = programme.daypart is not None and programme.daypart.id == daypart.id
        why = programme.why if on else _off(moment, daypart, programme, opened=opened, changes=changes)
        known = _known(moment, changes)
        yield Verdict(id=daypart.id, name=daypart.name, on=on, why=why, why_told=ON_AIR.told(why), until=known)


def open_daypart(moment: Moment, daypart: Daypart, programme: Programme) -> Verdict:
    """Return the verdict on a daypart that is open and not on air; when that changes is left open."""
    why = _off(moment, daypart, programme, opened=True, changes=moment.at)
    return Verdict(id=daypart.id, name=daypart.name, on=False, why=why, why_told=ON_AIR.told(why))


def _off(moment: Moment, daypart: Daypart, programme: Programme, *, opened: bool, changes: datetime) -> str:
    winner, playlists = programme.daypart, {playlist.id: playlist for playlist in moment.scene.release.playlists}
    if daypart.playlist not in playlists:
        return ON_AIR.say("no_playlist")
    if not moment.scene.timed:
        return ON_AIR.say("timed")
    if not opened:
        return _closed(moment, changes)
    if any(daypart.id == each.id for each in programme.passed):
        items = playlists[daypart.playlist].items
        return ON_AIR.say("no_item_now", why=_first(moment, items)) if items else ON_AIR.say("no_items")
    if winner is None:
        return ON_AIR.say("ends_now")
    if winner.priority > daypart.priority:
        return ON_AIR.say("outranked", winner=winner.name, priority=winner.priority, own=daypart.priority)
    wall = VenueTime(moment.scene.zone, moment.at, moment.at + HORIZON).wall(moment.at)
    later = span_of(winner).opened(wall) != span_of(daypart).opened(wall)
    return ON_AIR.say("opened_earlier" if later else "stands_behind", winner=winner.name)


def _closed(moment: Moment, opens: datetime) -> str:
    if _known(moment, opens) is None:
        return ON_AIR.say("closed_for_long", days=HORIZON.days)
    return ON_AIR.say("closed", when=moment.local(opens))


def _first(moment: Moment, items: Sequence[Item]) -> str:
    more = len(items) - 3
    reasons = (f"{item.title}: {_item_off(moment, item)}" for item in items[:3])
    return "; ".join(reasons) + (f"; and {more} more" if more > 0 else "")


def items(moment: Moment, programme: Programme) -> Iterator[Verdict]:
    """Yield each item of the playlist on air."""
    for item in programme.playlist.items if programme.playlist else ():
        off = _item_off(moment, item)
        why = off or ON_AIR.say("item")
        told = ON_AIR.told(why)
        yield Verdict(id=item.id, name=item.title, on=not off, why=why, why_told=told, until=item.ends_at)


def _item_off(moment: Moment, item: Item) -> str:
    if item.starts_at is not None and moment.at < item.starts_at:
        return ON_AIR.say("starts_later", when=moment.local(item.starts_at))
    if item.ends_at is not None and moment.at >= item.ends_at:
        return ON_AIR.say("ended", when=moment.local(item.ends_at))
    return moment.blocked(item.asset)


def ads(moment: Moment, eligible: EligibleAds, programme: Programme) -> Iterator[AdVerdict]:
    """Yield each line of each campaign; first those that may be shown."""
    entries = {entry.line.id: entry for entry in eligible.lines}
    lines = [(campaign, line) for campaign in moment.scene.release.campaigns for line in campaign.lines]
    fits_ms = (programme.until - moment.at) // timedelta(milliseconds=1)
    head = moment.memory.ads.head
    accounts = rebase_accounts(moment.memory.ads.accounts, shares_of(eligible), eligible.known_lines, head.slot)
    for campaign, line in sorted(lines, key=lambda each: each[1].id not in entries):
        entry = entries.get(line.id)
        why = _may_be_shown(head, accounts[line.id], entry, fits_ms) if entry else _line_off(moment, campaign, line)
        yield AdVerdict(
            id=line.id,
            name=line.name,
            on=entry is not None,
            why=why,
            why_told=ON_AIR.told(why),
            until=campaign.ends_at if entry else None,
            campaign=campaign.name,
            advertiser=campaign.advertiser,
            share=round(entry.share / ONE_PLAY, 4) if entry else None,
        )


def _line_off(moment: Moment, campaign: Campaign, line: Line) -> str:
    if moment.at < campaign.starts_at:
        return ON_AIR.say("flight_starts_later", when=moment.local(campaign.starts_at))
    if moment.at >= campaign.ends_at:
        return ON_AIR.say("flight_ended", when=moment.local(campaign.ends_at))
    if line.windows and not moment.scene.timed:
        return ON_AIR.say("timed")
    opened, changes = window_state(line.windows, moment.scene.zone, moment.at)
    if not opened:
        return _closed(moment, changes)
    reasons = [(creative.title, moment.blocked(creative.asset)) for creative in line.creatives]
    if not all(why for _, why in reasons):
        return ON_AIR.say("sold_out")
    return "; ".join(f"{title}: {why}" for title, why in reasons)


def _may_be_shown(head: AdHead, account: Account, entry: EligibleLine, fits_ms: int) -> str:
    """Return what prevents a line that may be shown from being the next ad."""
    separation = AdSeparation(head.recent)
    counts = {"category": separation.category(entry), "advertiser": separation.advertiser(entry)}
    waits = [f"{count} other ads must come before this {kind} again" for kind, count in counts.items() if count]
    if not entry.creatives_within(fits_ms):
        waits.append("none of its creatives ends before the programme ends")
    if entry.line.id == head.tried:
        waits.append("it was chosen last")
    if account.ahead(head.slot):
        waits.append("it has had more than its share")
    return ON_AIR.say("ad_waits", why=", ".join(waits)) if waits else ON_AIR.say("ad")


def _known(moment: Moment, changes: datetime) -> datetime | None:
    """Return when something changes; None: not within the time that the engine looks ahead."""
    return changes if changes < moment.at + HORIZON else None
