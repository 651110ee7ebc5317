"""What is known around plays that are to be judged: who sent them, and the plays that count and may contradict them.

Each statement asks for the plays of many devices at once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sqlalchemy import BigInteger, Connection, Select, String, and_, bindparam, exists, func, select
from sqlalchemy.exc import NoResultFound

from sync.origin.store.days.given_rows import GivenRows
from sync.origin.store.days.play_documents import DOCUMENT
from sync.origin.tables.devices import devices
from sync.origin.tables.plays import plays
from sync.origin.tables.releases import releases

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PlaySender:
    """What is known of a device that sends plays; `channels` None: it was paired with an earlier version."""

    paired_ms: int
    channels: tuple[str, ...] | None
    published: bool  # its channel has a release


@dataclass(frozen=True, slots=True)
class Question:
    """Plays of a device, which must exist, that are to be judged. Times are in Unix milliseconds.

    `spans` is when they were on, `days` the times over which all that was shown is added up, and `places` those of
    them (epoch, sequence) of which the plays that count next below (-1) or above (1) are wanted.
    """

    device: str
    spans: Sequence[Span]
    days: Mapping[int, Span]
    places: Sequence[tuple[str, int, Literal[-1, 1]]]


@dataclass(frozen=True, slots=True)
class PlayContext:
    """The answer: who sent the plays, and the plays that count and may contradict them.

    `taken` has the times of those that may overlap one of the spans, `shown_ms` how much was shown on each day.
    """

    sender: PlaySender
    taken: Sequence[Span]
    shown_ms: Mapping[int, int]
    rows_beside: Sequence[Sequence[Any]]
    beside: Sequence[Mapping[str, Any]] = ()  # the documents of these rows


def contexts(connection: Connection, questions: Sequence[Question]) -> list[PlayContext]:
    """Return the answer to each question; all are about different devices."""
    senders, taken = _senders(connection, questions), _taken(connection, questions)
    beside = _beside(connection, [(one.device, *place) for one in questions for place in one.places])
    return [
        PlayContext(
            senders[one.device],
            taken[one.device],
            {day: _shown_ms(connection, one.device, span) for day, span in one.days.items()},
            [row for place in one.places for row in beside.get((one.device, *place), ())],
        )
        for one in questions
    ]


def _senders(connection: Connection, questions: Sequence[Question]) -> dict[str, PlaySender]:
    names, dialect = [one.device for one in questions], connection.dialect.name
    found = {
        device: PlaySender(paired_ms, None if channels is None else tuple(channels), bool(published))
        for device, paired_ms, channels, published in connection.execute(
            _known_senders(dialect), _NAMES.values(dialect, [(name,) for name in names])
        )
    }
    if unknown := set(names) - found.keys():
        raise NoResultFound(f"there is no device {min(unknown)}")
    return found


def _taken(connection: Connection, questions: Sequence[Question]) -> dict[str, list[Span]]:
    """Return the times of plays that count and may overlap one of the spans of their device.

    Plays that count do not overlap, so only the last two that start before the end of a span can overlap it.
    """
    spans = {one.device: [span for span in one.spans if span[0] <= span[1]] for one in questions}
    ends = [(device, max(until for _, until in own)) for device, own in spans.items() if own]
    newest = _last_two(connection, ends)
    begins = {device: min(since for since, _ in own) for device, own in spans.items() if own}
    later = {device for (device, _), two in newest.items() if any(end > begins[device] for _, end in two)}
    found = _last_two(
        connection, [(device, until) for device in later for until in {until for _, until in spans[device]}]
    )
    taken = {device: set[Span]() for device in spans}
    for (device, _), two in found.items():
        taken[device] |= set(two)
    return {device: sorted(own) for device, own in taken.items()}


def _last_two(connection: Connection, asked: Collection[tuple[str, int]]) -> dict[tuple[str, int], list[Span]]:
    """Return from when to when the last two plays of a device were on that count and started before an instant."""
    found, dialect = dict[tuple[str, int], list[Span]](), connection.dialect.name
    if asked:
        for device, before, start, end in connection.execute(_last(dialect), _ENDS.values(dialect, [*asked])):
            found.setdefault((device, before), []).append((start, end))
    return found


def _shown_ms(connection: Connection, device: str, span: Span) -> int:
    return int(connection.scalar(_SHOWN, {"device": device, "since": span[0], "until": span[1]}) or 0)


def _beside(
    connection: Connection, asked: Collection[tuple[str, str, int, Literal[-1, 1]]]
) -> dict[tuple[str, str, int, Literal[-1, 1]], list[Sequence[Any]]]:
    found = dict[tuple[str, str, int, Literal[-1, 1]], list[Sequence[Any]]]()
    dialect = connection.dialect.name
    for step in _BELOW_AND_ABOVE:
        if places := [(device, epoch, place) for device, epoch, place, where in asked if where == step]:
            for place, *row in connection.execute(_next(dialect, step), _PLACES.values(dialect, places)):
                found.setdefault((row[0], row[1], place, step), []).append(row)
    return found


_BELOW_AND_ABOVE: tuple[Literal[-1, 1], ...] = (-1, 1)
_ENDS = GivenRows(device=String(), before=BigInteger())
_PLACES = GivenRows(device=String(), epoch=String(), place=BigInteger())
_NAMES = GivenRows(name=String())
_SHOWN = select(func.sum(plays.c.rendered_ms)).where(
    plays.c.device_id == bindparam("device"),
    plays.c.set_aside.is_(None),
    plays.c.started_ms >= bindparam("since"),
    plays.c.started_ms < bindparam("until"),
)
"""Made once, as those below: to make a statement costs several times what it costs to execute it."""


@cache
def _known_senders(dialect: str) -> Select[Any]:
    given, own = _NAMES.table(dialect), devices.c
    published = exists().where(releases.c.channel_id == own.channel_id)
    joined = given.join(devices, own.id == given.c.name)
    return select(own.id, own.paired_ms, own.channels, published).select_from(joined)


@cache
def _last(dialect: str) -> Select[Any]:
    given, other = _ENDS.table(dialect), plays.alias()
    earlier = (other.c.device_id == given.c.device, other.c.started_ms < given.c.before, other.c.set_aside.is_(None))
    second = select(other.c.started_ms).where(*earlier).order_by(other.c.started_ms.desc()).limit(1).offset(1)
    started = plays.c.started_ms
    same = and_(
        plays.c.device_id == given.c.device,
        started < given.c.before,
        started >= func.coalesce(second.scalar_subquery(), -(2**60)),
        plays.c.set_aside.is_(None),
    )
    ended_ms = func.coalesce(plays.c.ended_ms, started)  # of an earlier version: its end is not known
    return select(given.c.device, given.c.before, started, ended_ms).select_from(given.join(plays, same))


@cache
def _next(dialect: str, step: Literal[-1, 1]) -> Select[Any]:
    given, other = _PLACES.table(dialect), plays.alias()
    sequence = other.c.sequence
    there = sequence < given.c.place if step < 0 else sequence > given.c.place
    nearest = select(sequence).where(other.c.device_id == given.c.device, other.c.log_epoch == given.c.epoch)
    nearest = nearest.where(other.c.set_aside.is_(None), there)
    nearest = nearest.order_by(sequence.desc() if step < 0 else sequence).limit(1)
    same_log = (plays.c.device_id == given.c.device, plays.c.log_epoch == given.c.epoch)
    same = and_(*same_log, plays.c.sequence == nearest.scalar_subquery())
    return select(given.c.place, *DOCUMENT).select_from(given.join(plays, same))
