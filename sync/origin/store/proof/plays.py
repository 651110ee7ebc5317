"""The tables of plays: each play is stored once by (device, log epoch, sequence), conflicting ones separately."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    func,
    select,
    update,
)

from sync.errors import NotFound
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.held_plays import Day, HeldDay
from sync.origin.persistence.lists import CONFLICTS, PLAYS
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.persistence.turns import DatabaseAccess
from sync.origin.sent_plays.counted_play import counted_play
from sync.origin.sent_plays.sent_play import AnyPlay, span_of
from sync.origin.store.audit.record import record
from sync.origin.store.days.play_days import day_of_play, mark_new_plays, mark_plays
from sync.origin.store.days.play_documents import DOCUMENT, documents
from sync.origin.store.proof.deduplication import Arrival, Key, Place, ReceiptStatus, store_once, stored_hashes
from sync.origin.store.proof.device_logs import high_waters
from sync.origin.store.proof.play_contexts import PlayContext, Question, contexts
from sync.origin.store.proof.play_times import StoredPlay, stored_plays
from sync.origin.store.spaces.visible_rows import check_role, of_no_hidden_campaign, of_seen_device, seen
from sync.origin.tables.devices import devices
from sync.origin.tables.plays import play_conflicts, plays
from sync.roles import Role

GroupBy = Literal["item", "line", "campaign", "creative", "device"]


class ReceivedPlay(NamedTuple):
    """A play that was found valid, and the document it came as."""

    play: AnyPlay
    body: Mapping[str, Any] | bytes  # bytes: its JSON
    set_aside: str | None = None  # why it is in no sum
    right: AnyPlay | None = None  # the same at its right time; None: it was then
    offset_ms: int | None = None  # that corrects its times; None: they are as it says

    @property
    def key(self) -> Key:
        """Return what identifies it on its device."""
        return self.play.log_epoch, self.play.sequence


@dataclass(frozen=True, slots=True)
class PlayFilter:
    """Selects plays that one may see; None does not restrict. `from_ms <= started < until_ms`."""

    device: str | None = None
    line: str | None = None
    campaign: str | None = None
    item: str | None = None
    kind: str | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    set_aside: bool | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """Plays that a device delivers at once; `log_epoch` is the log of which it is told how far it is stored."""

    device: str
    received: Sequence[ReceivedPlay]
    log_epoch: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What came of a delivery: a status for each play, and how far its log is stored without a gap."""

    statuses: Sequence[ReceiptStatus]
    high_water: int


