"""Makes the reports that API, command line and console show: one function, so that all show the same numbers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sync.origin.planning.billable_rule import DEFAULT_RULE
from sync.origin.planning.venue_days import around, date_of, day_number, zone_named
from sync.origin.proof.billing import JUDGEMENT
from sync.origin.proof.delivery import (
    Counted,
    DeliveryRow,
    Expected,
    PairedScreen,
    Promise,
    ReportBy,
    delivery_row,
    expectations,
)
from sync.origin.proof.outages import KINDS, HistoryChange, outages
from sync.origin.reports.day_counter import DayCounter
from sync.origin.reports.promise_keeper import DAYS_BACK, PromiseKeeper
from sync.origin.store.proof.history import HistoryStore
from sync.origin.store.proof.names import NameStore
from sync.origin.store.reports.play_sums import PlaySumStore, SumFilter
from sync.origin.store.reports.promises import PromiseStore
from sync.origin.tables.reports import HOURS
from sync.runtime.clock import Clock, instant, unix_ms
from sync.wire.value_types import Instant, Wire

_MOST_UNSIGNED = 100
_LIKE = ("verdict", "reason", "screen", "relaxed", "rule_version")
_COLUMNS = {
    "campaign": "campaign_id",
    "line": "line_id",
    "creative": "creative_id",
    "device": "device_id",
    "day": "day",
}


@dataclass(frozen=True, slots=True)
class ReportQuestion:
    """What a report is of; None does not restrict. Both days are included, by the clock of each venue."""

    by: ReportBy
    first_day: date
    last_day: date
    campaign: str | None = None
    line: str | None = None
    device: str | None = None


class LineRule(Wire):
    """The rule by which plays of a line are judged, and its version; version 0 is the default."""

    line: str
    version: int
    rule: str


class UnsignedScreen(Wire):
    """A screen that had no certified key at first: what it played until then is unsigned; None: all that it played."""

    device: str
    name: str
    until: Instant | None


class DeliveryReport(Wire):
    """A report as of `at`, both days included. The origin judged with the arithmetic of version `judgement`.

    `rules` has the lines whose rule is not the default. `days_promised`: of so many days it is known what was promised,
    of each channel. `unsigned`: screens that played in this time, at first or always without a key; the first hundred
    of `unsigned_screens`. Their plays count as the others do, but no export proves them.
    """

    by: ReportBy
    first_day: date
    last_day: date
    at: Instant
    rows: tuple[DeliveryRow, ...]
    total: DeliveryRow
    default_rule: str
    rules: tuple[LineRule, ...]
    judgement: int
    days_promised: dict[str, int]
    unsigned: tuple[UnsignedScreen, ...] = ()
    unsigned_screens: int = 0


class ReportMaker:
    """Counts what a report needs, and makes it."""

    def __init__(
        self,
        sums: PlaySumStore,
        promises: PromiseStore,
        history: HistoryStore,
        names: NameStore,
        counter: DayCounter,
        keeper: PromiseKeeper,
        clock: Clock,
    ) -> None:
        self._sums = sums
        self._promises = promises
        self._history = history
        self._names = names
        self.counter = counter
        self.keeper = keeper
        self._clock = clock

    async def make(self, asked: ReportQuestion) -> DeliveryReport:
        """Return a report; days that changed are counted before.

        Raises:
            StorageBroken: the database cannot be used.
        """
        now = self._clock.now()
        first, last = day_number(asked.first_day), day_number(asked.last_day)
        await self.counter.count(SumFilter(first, last, asked.device))
        await self.keeper.keep(max(first, unix_ms(now) // 86_400_000 - DAYS_BACK), last)
        chosen = SumFilter(first, last, asked.device, asked.campaign, asked.line, booked=True)
        counted, lines = await self._counted(asked.by, chosen)
        promised = await self._promises.promised(first, last, campaign=asked.campaign, line=asked.line)
        days = await self._promises.days(first, last)
        expected = await self._expected(asked, promised, unix_ms(now))
        known = bool(days)
        ids = sorted({*counted, *expected})
        names = await self._names_of(asked.by, ids)
        rows = [
            delivery_row(
                id, names.get(id, ""), counted.get(id, Counted()), expected.get(id, Expected()) if known else None
            )
            for id in ids
        ]
        rules = await self._sums.rules(lines)
        unsigned = await self._sums.unsigned(chosen)
        return DeliveryReport(
            by=asked.by,
            first_day=asked.first_day,
            last_day=asked.last_day,
            at=now,
            rows=tuple(rows),
            total=_total(counted.values(), expected.values() if known else None),
            default_rule=DEFAULT_RULE.text,
            rules=tuple(LineRule(line=line, version=v, rule=rule.text) for line, (v, rule) in sorted(rules.items())),
            judgement=JUDGEMENT,
            days_promised=days,
            unsigned=await self._unsigned(unsigned[:_MOST_UNSIGNED]),
            unsigned_screens=len(unsigned),
        )

    async def _unsigned(self, screens: Sequence[tuple[str, int | None]]) -> tuple[UnsignedScreen, ...]:
        names = await self._names.names("device", {device for device, _ in screens})
        found = (
            UnsignedScreen(device=device, name=names.get(device, ""), until=None if ms is None else instant(ms))
            for device, ms in screens
        )
        return tuple(sorted(found, key=lambda one: (one.name, one.device)))

    async def _counted(self, by: ReportBy, chosen: SumFilter) -> tuple[dict[str, Counted], set[str]]:
        """Return the plays of each row, and the lines that they are of."""
        column = _COLUMNS.get(by)
        rows = await self._sums.sums(chosen, [*([column] if column else []), *_LIKE], hours=by == "hour")
        found: dict[str, Counted] = defaultdict(Counted)
        for row in rows:
            for key, plays in _keys(by, column, row):
                one = found[key]
                one.add(row["verdict"], row["reason"], row["screen"], plays)
                one.relaxed += plays if row["relaxed"] else 0
                one.rendered_ms += int(row["rendered_ms"]) * plays // row["plays"]
                one.versions.add(row["rule_version"])
        lines = {row["line_id"] for row in await self._sums.sums(chosen, ["line_id"])}
        return dict(found), lines - {""}

    async def _expected(
        self, asked: ReportQuestion, promised: Sequence[Mapping[str, Any]], now_ms: int
    ) -> dict[str, Expected]:
        first, last = day_number(asked.first_day), day_number(asked.last_day)
        span = (around(first)[0], min(now_ms, around(last)[1]))
        changes = (HistoryChange(*row) for row in await self._history.states(KINDS, *span, asked.device))
        lost = outages(changes, now_ms)
        screens = [
            PairedScreen(
                one.device, one.channel, one.paired_ms, min(now_ms, one.removed_ms or now_ms), lost.get(one.device, ())
            )
            for one in await self._promises.screens(asked.device)
        ]
        shown = await self._sums.shown_ms(SumFilter(first, last, asked.device))
        zones = {channel: zone_named(zone or "UTC") for channel, zone in (await self._promises.zones()).items()}
        creatives = await self._promises.creatives() if asked.by == "creative" else {}
        found = expectations(
            asked.by,
            [_promise(row) for row in promised if row["line_id"]],
            screens,
            zones,
            shown,
            creatives,
        )
        return {date_of(int(day)).isoformat(): one for day, one in found.items()} if asked.by == "day" else found

    async def _names_of(self, by: ReportBy, ids: Sequence[str]) -> dict[str, str]:
        if by in ("day", "hour"):
            return {id: f"{date.fromisoformat(id):%A}" if by == "day" else f"{id}:00" for id in ids}
        nameless = {"": f"no {by}"} if "" in ids else {}
        return nameless | await self._names.names(by, ids)


def flat_rows(report: DeliveryReport) -> list[dict[str, Any]]:
    """Return the rows of a report for a table, with their causes and the rule that judged them; then the total."""
    rules = {one.line: one.rule for one in report.rules}
    return [
        {
            **row.model_dump(),
            **row.causes.model_dump(),
            "by": report.by,
            "first_day": report.first_day.isoformat(),
            "last_day": report.last_day.isoformat(),
            "aside": [f"{reason}={plays}" for reason, plays in row.aside.items()],
            "rule_versions": [str(version) for version in row.rule_versions],
            "rule": rules.get(row.id, report.default_rule) if report.by == "line" and row is not report.total else "",
        }
        for row in (*report.rows, report.total)
    ]


def _keys(by: ReportBy, column: str | None, row: Mapping[str, Any]) -> Iterable[tuple[str, int]]:
    if by == "hour":
        return [(f"{number:02}", row[hour]) for number, hour in enumerate(HOURS) if row[hour]]
    key = row[column or ""]
    return [(date_of(key).isoformat() if by == "day" else key, row["plays"])]


def _promise(row: Mapping[str, Any]) -> Promise:
    bought = None if row["share_ppm"] is None else row["bought"]
    hours = [row[hour] for hour in HOURS]
    return Promise(row["channel_id"], row["day"], row["campaign_id"], row["line_id"], bought, hours)


def _total(counted: Iterable[Counted], expected: Iterable[Expected] | None) -> DeliveryRow:
    all_plays = Counted()
    for one in counted:
        all_plays.delivered += one.delivered
        all_plays.screen_unknown += one.screen_unknown
        all_plays.unknown += one.unknown
        all_plays.relaxed += one.relaxed
        all_plays.plays += one.plays
        all_plays.rendered_ms += one.rendered_ms
        all_plays.reasons.update(one.reasons)
        all_plays.versions |= one.versions
    promised = None if expected is None else Expected()
    for each in expected or ():
        if promised is not None:
            promised.add(each.promised, each.bought, each.lost)
    return delivery_row("total", "", all_plays, promised)
