"""Pure: when screens could not show what was promised, and why, by their history.

A screen says itself when its player did not run and when its monitor was off. What it cannot say, the origin wrote: it
was not heard, and is back. What no row of the history says is no outage.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from operator import attrgetter, sub
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sync.origin.planning.venue_days import Hours, day_span, parts_of_hours, spread
from sync.wire.device_reports import HistoryKind

KINDS = (HistoryKind.PLAYER, HistoryKind.SCREEN, HistoryKind.CONTACT)
"""The kinds of history that tell outages."""


class OutageCause(StrEnum):
    """Why a screen could not show anything; of a time that has several, the first one counts."""

    OFFLINE = "offline"  # its player did not run; or it was not heard, and is back without having said why
    SCREEN_OFF = "screen_off"  # off or disconnected
    NOT_HEARD = "not_heard"  # since then, until now: what it played may still come


class HistoryChange(NamedTuple):
    """A row of the history: from `at_ms` (Unix) on, this kind of thing was in this state."""

    device: str
    kind: str
    state: str
    at_ms: int


class Outage(NamedTuple):
    """A time (Unix ms) in which a screen showed nothing to anybody, if its plays do not say that it did."""

    cause: OutageCause
    since_ms: int
    until_ms: int


def outages(changes: Iterable[HistoryChange], now_ms: int) -> dict[str, list[Outage]]:
    """Return the outages of each device until now, which do not overlap. `changes` are in the order of their time."""
    by_device = groupby(sorted(changes, key=attrgetter("device")), key=attrgetter("device"))
    return {device: list(_outages(list(rows), now_ms)) for device, rows in by_device}


def _outages(rows: Sequence[HistoryChange], now_ms: int) -> Iterator[Outage]:
    contact = [row for row in rows if row.kind == HistoryKind.CONTACT]
    state: dict[str, str] = {}
    for row, until_ms in zip(rows, [*(following.at_ms for following in rows[1:]), now_ms], strict=True):
        state[row.kind] = row.state
        cause = _cause(state, newest_contact=bool(contact) and row.at_ms >= contact[-1].at_ms)
        if cause is not None and row.at_ms < min(until_ms, now_ms):
            yield Outage(cause, row.at_ms, min(until_ms, now_ms))


def _cause(state: Mapping[str, str], *, newest_contact: bool) -> OutageCause | None:
    silent = state.get(HistoryKind.CONTACT) == "lost"
    if state.get(HistoryKind.PLAYER) == "stopped":
        return OutageCause.OFFLINE
    if silent and newest_contact:
        return OutageCause.NOT_HEARD  # how its screen was before says nothing of this time
    if state.get(HistoryKind.SCREEN) in ("off", "disconnected"):
        return OutageCause.SCREEN_OFF
    return OutageCause.OFFLINE if silent else None


def lost_hours(
    day: int, zone: ZoneInfo, span: tuple[int, int], found: Sequence[Outage], shown_ms: Sequence[int]
) -> dict[OutageCause, Hours]:
    """Return which part of each hour of a day a screen lost by each cause, within a time (`span`, Unix ms).

    What its plays say that it showed in an hour (`shown_ms`) is not lost, whatever the history says: a screen that was
    not heard may have played.
    """
    begins_ms, ends_ms = day_span(day, zone)
    since_ms, until_ms = max(begins_ms, span[0]), min(ends_ms, span[1])
    lost: dict[OutageCause, list[int]] = {}
    for one in found[bisect_right(found, since_ms, key=attrgetter("until_ms")) :]:
        if one.since_ms >= until_ms:
            break
        hours = lost.setdefault(one.cause, [0] * 24)
        spread(day, zone, max(since_ms, one.since_ms), min(until_ms, one.until_ms), hours)
    if lost and any(shown_ms):
        left = [0] * 24
        spread(day, zone, since_ms, until_ms, left)
        left = [max(0, there - shown) for there, shown in zip(left, shown_ms, strict=True)]
        for cause in filter(lost.get, OutageCause):
            lost[cause] = list(map(min, lost[cause], left))
            left = list(map(sub, left, lost[cause]))
    return {cause: parts_of_hours(day, zone, hours) for cause, hours in lost.items()}
