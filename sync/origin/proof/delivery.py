"""Pure: what was booked, what the schedule promised, what came of it, and why the rest did not.

A report has one row for each campaign, line, creative, screen, day or hour of the venue. What was promised is what the
releases in force gave one screen by forecast (`sync.programme.preview.promise`), for each screen of the channel, while
it was paired and until now. What a line had bought is its share of the slots for ads; of a line with a weight it is
what it was promised.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import mul
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from sync.origin.planning.venue_days import active_hours, zone_named
from sync.origin.proof.billing import BillingReason, BillingVerdict
from sync.origin.proof.outages import Outage, OutageCause, lost_hours
from sync.wire.value_types import Wire

ReportBy = Literal["campaign", "line", "creative", "device", "day", "hour"]

_SCREEN = (BillingReason.SCREEN_OFF, BillingReason.SCREEN_DISCONNECTED, BillingReason.SCREEN_COVERED)
_FAILED = (BillingReason.FAILED, BillingReason.INTERRUPTED, BillingReason.NOTHING_SHOWN)


class ShortfallCauses(Wire):
    """Why plays that were bought are not billed, in plays; together they are the shortfall.

    `not_enough_slots`: the schedule did not promise them. `failed`: they ended too early by themselves. `set_aside`:
    for another reason, or not known. `screen_off`: they were shown to a screen that was off, disconnected or covered,
    or its history says that it was. The history says `offline`, too (the player did not run, or was not heard and is
    back), and `not_heard` (since then: plays may still come). `other`: what is left.
    """

    not_enough_slots: float = 0
    screen_off: float = 0
    failed: float = 0
    set_aside: float = 0
    offline: float = 0
    not_heard: float = 0
    other: float = 0


class DeliveryRow(Wire):
    """One row, in plays until now. `pace` is `delivered` of `expected`; None: nothing was promised, or it is not known.

    `contracted` is what was bought, `expected` what was promised, `delivered` what is billed; `screen_unknown` of these
    were on a screen that nobody can tell to have been on. `aside` has what is not billed by its reason, `unknown` how
    much of that is not known rather than wrong. `rule_versions`: by which versions of its rule it was judged.
    """

    id: str
    name: str = ""  # empty: what has this id was deleted
    contracted: float | None
    expected: float | None
    delivered: int = 0
    screen_unknown: int = 0
    unknown: int = 0
    aside: dict[str, int] = Field(default_factory=dict)
    relaxed: int = 0
    plays: int = 0
    rendered_ms: int = 0
    pace: float | None = None
    shortfall: float | None = None
    causes: ShortfallCauses = ShortfallCauses()
    rule_versions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """What one screen of a channel was promised of a line on a day, by hour, and what it had bought of these slots."""

    channel: str
    day: int
    campaign: str
    line: str
    bought: float | None
    hours: Sequence[int]


@dataclass(frozen=True, slots=True)
class PairedScreen:
    """A screen of a channel that was paired in this time (Unix ms), and its outages, which do not overlap."""

    device: str
    channel: str
    since_ms: int
    until_ms: int
    outages: Sequence[Outage] = ()


@dataclass(slots=True)
class Counted:
    """The plays of one row."""

    delivered: int = 0
    screen_unknown: int = 0
    relaxed: int = 0
    plays: int = 0
    rendered_ms: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    versions: set[int] = field(default_factory=set)

    def add(self, verdict: str, reason: str, screen: str, plays: int) -> None:
        """Count plays that are alike."""
        self.plays += plays
        if verdict == BillingVerdict.BILLABLE:
            self.delivered += plays
            self.screen_unknown += plays if screen == "unknown" else 0
        else:
            self.reasons[reason] += plays
            self.unknown += plays if verdict == BillingVerdict.UNKNOWN else 0


@dataclass(slots=True)
class Expected:
    """What was promised and bought of one row, and how much of the promise fell into outages, by their cause."""

    promised: float = 0.0
    bought: float = 0.0
    lost: dict[OutageCause, float] = field(default_factory=lambda: dict.fromkeys(OutageCause, 0.0))

    def add(self, promised: float, bought: float, lost: Mapping[OutageCause, float], part: float = 1.0) -> None:
        """Add what some screens were promised, or a part of it."""
        self.promised += promised * part
        self.bought += bought * part
        for cause, plays in lost.items():
            self.lost[cause] += plays * part


def expectations(
    by: ReportBy,
    promises: Iterable[Promise],
    screens: Sequence[PairedScreen],
    zones: Mapping[str, ZoneInfo],
    shown_ms: Mapping[tuple[str, int], Sequence[int]],
    creatives: Mapping[str, tuple[str, int]],
) -> dict[str, Expected]:
    """Return what was promised of each row. `shown_ms` is how long each screen showed something in each hour of a day.

    Creatives of a line take turns: each has its part of the line. What lines without a creative were promised is in a
    row without a name.
    """
    by_day: dict[tuple[str, int], list[Promise]] = defaultdict(list)
    for one in promises:
        by_day[one.channel, one.day].append(one)
    of_channel: dict[str, list[PairedScreen]] = defaultdict(list)
    for screen in screens:
        of_channel[screen.channel].append(screen)
    found: dict[str, Expected] = defaultdict(Expected)
    for (channel, day), lines in by_day.items():
        zone = zones.get(channel) or zone_named("UTC")  # of one that was removed
        days = [_ScreenDay.of(day, zone, one, shown_ms.get((one.device, day), ())) for one in of_channel[channel]]
        if by == "device":
            together = _together(lines)
            for one_day in days:
                _add(found, by, together, one_day)
            continue
        all_screens = _ScreenDay.sum(days)
        for one in lines:
            _add(found, by, _Slots.of(one), all_screens)
    return _of_creatives(found, creatives) if by == "creative" else dict(found)


@dataclass(frozen=True, slots=True)
class _ScreenDay:
    """For which part of each hour of a day screens were paired, and what of it they lost by outages."""

    device: str
    there: Sequence[float]
    lost: Mapping[OutageCause, Sequence[float]]

    @classmethod
    def of(cls, day: int, zone: ZoneInfo, screen: PairedScreen, shown_ms: Sequence[int]) -> "_ScreenDay":
        """Return it of one screen."""
        span = (screen.since_ms, screen.until_ms)
        there = active_hours(day, zone, *span)
        return cls(screen.device, there, lost_hours(day, zone, span, screen.outages, shown_ms))

    @classmethod
    def sum(cls, days: Sequence["_ScreenDay"]) -> "_ScreenDay":
        """Return it of all of them together."""
        lost = {cause: _sums(one.lost[cause] for one in days if cause in one.lost) for cause in OutageCause}
        return cls("", _sums(one.there for one in days), lost)


def _sums(hours: Iterable[Sequence[float]]) -> list[float]:
    return [sum(hour) for hour in zip((0.0,) * 24, *hours, strict=True)]


@dataclass(frozen=True, slots=True)
class _Slots:
    """What one screen was promised and had bought by hour; `unmet` was bought of a line that got no slot at all."""

    one: Promise
    promised: Sequence[float]
    bought: Sequence[float]
    unmet: float

    @classmethod
    def of(cls, one: Promise) -> "_Slots":
        """Return them of a line; what it bought is spread like what it was promised."""
        total = sum(one.hours)
        part = one.bought / total if one.bought is not None and total else 1.0
        return cls(one, one.hours, [plays * part for plays in one.hours], 0.0 if total else one.bought or 0.0)


def _together(lines: Sequence[Promise]) -> _Slots:
    each = [_Slots.of(one) for one in lines]
    promised, bought = _sums(one.promised for one in each), _sums(one.bought for one in each)
    return _Slots(lines[0], promised, bought, sum(one.unmet for one in each))


def _add(found: dict[str, Expected], by: ReportBy, slots: _Slots, screens: _ScreenDay) -> None:
    one = slots.one
    promised = list(map(mul, slots.promised, screens.there))
    bought = list(map(mul, slots.bought, screens.there))
    lost = {cause: list(map(mul, slots.promised, hours)) for cause, hours in screens.lost.items()}
    unmet = slots.unmet * sum(screens.there) / 24
    if by == "hour":
        for hour in range(24):
            if promised[hour]:
                of_hour = {cause: hours[hour] for cause, hours in lost.items()}
                found[f"{hour:02}"].add(promised[hour], bought[hour], of_hour)
        if unmet:
            found["00"].add(0.0, unmet, {})
        return
    if any(promised) or unmet:
        names = {"campaign": one.campaign, "line": one.line, "creative": one.line, "device": screens.device}
        of_day = {cause: sum(hours) for cause, hours in lost.items()}
        found[names.get(by, str(one.day))].add(sum(promised), sum(bought) + unmet, of_day)


def _of_creatives(lines: Mapping[str, Expected], creatives: Mapping[str, tuple[str, int]]) -> dict[str, Expected]:
    found: dict[str, Expected] = defaultdict(Expected)
    parts = [(creative, line, 1 / count) for creative, (line, count) in creatives.items()]
    without = lines.keys() - {line for _, line, _ in parts}
    for creative, line, part in (*parts, *(("", line, 1.0) for line in sorted(without))):
        if line in lines:
            found[creative].add(lines[line].promised, lines[line].bought, lines[line].lost, part)
    return dict(found)


def delivery_row(id: str, name: str, counted: Counted, expected: Expected | None) -> DeliveryRow:
    """Return the row of a report."""
    row = DeliveryRow(
        id=id,
        name=name,
        contracted=None if expected is None else round(expected.bought, 2),
        expected=None if expected is None else round(expected.promised, 2),
        delivered=counted.delivered,
        screen_unknown=counted.screen_unknown,
        unknown=counted.unknown,
        aside=dict(sorted(counted.reasons.items())),
        relaxed=counted.relaxed,
        plays=counted.plays,
        rendered_ms=counted.rendered_ms,
        rule_versions=tuple(sorted(counted.versions)),
    )
    if expected is None:
        return row
    pace = counted.delivered / expected.promised if expected.promised else None
    shortfall = max(0.0, expected.bought - counted.delivered)
    causes = _causes(shortfall, counted, expected)
    return row.model_copy(update={
        "pace": None if pace is None else round(pace, 4), "shortfall": round(shortfall, 2), "causes": causes,
    })  # fmt: skip


def _causes(shortfall: float, counted: Counted, expected: Expected) -> ShortfallCauses:
    """Divide a shortfall: what plays say first, what the history says of times without plays after it."""
    known = {
        "not_enough_slots": max(0.0, expected.bought - expected.promised),
        "screen_off": sum(counted.reasons[reason] for reason in _SCREEN) + expected.lost[OutageCause.SCREEN_OFF],
        "failed": sum(counted.reasons[reason] for reason in _FAILED),
        "set_aside": sum(n for reason, n in counted.reasons.items() if reason not in (*_SCREEN, *_FAILED)),
        "offline": expected.lost[OutageCause.OFFLINE],
        "not_heard": expected.lost[OutageCause.NOT_HEARD],
    }
    left, causes = shortfall, dict[str, float]()
    for cause, plays in known.items():
        causes[cause] = min(left, plays)
        left -= causes[cause]
    return ShortfallCauses(**{cause: round(plays, 2) for cause, plays in {**causes, "other": left}.items()})
