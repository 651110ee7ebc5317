"""Which lines may be shown at an instant, with which share, and until when that is so."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b
from zoneinfo import ZoneInfo

from sync.programme.ad_shares import ONE_PLAY, slot_shares
from sync.programme.weekly_windows import HORIZON, window_state
from sync.wire.release import Campaign, Creative, Line, LocalWindow

WindowState = Callable[[tuple[LocalWindow, ...]], tuple[bool, datetime]]

GapKey = tuple[str, str]
"""What a gap is kept within: `category` or `advertiser`, and its name."""

_LARGE = ONE_PLAY * 3 // 10


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

    def gaps(self) -> Iterator[tuple[GapKey, int]]:
        """Yield what gaps are kept within, and the gap that this line asks for."""
        if self.line.category:
            yield ("category", self.line.category), self.line.category_gap
        yield ("advertiser", self.campaign.advertiser), self.line.advertiser_gap

    @property
    def tag(self) -> int:
        """Return a number of the line, the same on every device and after every edit."""
        return int.from_bytes(blake2b(self.line.id.encode(), digest_size=8).digest())


@dataclass(frozen=True)
class EligibleAds:
    """The lines that may be shown, in the order of their ids; until when that is so (UTC); warnings for a planner.

    `known_lines` are all lines of the release, shown or not: accounts of other lines are dropped. No line has a gap
    above `widest_gap`. For those in `sold_out` others have bought all slots.
    """

    lines: tuple[EligibleLine, ...]
    until: datetime
    warnings: tuple[str, ...] = ()
    known_lines: frozenset[str] = frozenset()
    widest_gap: int = 100
    sold_out: tuple[tuple[Campaign, Line], ...] = ()

    @cached_property
    def large(self) -> Mapping[GapKey, tuple[tuple[int, int], ...]]:
        """The lines that are soon late, as (index, gap): during the widest gap their shares are 0.3 plays or more."""
        found: dict[GapKey, list[tuple[int, int]]] = defaultdict(list)
        for index, entry in enumerate(self.lines):
            if entry.share * (self.widest_gap + 1) >= _LARGE:
                for key, gap in entry.gaps():
                    found[key].append((index, gap))
        return {key: tuple(lines) for key, lines in found.items()}


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
                f"{line.name} of {campaign.name} is not shown: a line of {known[line.id]} has the same id {line.id}"
            )
            continue
        known[line.id] = campaign.name
        on, changes = _line_state(campaign, line, at, window_states)
        until = min(until, changes)
        creatives = tuple((creative, length_ms(creative)) for creative in line.creatives if on and playable(creative))
        if creatives:
            shown[line.id] = (campaign, line, creatives)
    shares = slot_shares([line for _, line, _ in shown.values()])
    entries = tuple(EligibleLine(*shown[line], shares[line]) for line in sorted(shares))
    widest = max((max(each.line.category_gap, each.line.advertiser_gap) for each in entries), default=0)
    sold_out = tuple((campaign, line) for campaign, line, _ in shown.values() if line.id not in shares)
    return EligibleAds(entries, until, tuple(warnings), frozenset(known), widest, sold_out)


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


def shares_of(ads: EligibleAds) -> Mapping[str, int]:
    """Return the share of each eligible line."""
    return {entry.line.id: entry.share for entry in ads.lines}