@dataclass(frozen=True, slots=True)
class PagedPlay:
    """A play as it was sent, and why it is in no sum (None: it counts)."""

    body: Mapping[str, Any]
    set_aside: str | None
    started_ms: int
    ended_ms: int | None
    offset_ms: int | None  # that corrected these two; None: they are as it says


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Who says that plays count that were set aside, why, and when (Unix ms)."""

    key: str
    note: str
    at_ms: int


@dataclass(slots=True)
class PlayTurn:
    """The turn of this origin with these devices. What is stored in it counts when it ends; `came` came by then."""

    devices: Set[str]
    access: DatabaseAccess
    came: list[Mapping[Day, HeldDay]] = field(default_factory=list)


class PlayStore:
    """Stores plays as evidence: they are inserted, and their documents never change."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def store(
        self,
        deliveries: Sequence[Delivery],
        now_ms: int,
        turn: PlayTurn | None = None,
        taken: Mapping[Place, str] | None = None,
    ) -> list[Stored]:
        """Add the plays that are new, of all deliveries in one transaction; at most one delivery is of a device.

        `turn`: it is done in that; `taken`: what `stored` has returned in it.
        """
        access = self._database if turn is None else turn.access
        stored, came = await access.write(lambda connection: _store(connection, deliveries, now_ms, taken))
        if turn is None:
            self._database.held_plays.add(came)
        else:
            turn.came.append(came)
        return stored

    def turn(self, device: str) -> AbstractAsyncContextManager[None]:
        """Let one delivery of a device at a time be judged and stored: what counts is known to the next one."""
        return self._database.turn(_turn_of(device))

    def turn_here(self, device: str) -> AbstractAsyncContextManager[None]:
        """Do so in this origin; who has it asks for `turns_among_origins`."""
        return self._database.turn_here(_turn_of(device))

    @asynccontextmanager
    async def turns_among_origins(self, devices: Iterable[str], *, wait: bool) -> AsyncIterator[PlayTurn]:
        """Have the turn of this origin with each of these devices; without `wait` only where no other one has it."""
        names = {_turn_of(device): device for device in devices}
        async with self._database.turns_among_origins(list(names), wait=wait) as turn:
            ours = PlayTurn({names[name] for name in turn.names}, turn.access)
            yield ours
        for came in ours.came:
            self._database.held_plays.add(came)

    async def stored(self, deliveries: Sequence[Delivery], access: DatabaseAccess | None = None) -> dict[Place, str]:
        """Return the places of those of their plays that are taken already, each with the hash of what has it."""
        places = [(one.device, *play.key) for one in deliveries for play in one.received]
        return await (access or self._database).read(lambda connection: stored_hashes(connection, plays, places))

    async def context(self, questions: Sequence[Question], access: DatabaseAccess | None = None) -> list[PlayContext]:
        """Return what is known around some plays, for each question."""
        found = await (access or self._database).read(lambda connection: contexts(connection, questions))
        return [replace(one, beside=await documents(self._database, one.rows_beside)) for one in found]

    async def kept_aside(self, device: str, log_epoch: str, first: int, last: int) -> list[StoredPlay]:
        """Return the plays of this part of a log that are in no sum, by their start."""
        query = select(*DOCUMENT, plays.c.clock_offset_ms).where(
            *_in_log(device, log_epoch), plays.c.sequence.between(first, last), plays.c.set_aside.is_not(None)
        )
        return await stored_plays(self._database, query.order_by(plays.c.started_ms))

    async def check_acceptable(self, device: str) -> None:
        """Check that one may say which plays of a device count.

        Raises:
            NotFound: one may not see it.
            Forbidden: one is no publisher where it lies.
        """
        lies = select(devices.c.space_id, seen(devices).label("is_seen")).where(devices.c.id == device)
        async with self._database.reading() as connection:
            row = (await connection.execute(lies)).first()
        if row is not None and not row.is_seen:
            raise NotFound("none of these plays is set aside: see the audit for what is")
        if row is not None:
            check_role("device", device, row.space_id, Role.PUBLISHER, is_seen=True)

    async def accept(self, device: str, log_epoch: str, sequences: Sequence[int], by: Acceptance) -> None:
        """Have plays count that were set aside; what was held against them stays on record."""
        aside = and_(*_in_log(device, log_epoch), plays.c.set_aside.is_not(None))
        chosen = and_(aside, plays.c.sequence.in_(sequences))
        query = select(plays.c.sequence, plays.c.set_aside).where(chosen)
        async with self._database.writing() as connection:
            await mark_plays(connection, chosen)
            chosen_plays = (await connection.execute(query)).all()
            for sequence, reason in chosen_plays:
                accepted = {**asdict(by), "reason": reason}
                change = update(plays).where(aside, plays.c.sequence == sequence)
                await connection.execute(change.values(set_aside=None, accepted=accepted))
            after = {"log_epoch": log_epoch, "sequences": [one.sequence for one in chosen_plays], "note": by.note}
            record(connection, AuditedChange(ThingKind.PLAYS, device, device, Action.ACCEPTED, after=after))

    async def page(self, selected: PlayFilter, asked: PageRequest) -> Page[PagedPlay]:
        """Return a page of plays."""
        columns = (plays.c.set_aside, plays.c.started_ms, plays.c.ended_ms, plays.c.clock_offset_ms)
        own = slice(len(DOCUMENT), len(DOCUMENT) + len(columns))
        async with self._database.reading() as connection:
            page = await read_page(connection, PLAYS, _filtered(select(*DOCUMENT, *columns), selected), asked)
        found = iter(await documents(self._database, page.items))
        return page.of(lambda row: PagedPlay(next(found), *row[own]))

    async def count_set_aside(self, selected: PlayFilter) -> int:
        """Return how many of the plays are in no sum."""
        query = _filtered(select(func.count()).select_from(plays), replace(selected, set_aside=True))
        async with self._database.reading() as connection:
            return await connection.scalar(query) or 0

    async def totals(self, selected: PlayFilter, by: GroupBy) -> list[dict[str, Any]]:
        """Return for each group its plays that count, complete ones and milliseconds shown, the most played first."""
        column = _GROUPS[by]
        complete = func.sum(case((plays.c.outcome == "complete", 1), else_=0))
        query = select(
            column.label("id"),
            func.count().label("plays"),
            complete.label("complete"),
            func.sum(plays.c.rendered_ms).label("rendered_ms"),
            func.min(plays.c.started_ms).label("first_ms"),
            func.max(plays.c.started_ms).label("last_ms"),
        ).where(column.is_not(None))
        query = _filtered(query, replace(selected, set_aside=False)).group_by(column)
        query = query.order_by(func.count().desc(), column)
        async with self._database.reading() as connection:
            return [dict(row._mapping) for row in await connection.execute(query)]

    async def conflicts(self, device: str | None, asked: PageRequest) -> Page[dict[str, Any]]:
        """Return a page of the plays whose key belongs to another play, as they were sent."""
        these = [of_seen_device(play_conflicts.c.device_id)]
        these += [] if device is None else [play_conflicts.c.device_id == device]
        async with self._database.reading() as connection:
            page = await read_page(connection, CONFLICTS, select(play_conflicts.c.body), asked, *these)
        return page.of(lambda row: row.body)


