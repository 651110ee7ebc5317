"""Pure: why each daypart, item and line is on air at an instant or is not, in words, by the engines' own answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from player.programme.ad_eligibility import EligibleAds, EligibleLine, split_of
from player.programme.ad_pacing import ONE, Account, rebase_accounts
from player.programme.ad_selection import AdHead
from player.programme.ad_separation import AdSeparation
from player.programme.planner import Memory, Scene
from player.programme.schedule import HORIZON, Programme, window_state
from sync.wire.base import Instant, Wire
from sync.wire.release import Campaign, Daypart, Item, Line

Blocked = Callable[[str], str]
"""Why an asset cannot be shown, empty if it can."""


class Verdict(Wire):
    """One thing that may be on air: whether it is (or may be, of an ad), and why (not)."""

    id: str
    name: str
    on: bool
    why: str
    until: Instant | None = None  # when that changes, as far as one can tell


class AdVerdict(Verdict):
    """The same of an ad line; `share` of the slots is what it has while it may be shown."""

    campaign: str
    advertiser: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant, and what is asked of it."""

    scene: Scene
    memory: Memory
    at: datetime
    blocked: Blocked

    def local(self, at: datetime) -> str:
        """Return an instant as the venue's clock says it."""
        return f"{at.astimezone(self.scene.zone):%a %d %b %H:%M}"


def dayparts(moment: Moment, programme: Programme) -> Iterator[Verdict]:
    """Yield each daypart of the release, as they rank."""
    for daypart in sorted(moment.scene.release.dayparts, key=lambda each: (-each.priority, each.id)):
        opened, changes = window_state([daypart], moment.scene.zone, moment.at)
        on = programme.daypart is not None and programme.daypart.id == daypart.id
        why = programme.why if on else _off(moment, daypart, programme.daypart, opened=opened, changes=changes)
        yield Verdict(id=daypart.id, name=daypart.name, on=on, why=why, until=_known(moment, changes))


def _off(moment: Moment, daypart: Daypart, winner: Daypart | None, *, opened: bool, changes: datetime) -> str:
    if daypart.playlist not in {playlist.id for playlist in moment.scene.release.playlists}:
        return "its playlist is not in the release"
    if not moment.scene.timed:
        return "the clock is not set, so nothing bound to a time is on"
    if not opened:
        known = _known(moment, changes)
        return f"closed until {moment.local(changes)}" if known else "does not open in the next 8 days"
    if winner is None:
        return "it is about to end"
    if winner.priority > daypart.priority:
        return f"open, but {winner.name} has priority {winner.priority} over {daypart.priority}"
    return f"open, but {winner.name} of the same priority comes first"


def items(moment: Moment, programme: Programme) -> Iterator[Verdict]:
    """Yield each item of the playlist on air."""
    for item in programme.playlist.items if programme.playlist else ():
        why = _item_off(moment, item)
        yield Verdict(id=item.id, name=item.title, on=not why, why=why or "in the rotation", until=item.ends_at)


def _item_off(moment: Moment, item: Item) -> str:
    if item.starts_at is not None and moment.at < item.starts_at:
        return f"begins {moment.local(item.starts_at)}"
    if item.ends_at is not None and moment.at >= item.ends_at:
        return f"ended {moment.local(item.ends_at)}"
    return moment.blocked(item.asset)


def ads(moment: Moment, slate: EligibleAds, programme: Programme) -> Iterator[AdVerdict]:
    """Yield each line of each campaign: those that may be shown first."""
    entries = {entry.line.id: entry for entry in slate.lines}
    lines = [(campaign, line) for campaign in moment.scene.release.campaigns for line in campaign.lines]
    fits_ms = (programme.until - moment.at) // timedelta(milliseconds=1)
    head = moment.memory.ads.head
    accounts = rebase_accounts(moment.memory.ads.accounts, split_of(slate), slate.known, head.slot)
    for campaign, line in sorted(lines, key=lambda each: (each[1].id not in entries, each[0].id, each[1].id)):
        entry = entries.get(line.id)
        why = _waits(head, accounts[line.id], entry, fits_ms) if entry else _line_off(moment, campaign, line)
        yield AdVerdict(
            id=line.id,
            name=line.name,
            on=entry is not None,
            why=why,
            until=campaign.ends_at if entry else None,
            campaign=campaign.name,
            advertiser=campaign.advertiser,
            share=round(entry.share / ONE, 4) if entry else None,
        )


def _line_off(moment: Moment, campaign: Campaign, line: Line) -> str:
    if moment.at < campaign.starts_at:
        return f"its flight begins {moment.local(campaign.starts_at)}"
    if moment.at >= campaign.ends_at:
        return f"its flight ended {moment.local(campaign.ends_at)}"
    if line.windows and not moment.scene.timed:
        return "the clock is not set, so nothing bound to a time is on"
    opened, changes = window_state(line.windows, moment.scene.zone, moment.at)
    if not opened:
        known = _known(moment, changes)
        return f"closed until {moment.local(changes)}" if known else "does not open in the next 8 days"
    reasons = [(creative.title, moment.blocked(creative.asset)) for creative in line.creatives]
    if not all(why for _, why in reasons):
        return "others bought all slots"
    return "; ".join(f"{title}: {why}" for title, why in reasons)


def _waits(head: AdHead, account: Account, entry: EligibleLine, fits_ms: int) -> str:
    """Return what keeps a line that may be shown from being the very next ad."""
    distances = AdSeparation(head.recent)
    slots = {"category": distances.category(entry), "advertiser": distances.advertiser(entry)}
    waits = [f"{count} more ads between it and its {kind}" for kind, count in slots.items() if count]
    if not entry.fitting(fits_ms):
        waits.append("none of its creatives ends before the programme does")
    if entry.line.id == head.tried:
        waits.append("it was chosen last")
    if account.ahead(head.slot):
        waits.append("it is ahead of its share")
    return "may be shown" if not waits else f"may be shown, but not at once: {', '.join(waits)}"


def _known(moment: Moment, changes: datetime) -> datetime | None:
    """Return when something changes, None if that only says that nothing does as far as one looks."""
    return changes if changes < moment.at + HORIZON else None
