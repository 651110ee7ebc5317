"""The tables of plays: each play is stored once by (device, log epoch, sequence), conflicting ones separately."""

from collections.abc import Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.lists import CONFLICTS, PLAYS
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.persistence.tables import devices, play_conflicts, plays, releases
from sync.origin.store.days.play_days import day_of_play, mark_days, mark_plays
from sync.origin.store.days.play_documents import DOCUMENT, documents
from sync.origin.store.proof.deduplication import Arrival, Key, ReceiptStatus, store_once, stored_hashes
from sync.origin.store.proof.play_times import StoredPlay, stored_plays
from sync.runtime.clock import unix_ms
from sync.wire.device_reports import Play

GroupBy = Literal["item", "line", "campaign", "creative", "device"]


@dataclass(frozen=True, slots=True)
class ReceivedPlay:
    """A play that was found valid, and the document it came as."""

    play: Play
    body: Mapping[str, Any]
    set_aside: str | None = None  # why it is in no sum
    right: Play | None = None  # the same at its right time; None: it was then
    offset_ms: int | None = None  # that corrects its times; None: they are as it says

    @property
    def key(self) -> Key:
        """Return what identifies it on its device."""
        return self.play.log_epoch, self.play.sequence


@dataclass(frozen=True, slots=True)
class PlayFilter:
    """Selects plays; None does not restrict. `from_ms <= started < until_ms`."""

    device: str | None = None
    line: str | None = None
    campaign: str | None = None
    item: str | None = None
    kind: str | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    set_aside: bool | None = None


@dataclass(frozen=True, slots=True)
class PlaySender:
    """What is known of a device that sends plays; `channels` None: it was paired with an earlier version."""

    paired_ms: int
    channels: tuple[str, ...] | None
    published: bool  # its channel has a release


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


class PlayStore:
    """Stores plays as evidence: they are inserted, and their documents never change."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def insert(self, device: str, received: Sequence[ReceivedPlay], now_ms: int) -> list[ReceiptStatus]:
        """Add the plays that are new, in one transaction; return a status for each received play, in order."""
        async with self._database.writing() as connection:
            arrivals = [Arrival(one.key, one.play.hash, _row(one, now_ms)) for one in received]
            statuses = await store_once(connection, plays, play_conflicts, device, arrivals)
            new = [one.row for one, status in zip(arrivals, statuses, strict=True) if status == "accepted"]
            await mark_days(connection, device, [day_of_play(row["started_ms"], row["body"]["zone"]) for row in new])
            return statuses

    def turn(self, device: str) -> AbstractAsyncContextManager[None]:
        """Let one delivery of a device at a time be judged and stored: what counts is known to the next one."""
        return self._database.turn(f"plays of {device}")

    async def sender(self, device: str) -> PlaySender:
        """Return what is known of a device, which must exist."""
        published = exists().where(releases.c.channel_id == devices.c.channel_id)
        query = select(devices.c.paired_ms, devices.c.channels, published).where(devices.c.id == device)
        async with self._database.reading() as connection:
            paired_ms, channels, has_release = (await connection.execute(query)).one()
        return PlaySender(paired_ms, None if channels is None else tuple(channels), bool(has_release))

    async def stored(self, device: str, received: Sequence[ReceivedPlay]) -> Set[Key]:
        """Return the keys of those plays that are taken already, by the same play or by another one."""
        async with self._database.reading() as connection:
            return (await stored_hashes(connection, plays, device, [one.key for one in received])).keys()

    async def taken(self, device: str, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return the times of plays that count and may overlap one of `spans` (Unix ms).

        Plays that count do not overlap, so only the last two that start before the end of a span can overlap it.
        """
        spans = [span for span in spans if span[0] <= span[1]]
        if not spans:
            return []
        async with self._database.reading() as connection:
            newest = await _last_before(connection, device, max(until for _, until in spans))
            if all(until <= min(since for since, _ in spans) for _, until in newest):
                return []
            found = [await _last_before(connection, device, until) for until in {until for _, until in spans}]
        return sorted({span for two in found for span in two})

    async def shown_ms(self, device: str, from_ms: int, until_ms: int) -> int:
        """Return for how long the plays of a device that count and started in this time were on."""
        query = _filtered(select(func.sum(plays.c.rendered_ms)), PlayFilter(device, set_aside=False))
        async with self._database.reading() as connection:
            in_time = query.where(plays.c.started_ms >= from_ms, plays.c.started_ms < until_ms)
            return int(await connection.scalar(in_time) or 0)

    async def beside(
        self, device: str, log_epoch: str, sequence: int, step: Literal[-1, 1]
    ) -> Mapping[str, Any] | None:
        """Return the document of the play of a log that counts next below (-1) or above (1) this one."""
        query = select(*DOCUMENT).where(*_in_log(device, log_epoch), plays.c.set_aside.is_(None)).limit(1)
        if step < 0:
            query = query.where(plays.c.sequence < sequence).order_by(plays.c.sequence.desc())
        else:
            query = query.where(plays.c.sequence > sequence).order_by(plays.c.sequence)
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return next(iter(await documents(self._database, rows)), None)

    async def kept_aside(self, device: str, log_epoch: str, first: int, last: int) -> list[StoredPlay]:
        """Return the plays of this part of a log that are in no sum, by their start."""
        query = select(*DOCUMENT, plays.c.clock_offset_ms).where(
            *_in_log(device, log_epoch), plays.c.sequence.between(first, last), plays.c.set_aside.is_not(None)
        )
        return await stored_plays(self._database, query.order_by(plays.c.started_ms))

    async def accept(self, device: str, log_epoch: str, sequences: Sequence[int], by: Acceptance) -> None:
        """Have plays count that were set aside; what was held against them stays on record."""
        aside = and_(*_in_log(device, log_epoch), plays.c.set_aside.is_not(None))
        chosen = and_(aside, plays.c.sequence.in_(sequences))
        query = select(plays.c.sequence, plays.c.set_aside).where(chosen)
        async with self._database.writing() as connection:
            await mark_plays(connection, chosen)
            for sequence, reason in (await connection.execute(query)).all():
                accepted = {**asdict(by), "reason": reason}
                change = update(plays).where(aside, plays.c.sequence == sequence)
                await connection.execute(change.values(set_aside=None, accepted=accepted))

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
        these = () if device is None else (play_conflicts.c.device_id == device,)
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


