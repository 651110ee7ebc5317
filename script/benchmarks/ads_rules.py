"""Weeks of 60 lines under our order of ads, and under four others: by how many plays lines are off; gaps that break.

The others get the same lines, windows, gaps and failures, and a filter: among the lines that keep all gaps, if there is
one. Smooth weighted round robin is that of nginx; stride is that of Waldspurger and Weihl (1995), and a line that comes
back starts at the least pass; random draws by share. The hourly share of voice is Xibo's, by its manual: each hour a
list is made in which a line has its seconds an hour, rounded up to whole plays and spread evenly; it knows no gaps.
"""

import math
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from ads_shares import ShareError

from sync.programme.ad_eligibility import EligibleAds, EligibleLine, eligible_ads, shares_of
from sync.programme.ad_selection import AdHead, AdState, refund, select_ad
from sync.programme.ad_separation import AdSeparation, RecentAd
from sync.programme.ad_shares import ONE_PLAY
from sync.wire.release import Campaign, LocalWindow
from tests.sync.programme.examples import campaign

START = datetime(2026, 3, 23, tzinfo=UTC)
LINES, SLOT_S, REMEMBERED = 60, 30, 10
DAYPARTS: tuple[tuple[LocalWindow, ...], ...] = (
    (),
    (LocalWindow(start="06:00", end="12:00"),),
    (LocalWindow(start="12:00", end="18:00"),),
    (LocalWindow(start="16:00", end="02:00"),),
)


class Rule(Protocol):
    """An order of ads."""

    def choose(self, ads: EligibleAds, separation: AdSeparation, last: str, at: datetime) -> EligibleLine:
        """Return the line for the next slot."""

    def failed(self, entry: EligibleLine, *, again: bool) -> None:
        """Take the last slot back; with `again` the same line may come next."""


def measure(seed: int, seeds: int, days: int = 7) -> list[dict[str, Any]]:
    """Return a row for each order."""
    rules = (Ours, SmoothRoundRobin, Stride, WeightedRandom, HourlyShareOfVoice)
    return [_row(rule, [_week(rule, Random(seed + number), days) for number in range(seeds)]) for rule in rules]


def _row(rule: type[Any], weeks: Sequence[tuple[float, float]]) -> dict[str, Any]:
    errors = [error for error, _ in weeks]
    return {
        "order": str(rule.__doc__).rstrip("."),
        "weeks": len(weeks),
        "lines": LINES,
        "share_error_median_plays": statistics.median(errors),
        "share_error_worst_plays": max(errors),
        "gaps_broken_of_1000_slots": 1000 * statistics.mean(broken for _, broken in weeks),
    }


def _week(make: Any, random: Random, days: int) -> tuple[float, float]:
    """Return the error of the worst line in plays, and in which part of the slots a gap was broken."""
    campaigns = [_booking(number, random) for number in range(LINES)]
    rule: Rule = make(random.randrange(2**32))
    at, until, shares, recent, broken, slots = START, START, ShareError(), list[RecentAd](), 0, 0
    while at < START + timedelta(days=days):
        if at >= until:
            ads = _eligible(campaigns, at)
            until = ads.until
            shares.on_air(shares_of(ads))
        separation = AdSeparation(recent, ads.widest_gap)
        entry = rule.choose(ads, separation, recent[-1].line if recent else "", at)
        if random.random() < 0.01:
            rule.failed(entry, again=random.random() < 0.5)
            continue
        slots += 1
        broken += separation.wait(entry) > 0
        shares.played(entry.line.id)
        recent = [*recent[-REMEMBERED:], RecentAd.of(slots, entry, entry.line.creatives[0], None)]
        at += timedelta(seconds=SLOT_S)
    shares.close()
    return shares.worst, broken / slots


def _booking(number: int, random: Random) -> Campaign:
    return campaign(
        f"l{number:05}",
        weight=1000 // (1 + number),
        advertiser=f"advertiser {number % 20}",
        category=f"category {number % 9}",
        gaps=(int(number > 2), 2 * (number > 5)),
        windows=random.choice(DAYPARTS) if number > 3 else (),
    )


def _eligible(campaigns: Sequence[Campaign], at: datetime) -> EligibleAds:
    return eligible_ads(campaigns, ZoneInfo("UTC"), at, playable=lambda _: True, length_ms=lambda _: 1000 * SLOT_S)


