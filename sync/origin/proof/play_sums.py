"""Pure: counts the plays of a device by day, each judged by the rule of its line."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from sync.origin.planning.billable_rule import DEFAULT_RULE, VersionedRule
from sync.origin.planning.release_contents import ReleaseContent, Runs, in_runs
from sync.origin.planning.venue_days import spread, venue_hour, zone_named
from sync.origin.proof.billing import Judgement, PlayFacts, ShownPlay, judge
from sync.runtime.clock import ClockState
from sync.wire.device_reports import ScreenDetail, ScreenState

Place = tuple[str, int]
"""A channel, and the sequence of a release in it."""


@dataclass(frozen=True, slots=True)
class PlayRow:
    """A play as it is stored: its document, its start, corrected if a clock was set late, and how it was judged."""

    body: Mapping[str, Any]
    started_ms: int
    set_aside: str | None
    accepted: bool
    corrected: bool


class SumKey(NamedTuple):
    """What plays have in common that are counted together; what does not apply is empty."""

    campaign_id: str
    line_id: str
    creative_id: str
    asset: str
    outcome: str
    screen: str
    clock: str
    relaxed: int
    verdict: str
    reason: str
    rule_version: int


@dataclass(slots=True)
class DaySum:
    """A number of plays, how long they were on, and the hours of the venue in which they began."""

    plays: int = 0
    rendered_ms: int = 0
    hours: list[int] = field(default_factory=lambda: [0] * 24)


@dataclass(slots=True)
class DayCount:
    """The sums of a day, and for how many milliseconds of each hour the screen showed any of its plays."""

    sums: dict[SumKey, DaySum] = field(default_factory=dict)
    shown_ms: list[int] = field(default_factory=lambda: [0] * 24)


@dataclass(frozen=True, slots=True)
class ReleaseKnowledge:
    """Where each release was published, and what releases showed of the assets of these plays, with their runs."""

    places: Mapping[str, Sequence[Place]]
    contents: Mapping[tuple[str, str], Sequence[tuple[ReleaseContent, Runs]]]  # by channel and asset

    def facts(self, play: Mapping[str, Any]) -> tuple[bool | None, int | None]:
        """Return whether the release of a play names what it shows (None: not known), and how long it shows it."""
        places = self.places.get(play["release"], ())
        shown = [
            content
            for channel, sequence in places
            for content, runs in self.contents.get((channel, play["asset"]), ())
            if in_runs(runs, sequence) and _names(content, play)
        ]
        if not shown:
            return (False if places else None), None
        return True, max(each.longest_ms for each in shown) if all(each.longest_ms for each in shown) else None


def count_days(
    plays: Iterable[PlayRow], days: Iterable[int], rules: Mapping[str, VersionedRule], known: ReleaseKnowledge
) -> dict[int, DayCount]:
    """Return what there is of each of these days. A line that is not in `rules` has the default rule, version 0."""
    found = {day: DayCount() for day in days}
    facts = _remembered(known.facts)
    for play in plays:
        zone = zone_named(str(play.body.get("zone", "")))
        day, hour = venue_hour(play.started_ms, zone)  # in which it began, though it ended in the next one
        if day in found and "kind" in play.body:  # a row without a document is of an earlier version
            version, rule = rules.get(play.body.get("line") or "", (0, DEFAULT_RULE))
            shown = _shown(play.body)
            judged = judge(shown, rule, PlayFacts(
                play.set_aside, play.accepted, play.corrected, *facts(play.body)))  # fmt: skip
            one = found[day].sums.setdefault(_key(play.body, shown, judged, version), DaySum())
            one.plays += 1
            one.rendered_ms += shown.rendered_ms
            one.hours[hour] += 1
            spread(day, zone, play.started_ms, play.started_ms + shown.rendered_ms, found[day].shown_ms)
    return found


_CLOCKS = {"synced": ClockState.SYNCHRONISED, "unsynced": ClockState.NEVER_SET}
_DETAILS, _STATES = frozenset(ScreenDetail), frozenset(ClockState)
_INTEGER = TypeAdapter(int)
_WHAT = ("release", "asset", "item", "campaign", "line", "creative")


def _remembered(
    facts: Callable[[Mapping[str, Any]], tuple[bool | None, int | None]],
) -> Callable[[Mapping[str, Any]], tuple[bool | None, int | None]]:
    """Return a function that asks once for all plays of the same: there are a thousand of each."""
    seen: dict[tuple[Any, ...], tuple[bool | None, int | None]] = {}

    def remembered(play: Mapping[str, Any]) -> tuple[bool | None, int | None]:
        what = tuple(map(play.get, _WHAT))
        if what not in seen:
            seen[what] = facts(play)
        return seen[what]

    return remembered


def _shown(play: Mapping[str, Any]) -> ShownPlay:
    return ShownPlay(
        kind=play["kind"],
        rendered_ms=_number(play["rendered_ms"]),
        expected_ms=None if play.get("expected_ms") is None else _number(play["expected_ms"]),
        outcome=play["outcome"],
        screen=_screen(play),
        clock=_clock(play),
    )


def _number(sent: Any) -> int:
    """Return a number of a play as it was understood when it came: earlier versions took "10000" and 10000.0, too."""
    return sent if type(sent) is int else _INTEGER.validate_python(sent)


def _screen(play: Mapping[str, Any]) -> str:
    detail = play.get("screen_detail")
    return str(detail if detail in _DETAILS else play.get("screen", ScreenState.UNKNOWN.value))


def _clock(play: Mapping[str, Any]) -> str:
    state = play.get("clock_state")  # an older player does not say it, a newer one may say more
    return str(state if state in _STATES else _CLOCKS.get(play.get("clock", ""), ClockState.NEVER_SET).value)


def _key(play: Mapping[str, Any], shown: ShownPlay, judged: Judgement, rule_version: int) -> SumKey:
    return SumKey(
        campaign_id=play.get("campaign") or "",
        line_id=play.get("line") or "",
        creative_id=play.get("creative") or "",
        asset=play["asset"],
        outcome=play["outcome"],
        screen=shown.screen,
        clock=shown.clock,
        relaxed=int(bool(play.get("relaxed"))),
        verdict=judged.verdict.value,
        reason=judged.reason.value,
        rule_version=rule_version,
    )


def _names(content: ReleaseContent, play: Mapping[str, Any]) -> bool:
    return all(
        play.get(name) in (None, named)
        for name, named in (
            ("item", content.item),
            ("campaign", content.campaign),
            ("line", content.line),
            ("creative", content.creative),
        )
    )