_GROUPS: dict[GroupBy, ColumnElement[str | None]] = {
    "item": plays.c.item_id,
    "line": plays.c.line_id,
    "campaign": plays.c.campaign_id,
    "creative": plays.c.creative_id,
    "device": plays.c.device_id,
}


def _turn_of(device: str) -> str:
    return f"plays of {device}"


def _store(
    connection: Connection, deliveries: Sequence[Delivery], now_ms: int, taken: Mapping[Place, str] | None = None
) -> tuple[list[Stored], Mapping[Day, HeldDay]]:
    received = [play for one in deliveries for play in one.received]
    arrivals = [Arrival((play.play.device, *play.key), play.play.hash, _row(play, now_ms)) for play in received]
    statuses = store_once(connection, plays, play_conflicts, _ROW, arrivals, taken)
    came = _by_day(play for play, status in zip(received, statuses, strict=True) if status == "accepted")
    mark_new_plays(connection, came)
    logs = [(one.device, one.log_epoch) for one in deliveries if one.log_epoch is not None]
    marks, status = high_waters(connection, logs), iter(statuses)
    stored = [
        Stored([*islice(status, len(one.received))], marks[one.device, one.log_epoch] if one.log_epoch else 0)
        for one in deliveries
    ]
    return stored, came


def _by_day(new: Iterable[ReceivedPlay]) -> dict[Day, HeldDay]:
    """Return the plays that came to each day of a venue."""
    found = dict[Day, HeldDay]()
    for one in new:
        play, started_ms = one.play, span_of(one.right or one.play)[0]
        log, sequence = play.log_epoch, play.sequence
        counted = counted_play(play, started_ms, one.set_aside, corrected=one.offset_ms is not None)
        day = play.device, day_of_play(started_ms, counted.facts.zone)
        held = found.get(day)
        if held is None:
            found[day] = HeldDay(log, sequence, sequence, [counted])
            continue
        held.plays.append(counted)
        held.log = log if held.log == log else ""
        held.first, held.until = min(held.first, sequence), max(held.until, sequence)
    return found


def _in_log(device: str, log_epoch: str) -> tuple[ColumnElement[bool], ...]:
    return plays.c.device_id == device, plays.c.log_epoch == log_epoch


def _filtered(query: Select[*tuple[Any, ...]], selected: PlayFilter) -> Select[*tuple[Any, ...]]:
    equal = {
        plays.c.device_id: selected.device,
        plays.c.line_id: selected.line,
        plays.c.campaign_id: selected.campaign,
        plays.c.item_id: selected.item,
        plays.c.kind: selected.kind,
    }
    query = query.where(of_seen_device(plays.c.device_id), of_no_hidden_campaign(plays.c.campaign_id))
    query = query.where(*(column == value for column, value in equal.items() if value is not None))
    if selected.set_aside is not None:
        query = query.where(plays.c.set_aside.is_not(None) if selected.set_aside else plays.c.set_aside.is_(None))
    if selected.from_ms is not None:
        query = query.where(plays.c.started_ms >= selected.from_ms)
    return query if selected.until_ms is None else query.where(plays.c.started_ms < selected.until_ms)


_ROW = (
    "device_id", "log_epoch", "sequence", "hash", "kind", "item_id", "campaign_id", "line_id", "creative_id", "outcome",
    "started_ms", "rendered_ms", "body", "received_ms", "ended_ms", "set_aside", "clock", "clock_offset_ms",
)  # fmt: skip


def _row(one: ReceivedPlay, now_ms: int) -> tuple[Any, ...]:
    play = one.play
    started_ms, ended_ms = span_of(one.right or play)
    return (
        # `_value_`: `value` is a property, and costs five times as much
        play.device, play.log_epoch, play.sequence, play.hash, play.kind._value_, play.item, play.campaign, play.line,
        play.creative, play.outcome._value_, started_ms, play.rendered_ms, one.body, now_ms, ended_ms, one.set_aside,
        play.clock._value_, one.offset_ms,
    )  # fmt: skip
