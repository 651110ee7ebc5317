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

from sync.origin.planning.venue_days import day_span, hour_lengths, zone_named
from sync.origin.proof.billing import BillingReason, BillingVerdict
from sync.wire.value_types import Wire

ReportBy = Literal["campaign", "line", "creative", "device", "day", "hour"]

Hours = tuple[float, ...]
"""A value for each hour of a day."""

_WHOLE: Hours = (1.0,) * 24
_SCREEN = (BillingReason.SCREEN_OFF, BillingReason.SCREEN_DISCONNECTED, BillingReason.SCREEN_COVERED)
_FAILED = (BillingReason.FAILED, BillingReason.INTERRUPTED, BillingReason.NOTHING_SHOWN)


class ShortfallCauses(Wire):
    """Why plays that were bought are not billed, in plays; together they are the shortfall.

    `not_enough_slots`: the schedule did not promise them. `screen_off`: they were shown to a screen that was off,
    disconnected or covered. `offline`: the player showed nothing, by the part of the day in which it did not. `failed`:
    they ended too early by themselves. `set_aside`: for another reason, or not known. `other`: what is left.
    """

    not_enough_slots: float = 0
    screen_off: float = 0
    failed: float = 0
    set_aside: float = 0
    offline: float = 0
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
    """A screen of a channel that was paired in this time (Unix ms)."""

    device: str
    channel: str
    since_ms: int
    until_ms: int


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
    """What was promised and bought of one row, and how much of it fell into time in which players showed nothing."""

    promised: float = 0.0
    bought: float = 0.0
    offline: float = 0.0

    def add(self, promised: float, bought: float, offline: float) -> None:
        """Add what some screens were promised."""
        self.promised += promised
        self.bought += bought
        self.offline += offline


def active_hours(day: int, zone: ZoneInfo, since_ms: int, until_ms: int) -> Hours:
    """Return which part of each hour of a day is in this time; of an hour that the day does not have, none."""
    begins_ms, ends_ms = day_span(day, zone)
    if since_ms <= begins_ms and ends_ms <= until_ms:
        return _WHOLE
    if until_ms <= begins_ms or ends_ms <= since_ms:
        return (0.0,) * 24
    found, at_ms, lengths = [0.0] * 24, begins_ms, hour_lengths(day, zone)
    for hour in sorted(lengths):
        end_ms = at_ms + lengths[hour]
        found[hour] = max(0, min(end_ms, until_ms) - max(at_ms, since_ms)) / lengths[hour]
        at_ms = end_ms
    return tuple(found)


def expectations(
    by: ReportBy,
    promises: Iterable[Promise],
    screens: Sequence[PairedScreen],
    zones: Mapping[str, ZoneInfo],
    shown_ms: Mapping[tuple[str, int], int],
    creatives: Mapping[str, tuple[str, int]],
) -> dict[str, Expected]:
    """Return what was promised of each row. `shown_ms` is how long each screen showed something on each day.

    Creatives of a line take turns: each has its part of the line.
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
        times = {one.device: active_hours(day, zone, one.since_ms, one.until_ms) for one in of_channel[channel]}
        offline = {
            device: _off_air(day, zone, hours, shown_ms.get((device, day), 0)) for device, hours in times.items()
        }
        if by == "device":
            together = _together(lines)
            for device, there in times.items():
                _add(found, by, device, together, there, [part * offline[device] for part in there])
            continue
        all_there = [sum(hours[hour] for hours in times.values()) for hour in range(24)]
        gone = [sum(times[device][hour] * offline[device] for device in times) for hour in range(24)]
        for one in lines:
            _add(found, by, "", _Slots.of(one), all_there, gone)
    return _of_creatives(found, creatives) if by == "creative" else dict(found)


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
    promised = [sum(hour) for hour in zip(*(one.promised for one in each), strict=True)]
    bought = [sum(hour) for hour in zip(*(one.bought for one in each), strict=True)]
    return _Slots(lines[0], promised, bought, sum(one.unmet for one in each))


def _add(
    found: dict[str, Expected], by: ReportBy, device: str, slots: _Slots, there: Sequence[float], gone: Sequence[float]
) -> None:
    one = slots.one
    promised = list(map(mul, slots.promised, there))
    bought = list(map(mul, slots.bought, there))
    offline = list(map(mul, slots.promised, gone))
    unmet = slots.unmet * sum(there) / 24
    if by == "hour":
        for hour in range(24):
            if promised[hour]:
                found[f"{hour:02}"].add(promised[hour], bought[hour], offline[hour])
        if unmet:
            found["00"].add(0.0, unmet, 0.0)
        return
    if any(promised) or unmet:
        names = {"campaign": one.campaign, "line": one.line, "creative": one.line, "device": device}
        found[names.get(by, str(one.day))].add(sum(promised), sum(bought) + unmet, sum(offline))


def _off_air(day: int, zone: ZoneInfo, hours: Hours, shown_ms: int) -> float:
    """Return which part of its time on a day a screen showed nothing."""
    lengths = hour_lengths(day, zone)
    there_ms = sum(hours[hour] * length for hour, length in lengths.items())
    return min(1.0, max(0.0, 1 - shown_ms / there_ms)) if there_ms else 0.0


def _of_creatives(lines: Mapping[str, Expected], creatives: Mapping[str, tuple[str, int]]) -> dict[str, Expected]:
    return {
        creative: Expected(lines[line].promised / count, lines[line].bought / count, lines[line].offline / count)
        for creative, (line, count) in creatives.items()
        if line in lines
    }


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
    """Divide a shortfall: what is known for certain first, what the screens were off the air for after it."""
    known = {
        "not_enough_slots": max(0.0, expected.bought - expected.promised),
        "screen_off": sum(counted.reasons[reason] for reason in _SCREEN),
        "failed": sum(counted.reasons[reason] for reason in _FAILED),
        "set_aside": sum(n for reason, n in counted.reasons.items() if reason not in (*_SCREEN, *_FAILED)),
        "offline": expected.offline,
    }
    left, causes = shortfall, dict[str, float]()
    for cause, plays in known.items():
        causes[cause] = min(left, plays)
        left -= causes[cause]
    return ShortfallCauses(**{cause: round(plays, 2) for cause, plays in {**causes, "other": left}.items()})
