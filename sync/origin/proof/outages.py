"""Pure: when screens could not show what was promised, and why, by their history.

A screen says itself when its player did not run and when its monitor was off. What it cannot say, the origin wrote: it
was not heard, and is back. What no row of the history says is no outage.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
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


_PLAYER, _SCREEN, _CONTACT = map(str, KINDS)  # to look a member of an enum up takes longer than what is done with it
_OFFLINE, _SCREEN_OFF, _NOT_HEARD = OutageCause


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
    by_device = defaultdict[str, list[HistoryChange]](list)
    for change in changes:
        by_device[change.device].append(change)
    return {device: list(_outages(rows, now_ms)) for device, rows in by_device.items()}


def _outages(rows: Sequence[HistoryChange], now_ms: int) -> Iterator[Outage]:
    heard_ms = max((row.at_ms for row in rows if row.kind == _CONTACT), default=now_ms)
    state = dict.fromkeys(map(str, KINDS), "")
    for row, until_ms in zip(rows, [*(following.at_ms for following in rows[1:]), now_ms], strict=True):
        state[row.kind] = row.state
        if row.at_ms < until_ms:
            cause = _cause(state[_PLAYER], state[_SCREEN], state[_CONTACT] == "lost", row.at_ms >= heard_ms)
            if cause is not None and row.at_ms < now_ms:
                yield Outage(cause, row.at_ms, min(until_ms, now_ms))


def _cause(player: str, screen: str, silent: bool, newest_contact: bool) -> OutageCause | None:
    if player == "stopped":
        return _OFFLINE
    if silent and newest_contact:
        return _NOT_HEARD  # how its screen was before says nothing of this time
    if screen in ("off", "disconnected"):
        return _SCREEN_OFF
    return _OFFLINE if silent else None


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
