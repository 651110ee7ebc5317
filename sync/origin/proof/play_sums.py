"""Pure: counts the plays of a device by day, each judged by the rule of its line."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sync.origin.planning.billable_rule import DEFAULT_RULE, VersionedRule
from sync.origin.planning.release_contents import ReleaseContent, Runs, in_runs
from sync.origin.planning.venue_days import spread, venue_hour, zone_named
from sync.origin.proof.billing import PlayFacts, ShownPlay, judge
from sync.origin.sent_plays.counted_play import CountedFacts, CountedPlay

Place = tuple[str, int]
"""A channel, and the sequence of a release in it."""


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

    def facts(self, play: CountedFacts) -> tuple[bool | None, int | None]:
        """Return whether the release of a play names what it shows (None: not known), and how long it shows it."""
        places = self.places.get(play.release, ())
        shown = [
            content
            for channel, sequence in places
            for content, runs in self.contents.get((channel, play.asset), ())
            if in_runs(runs, sequence) and _names(content, play)
        ]
        if not shown:
            return (False if places else None), None
        return True, max(each.longest_ms for each in shown) if all(each.longest_ms for each in shown) else None


def count_days(
    plays: Iterable[CountedPlay],
    days: Iterable[int],
    rules: Mapping[str, VersionedRule],
    known: ReleaseKnowledge,
    judged: dict[Any, SumKey],
) -> dict[int, DayCount]:
    """Return what there is of each of these days. A line that is not in `rules` has the default rule, version 0.

    `judged` remembers as what plays count that say the same: there are a thousand of each.
    """
    found = {day: DayCount() for day in days}
    for facts, started_ms, rendered_ms in plays:
        zone = zone_named(facts.zone)
        day, hour = venue_hour(started_ms, zone)  # in which it began, though it ended in the next one
        if day not in found:
            continue
        alike = facts, rendered_ms
        if (key := judged.get(alike)) is None:
            key = judged[alike] = _key(facts, rendered_ms, rules, known)
        sums = found[day].sums
        if (one := sums.get(key)) is None:
            one = sums[key] = DaySum()
        one.plays += 1
        one.rendered_ms += rendered_ms
        one.hours[hour] += 1
        spread(day, zone, started_ms, started_ms + rendered_ms, found[day].shown_ms)
    return found


def _key(play: CountedFacts, rendered_ms: int, rules: Mapping[str, VersionedRule], known: ReleaseKnowledge) -> SumKey:
    version, rule = rules.get(play.line or "", (0, DEFAULT_RULE))
    shown = ShownPlay(play.kind, rendered_ms, play.expected_ms, play.outcome, play.screen, play.clock)
    judged = judge(shown, rule, PlayFacts(play.set_aside, play.accepted, play.corrected, *known.facts(play)))
    return SumKey(
        campaign_id=play.campaign or "",
        line_id=play.line or "",
        creative_id=play.creative or "",
        asset=play.asset,
        outcome=play.outcome,
        screen=play.screen,
        clock=play.clock,
        relaxed=int(play.relaxed),
        verdict=judged.verdict.value,
        reason=judged.reason.value,
        rule_version=version,
    )


def _names(content: ReleaseContent, play: CountedFacts) -> bool:
    return (
        play.item in (None, content.item)
        and play.campaign in (None, content.campaign)
        and play.line in (None, content.line)
        and play.creative in (None, content.creative)
    )
