"""Which lines may be shown at an instant, with which share, and until when that is so."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from zoneinfo import ZoneInfo

from sync.programme.ad_shares import ONE_PLAY, slot_shares
from sync.programme.windows import HORIZON, window_state
from sync.wire.release import Campaign, Creative, Line, LocalWindow

WindowState = Callable[[tuple[LocalWindow, ...]], tuple[bool, datetime]]


@dataclass(frozen=True, slots=True)
class EligibleLine:
    """A line that may be shown: its playable creatives with their lengths (None: unknown), its share of `ONE_PLAY`."""

    campaign: Campaign
    line: Line
    creatives: tuple[tuple[Creative, int | None], ...]
    share: int

    def creatives_within(self, fits_ms: int | None) -> tuple[Creative, ...]:
        """Return the creatives that end within `fits_ms`; one of unknown length fits only without a limit."""
        if fits_ms is None:
            return tuple(creative for creative, _ in self.creatives)
        return tuple(creative for creative, length in self.creatives if length is not None and length <= fits_ms)

    @property
    def tag(self) -> int:
        """Return a number of the line, the same on every device and after every edit."""
        return int.from_bytes(blake2b(self.line.id.encode(), digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class EligibleAds:
    """The lines that may be shown, by id; until when that is so (UTC); one warning a sentence, for a planner.

    `known_lines` are all lines of the release, shown or not: accounts of other lines are dropped.
    """

    lines: tuple[EligibleLine, ...]
    until: datetime
    warnings: tuple[str, ...] = ()
    known_lines: frozenset[str] = frozenset()


def eligible_ads(
    campaigns: Sequence[Campaign],
    zone: ZoneInfo,
    at: datetime,
    *,
    playable: Callable[[Creative], bool],
    timed: bool = True,
    length_ms: Callable[[Creative], int | None],
) -> EligibleAds:
    """Return the lines in flight, in a window, with a playable creative. `until` does not know when `playable` changes.

    `length_ms` is how long a creative runs: its own duration, else its asset's. Without a trusted clock (`timed=False`)
    lines with windows are not shown. Flight dates are judged by the clock there is: after a start without a time
    service it can only be late, so a flight that it sees as over is over.
    """
    at = at.astimezone(UTC)
    until = at + HORIZON
    window_states = _window_states(zone, at, timed)
    shown: dict[str, tuple[Campaign, Line, tuple[tuple[Creative, int | None], ...]]] = {}
    known: dict[str, str] = {}
    warnings: list[str] = []
    for campaign, line in ((booking, line) for booking in campaigns for line in booking.lines):
        if line.id in known:
            warnings.append(
                f"line {line.id} is in campaigns {known[line.id]} and {campaign.id}: the second is not shown"
            )
            continue
        known[line.id] = campaign.id
        on, changes = _line_state(campaign, line, at, window_states)
        until = min(until, changes)
        creatives = tuple((creative, length_ms(creative)) for creative in line.creatives if on and playable(creative))
        if creatives:
            shown[line.id] = (campaign, line, creatives)
    shares, share_warnings = slot_shares([line for _, line, _ in shown.values()])
    entries = tuple(EligibleLine(*shown[line], shares[line]) for line in sorted(shares))
    warnings += [*share_warnings, *_gap_warnings(entries)]
    return EligibleAds(entries, until, tuple(warnings), frozenset(known))


def _window_states(zone: ZoneInfo, at: datetime, timed: bool) -> WindowState:
    seen: dict[tuple[LocalWindow, ...], tuple[bool, datetime]] = {(): (True, at + HORIZON)}

    def window_states(windows: tuple[LocalWindow, ...]) -> tuple[bool, datetime]:
        if windows not in seen:  # thousands of lines have a few windows between them
            seen[windows] = window_state(windows, zone, at) if timed else (False, at + HORIZON)
        return seen[windows]

    return window_states


def _line_state(campaign: Campaign, line: Line, at: datetime, window_states: WindowState) -> tuple[bool, datetime]:
    if at < campaign.starts_at:
        return False, campaign.starts_at
    if at >= campaign.ends_at:
        return False, at + HORIZON
    is_open, changes = window_states(line.windows)
    return is_open, min(changes, campaign.ends_at)


def _gap_warnings(entries: Sequence[EligibleLine]) -> Iterator[str]:
    """Yield a warning for each category and advertiser that has more slots than its gap leaves room for."""
    groups: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for entry in entries:
        if entry.line.category:
            groups["category", entry.line.category].append((entry.share, entry.line.category_gap))
        groups["advertiser", entry.campaign.advertiser].append((entry.share, entry.line.advertiser_gap))
    for (kind, name), members in sorted(groups.items()) if len(entries) > 1 else ():
        gap = max(gap for _, gap in members)
        share = sum(share for share, _ in members)
        alone = kind == "advertiser" and share == ONE_PLAY  # a site with its own ads only: no other ad can come between
        if share * (gap + 1) > ONE_PLAY and not alone:
            room = f"its gap of {gap} leaves room for {1 / (gap + 1):.1%}"
            yield f"{kind} {name} has {share / ONE_PLAY:.1%} of the slots, but {room}"


def shares_of(ads: EligibleAds) -> Mapping[str, int]:
    """Return the share of each eligible line."""
    return {entry.line.id: entry.share for entry in ads.lines}