def _passing(ads: EligibleAds, separation: AdSeparation, last: str) -> Sequence[EligibleLine]:
    passing = [entry for entry in ads.lines if not separation.wait(entry) and entry.line.id != last]
    return passing or ads.lines


class Ours:
    """This engine."""

    def __init__(self, seed: int) -> None:
        self._state = AdState(AdHead(seed=seed), {})
        self._choice = 0

    def choose(self, ads: EligibleAds, separation: AdSeparation, last: str, at: datetime) -> EligibleLine:
        """Return the line for the next slot."""
        choice, self._state = select_ad(self._state, ads)
        assert choice is not None
        self._choice = choice.id
        return next(entry for entry in ads.lines if entry.line.id == choice.line.id)

    def failed(self, entry: EligibleLine, *, again: bool) -> None:
        """Take the last slot back."""
        self._state = refund(self._state, self._choice, failed=not again)


class SmoothRoundRobin:
    """Smooth weighted round robin."""

    def __init__(self, seed: int) -> None:
        self._owed: dict[str, int] = {}

    def choose(self, ads: EligibleAds, separation: AdSeparation, last: str, at: datetime) -> EligibleLine:
        """Return the line that is owed most."""
        for entry in ads.lines:
            self._owed[entry.line.id] = self._owed.get(entry.line.id, 0) + entry.share
        found = max(_passing(ads, separation, last), key=lambda entry: (self._owed[entry.line.id], entry.line.id))
        self._owed[found.line.id] -= ONE_PLAY
        self._shares = shares_of(ads)
        return found

    def failed(self, entry: EligibleLine, *, again: bool) -> None:
        """Take the last slot back."""
        self._owed[entry.line.id] += ONE_PLAY
        for line, share in self._shares.items():
            self._owed[line] -= share


class Stride:
    """Stride."""

    def __init__(self, seed: int) -> None:
        self._passes: dict[str, float] = {}
        self._on_air: frozenset[str] = frozenset()

    def choose(self, ads: EligibleAds, separation: AdSeparation, last: str, at: datetime) -> EligibleLine:
        """Return the line with the least pass."""
        lines = frozenset(entry.line.id for entry in ads.lines)
        if lines != self._on_air:
            least = min((self._passes[line] for line in lines & self._on_air), default=0.0)
            self._passes |= {line: max(self._passes.get(line, 0.0), least) for line in lines - self._on_air}
            self._on_air = lines
        found = min(_passing(ads, separation, last), key=lambda entry: (self._passes[entry.line.id], entry.line.id))
        self._passes[found.line.id] += ONE_PLAY / found.share
        return found

    def failed(self, entry: EligibleLine, *, again: bool) -> None:
        """Take the last slot back."""
        self._passes[entry.line.id] -= ONE_PLAY / entry.share


class WeightedRandom:
    """Weighted random."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def choose(self, ads: EligibleAds, separation: AdSeparation, last: str, at: datetime) -> EligibleLine:
        """Return any line, by its share."""
        passing = _passing(ads, separation, last)
        return self._random.choices(passing, [entry.share for entry in passing])[0]

    def failed(self, entry: EligibleLine, *, again: bool) -> None:
        """Nothing is remembered."""


class HourlyShareOfVoice:
    """Hourly share of voice (Xibo)."""

    def __init__(self, seed: int) -> None:
        self._list: list[EligibleLine] = []
        self._made: tuple[datetime, EligibleAds] | None = None

    def choose(self, ads: EligibleAds, separation: AdSeparation, last: str, at: datetime) -> EligibleLine:
        """Return the next line of the list of this hour."""
        hour = at.replace(minute=0, second=0)
        if not self._list or self._made is None or self._made[0] != hour or self._made[1] is not ads:
            placed = []
            for entry in ads.lines:
                plays = math.ceil(round(3600 * entry.share / ONE_PLAY) / SLOT_S)
                placed += [((number + 0.5) / plays, entry.line.id, entry) for number in range(plays)]
            self._list = [entry for *_, entry in sorted(placed, key=lambda one: one[:2])]
            self._made = hour, ads
        return self._list.pop(0)

    def failed(self, entry: EligibleLine, *, again: bool) -> None:
        """The list goes on."""
