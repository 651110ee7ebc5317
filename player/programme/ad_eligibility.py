"""Says which lines may be shown at an instant, with which share, and until when that holds."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from zoneinfo import ZoneInfo

from player.programme.ad_pacing import ONE, slot_shares
from player.programme.schedule import HORIZON, window_state
from sync.wire.release import Campaign, Creative, Line, LocalWindow

Opening = Callable[[tuple[LocalWindow, ...]], tuple[bool, datetime]]


@dataclass(frozen=True, slots=True)
class EligibleLine:
    """A line on the slate: its playable creatives with their lengths (None: unknown), its share of slots (of `ONE`)."""

    campaign: Campaign
    line: Line
    creatives: tuple[tuple[Creative, int | None], ...]
    share: int

    def fitting(self, fits_ms: int | None) -> tuple[Creative, ...]:
        """Return the creatives that end within `fits_ms`; one of unknown length fits only where nothing limits."""
        if fits_ms is None:
            return tuple(creative for creative, _ in self.creatives)
        return tuple(creative for creative, length in self.creatives if length is not None and length <= fits_ms)

    @property
    def tag(self) -> int:
        """Return a number of its own, the same on every device and after every edit."""
        return int.from_bytes(blake2b(self.line.id.encode(), digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class EligibleAds:
    """The lines that may be shown, by id; until when that holds (UTC); what a planner should know, one sentence each.

    `known` are all lines there are, shown or not: accounts of others are forgotten.
    """

    lines: tuple[EligibleLine, ...]
    until: datetime
    warnings: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()


def eligible_ads(
    campaigns: Sequence[Campaign],
    zone: ZoneInfo,
    at: datetime,
    *,
    playable: Callable[[Creative], bool],
    timed: bool = True,
    length_ms: Callable[[Creative], int | None],
) -> EligibleAds:
    """Return who may be shown: in flight, in a window, with a playable creative; `until` knows nothing of the last.

    `length_ms` is how long a creative runs: its own duration, else its asset's. Without a trusted clock
    (`timed=False`) lines bound to windows stay off; flight dates are judged by the clock there is, which after a boot
    without one can only be late: a flight it sees as over is over.
    """
    at = at.astimezone(UTC)
    until = at + HORIZON
    opening = _openings(zone, at, timed)
    chosen: dict[str, tuple[Campaign, Line, tuple[tuple[Creative, int | None], ...]]] = {}
    known: dict[str, str] = {}
    warnings: list[str] = []
    for campaign, line in _lines(campaigns):
        if line.id in known:
            warnings.append(f"line {line.id} stands in campaigns {known[line.id]} and {campaign.id}: the second is off")
            continue
        known[line.id] = campaign.id
        on, changes = _on(campaign, line, at, opening)
        until = min(until, changes)
        creatives = tuple((creative, length_ms(creative)) for creative in line.creatives if on and playable(creative))
        if creatives:
            chosen[line.id] = (campaign, line, creatives)
    split, split_warnings = slot_shares([line for _, line, _ in chosen.values()])
    entries = tuple(EligibleLine(*chosen[line], split[line]) for line in sorted(split))
    warnings += [*split_warnings, *_crowded(entries)]
    return EligibleAds(entries, until, tuple(warnings), frozenset(known))


def _lines(campaigns: Sequence[Campaign]) -> Iterator[tuple[Campaign, Line]]:
    for campaign in sorted(campaigns, key=lambda campaign: campaign.id):
        for line in campaign.lines:
            yield campaign, line


def _openings(zone: ZoneInfo, at: datetime, timed: bool) -> Opening:
    seen: dict[tuple[LocalWindow, ...], tuple[bool, datetime]] = {(): (True, at + HORIZON)}

    def opening(windows: tuple[LocalWindow, ...]) -> tuple[bool, datetime]:
        if windows not in seen:  # thousands of lines share a few windows
            seen[windows] = window_state(windows, zone, at) if timed else (False, at + HORIZON)
        return seen[windows]

    return opening


def _on(campaign: Campaign, line: Line, at: datetime, opening: Opening) -> tuple[bool, datetime]:
    if at < campaign.starts_at:
        return False, campaign.starts_at
    if at >= campaign.ends_at:
        return False, at + HORIZON
    opened, changes = opening(line.windows)
    return opened, min(changes, campaign.ends_at)


def _crowded(entries: Sequence[EligibleLine]) -> Iterator[str]:
    """Yield a warning for each category and advertiser that has more slots than its gap leaves room for."""
    groups: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for entry in entries:
        if entry.line.category:
            groups["category", entry.line.category].append((entry.share, entry.line.category_gap))
        groups["advertiser", entry.campaign.advertiser].append((entry.share, entry.line.advertiser_gap))
    for (kind, name), members in sorted(groups.items()) if len(entries) > 1 else ():
        gap = max(gap for _, gap in members)
        share = sum(share for share, _ in members)
        alone = kind == "advertiser" and share == ONE  # a shop with its own ads only: nobody could stand between
        if share * (gap + 1) > ONE and not alone:
            room = f"its gap of {gap} leaves room for {1 / (gap + 1):.1%}"
            yield f"{kind} {name} has {share / ONE:.1%} of the slots, but {room}"


def split_of(slate: EligibleAds) -> Mapping[str, int]:
    """Return the share of each line on the slate."""
    return {entry.line.id: entry.share for entry in slate.lines}