async def _last_before(connection: AsyncConnection, device: str, before_ms: int) -> list[tuple[int, int]]:
    """Return from when to when the last two plays were on that count and started before an instant."""
    ended_ms = func.coalesce(plays.c.ended_ms, plays.c.started_ms)  # of an earlier version: its end is not known
    query = select(plays.c.started_ms, ended_ms).where(
        plays.c.device_id == device, plays.c.started_ms < before_ms, plays.c.set_aside.is_(None)
    )
    return [(row[0], row[1]) for row in await connection.execute(query.order_by(plays.c.started_ms.desc()).limit(2))]


def _in_log(device: str, log_epoch: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return plays.c.device_id == device, plays.c.log_epoch == log_epoch


def _filtered(query: Select[*tuple[Any, ...]], selected: PlayFilter) -> Select[*tuple[Any, ...]]:
    equal = {
        plays.c.device_id: selected.device,
        plays.c.line_id: selected.line,
        plays.c.campaign_id: selected.campaign,
        plays.c.item_id: selected.item,
        plays.c.kind: selected.kind,
    }
    query = query.where(*(column == value for column, value in equal.items() if value is not None))
    if selected.set_aside is not None:
        query = query.where(plays.c.set_aside.is_not(None) if selected.set_aside else plays.c.set_aside.is_(None))
    if selected.from_ms is not None:
        query = query.where(plays.c.started_ms >= selected.from_ms)
    return query if selected.until_ms is None else query.where(plays.c.started_ms < selected.until_ms)


def _row(arrival: ReceivedPlay, now_ms: int) -> dict[str, Any]:
    play, right = arrival.play, arrival.right or arrival.play
    return {
        "device_id": play.device,
        "log_epoch": play.log_epoch,
        "sequence": play.sequence,
        "body": dict(arrival.body),
        "received_ms": now_ms,
        "hash": play.hash,
        "kind": play.kind.value,
        "item_id": play.item,
        "campaign_id": play.campaign,
        "line_id": play.line,
        "creative_id": play.creative,
        "outcome": play.outcome.value,
        "started_ms": unix_ms(right.started_at),
        "rendered_ms": play.rendered_ms,
        "ended_ms": unix_ms(right.ended_at),
        "set_aside": arrival.set_aside,
        "clock": play.clock.value,
        "clock_offset_ms": arrival.offset_ms,
    }
