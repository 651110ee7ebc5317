"""Which ad lines cannot get the share of slots that they bought: looks at each set of lines that is on air together."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sync.programme.ad_eligibility import EligibleAds
from sync.programme.bookings.airtime import Airtime
from sync.programme.bookings.shortfalls import Booked, LinesTogether, Shortfall, never_open
from sync.programme.weekly_windows import FARTHEST, HORIZON, window_state
from sync.wire.release import Campaign

MOST_WORK = 200_000
"""So many lines are looked at in all, in all sets together: then the answer ends earlier."""

MOST_SIMULATIONS = 20
"""In so many sets, the first ones, slots are filled; in later ones gaps are not judged, for each takes 0.1 s."""


@dataclass(frozen=True, slots=True)
class Feasibility:
    """What bookings cannot get; looked at until `until` (weekly windows: for the first 8 days between two flights)."""

    shortfalls: tuple[Shortfall, ...]
    until: datetime


def booking_feasibility(
    campaigns: Sequence[Campaign],
    zone: ZoneInfo,
    at: datetime,
    *,
    about: Set[str] | None = None,
    airtime: Airtime | None = None,
    most_work: int = MOST_WORK,
    most_simulations: int = MOST_SIMULATIONS,
) -> Feasibility:
    """Return what these bookings cannot get from `at` on, each once, as if all creatives could be shown.

    With `about` only the sets are judged that have one of these lines. With `airtime` what is on air beside ads counts.
    """
    at = at.astimezone(UTC)
    flights = [one for one in campaigns if one.ends_at > at and one.starts_at < at + FARTHEST]
    judged = [one for one in flights if about is None or any(line.id in about for line in one.lines)]
    found = {each.key: each for each in _never_open(judged, zone, at, airtime)}
    seen: set[frozenset[str]] = set()
    work, simulations, now = 0, 0, at
    for begins, ends, lines, windows in _together(flights, zone, at):
        now, key = ends, frozenset(line.id for _, line in lines)
        if key not in seen and len(lines) > 1 and (about is None or about & key):
            seen.add(key)
            together = LinesTogether(lines, begins, ends, zone, gaps=simulations < most_simulations)
            for each in together.shortfalls():
                found.setdefault(each.key, each)
            simulations += together.simulated
        work += len(lines) + windows
        if work > most_work:
            break
    return Feasibility(tuple(found.values()), now)


def short_now(ads: EligibleAds, at: datetime, zone: ZoneInfo) -> tuple[Shortfall, ...]:
    """Return what the lines cannot get that may be shown at `at` on this device."""
    lines = [*((entry.campaign, entry.line) for entry in ads.lines), *ads.sold_out]
    return tuple(LinesTogether(lines, at, ads.until, zone).shortfalls()) if len(lines) > 1 else ()


def first_sentences(texts: Sequence[str], most: int) -> tuple[str, ...]:
    """Return the first of many sentences about bookings, and one that says how many more there are."""
    more = len(texts) - most
    return (*texts[:most], *([f"Bookings have {more} more shortfalls."] if more > 0 else []))


def _never_open(
    flights: Iterable[Campaign], zone: ZoneInfo, at: datetime, airtime: Airtime | None
) -> Iterator[Shortfall]:
    for campaign in sorted(flights, key=lambda one: one.starts_at):  # what comes soon is judged first
        begins = max(at, campaign.starts_at)
        states = {each: window_state(each, zone, begins) for each in {line.windows for line in campaign.lines}}
        for line in campaign.lines:
            is_open, changes = states[line.windows]
            if not is_open and changes >= campaign.ends_at and changes < begins + HORIZON:
                why = "is never shown: its windows do not open before its flight ends."
                yield never_open(campaign, line, begins, why, "Change its windows or its flight.")
            elif airtime is not None and (short := airtime.shortfall(campaign, line, begins)) is not None:
                yield short


def _together(
    flights: Sequence[Campaign], zone: ZoneInfo, at: datetime
) -> Iterator[tuple[datetime, datetime, list[Booked], int]]:
    """Yield which lines are on air together, and when: all changes of flights, 8 days of windows after each.

    The last value is how many windows were looked at.
    """
    booked = [(one, [(one, line) for line in one.lines]) for one in flights]
    edges = sorted({edge for one in flights for edge in (one.starts_at, one.ends_at) if at < edge < at + FARTHEST})
    for begins, ends in zip([at, *edges], [*edges, at + FARTHEST], strict=True):
        flying = [each for one, lines in booked if one.starts_at <= begins < one.ends_at for each in lines]
        windows = {line.windows for _, line in flying}
        end = min(ends, begins + HORIZON)
        while flying and begins < end:
            states = {each: window_state(each, zone, begins) for each in windows}
            changes = min(end, *(until for _, until in states.values()))
            lines = [each for each in flying if states[each[1].windows][0]]
            yield begins, changes, lines, sum(map(len, windows))
            begins = changes
