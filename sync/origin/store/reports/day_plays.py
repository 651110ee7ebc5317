"""What days are counted from: plays, and what releases and rules say of the lines that they show."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from sync.origin.planning.billable_rule import VersionedRule
from sync.origin.planning.release_contents import ReleaseContent, Runs
from sync.origin.sent_plays.counted_play import CountedPlay
from sync.origin.store.reports.billable_rules import rules_of
from sync.origin.tables.plays import plays
from sync.origin.tables.releases import release_contents, releases

JUDGED = (
    plays.c.started_ms,
    plays.c.set_aside,
    plays.c.accepted.is_not(None),
    plays.c.clock_offset_ms.is_not(None),
)
"""The columns that say how a play was judged."""

_AT_ONCE = 500  # a statement takes a limited number of values


@dataclass(frozen=True, slots=True)
class LineKnowledge:
    """The rules of lines, where releases were published, and what they showed (see `DayPlays`)."""

    rules: Mapping[str, VersionedRule]
    places: Mapping[str, Sequence[tuple[str, int]]]
    contents: Mapping[tuple[str, str], Sequence[tuple[ReleaseContent, Runs]]]
    judged: dict[Any, Any] = field(default_factory=dict)
    """As what plays of the same count by it: each is judged once."""


@dataclass(frozen=True, slots=True)
class DayPlays:
    """What days of a device are counted from, all read at one moment.

    `changes` of each day is that moment. `plays` are those on these days and around them.
    """

    device: str
    changes: Mapping[int, int]
    plays: Sequence[CountedPlay]
    known: LineKnowledge
    last: tuple[str, int] = ("", 0)  # a log, and up to which of its plays all of these days are here


def known_of_lines(connection: Connection, plays: Iterable[CountedPlay]) -> LineKnowledge:
    """Return what is known of the lines that plays show."""
    of_lines = {(facts.line, facts.release, facts.asset) for facts, *_ in plays if facts.line}
    places = _places(connection, {release for _, release, _ in of_lines})
    channels = {channel for each in places.values() for channel, _ in each}
    contents = _contents(connection, channels, {asset for *_, asset in of_lines})
    return LineKnowledge(rules_of(connection, {line for line, *_ in of_lines if line}), places, contents)


def _places(connection: Connection, sha256s: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    wanted, found = sorted(sha256s), dict[str, list[tuple[str, int]]]()
    for first in range(0, len(wanted), _AT_ONCE):
        query = select(releases.c.sha256, releases.c.channel_id, releases.c.sequence)
        rows = connection.execute(query.where(releases.c.sha256.in_(wanted[first : first + _AT_ONCE])))
        for sha256, channel, sequence in rows:
            found.setdefault(sha256, []).append((channel, sequence))
    return found


def _contents(
    connection: Connection, channels: Collection[str], assets: Collection[str]
) -> dict[tuple[str, str], list[tuple[ReleaseContent, Runs]]]:
    own, found = release_contents.c, dict[tuple[str, str], list[tuple[ReleaseContent, Runs]]]()
    fields = [own[name] for name in ReleaseContent.__dataclass_fields__]
    wanted = sorted(assets) if channels else []
    for first in range(0, len(wanted), _AT_ONCE):
        query = select(own.channel_id, own.sequences, *fields).where(own.channel_id.in_(channels), own.line != "")
        for channel, runs, *values in connection.execute(query.where(own.asset.in_(wanted[first : first + _AT_ONCE]))):
            content = ReleaseContent(*values)
            found.setdefault((channel, content.asset), []).append((content, [(one[0], one[1]) for one in runs]))
    return found
