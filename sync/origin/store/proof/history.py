"""The tables of history: what changed on screens, as they said, once by key, and what this origin saw by itself."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, or_, select, union_all, update

from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.lists import HISTORY
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.store.proof.deduplication import Arrival, ReceiptStatus, gaps_of, store_once
from sync.origin.store.spaces.visible_rows import of_seen_device
from sync.origin.tables.devices import devices
from sync.origin.tables.history import history, history_conflicts
from sync.runtime.clock import unix_ms
from sync.wire.device_reports import HistoryKind, HistoryRecord


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """Selects rows of devices that one may see; None does not restrict. `from_ms <= at < until_ms`."""

    device: str | None = None
    kind: str | None = None
    from_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A change on a screen; `body` is the record as it was sent, or what this origin wrote; then `hash` is None."""

    id: int
    device: str
    kind: str
    state: str
    at_ms: int
    clock: str
    clock_offset_ms: int | None
    hash: str | None
    body: Mapping[str, Any]
    received_ms: int


@dataclass(frozen=True, slots=True)
class Correction:
    """A row that tells a step of the clock: its id, the start of the machine, and the log it is in."""

    id: int
    boot_id: str | None
    log_epoch: str


_COLUMNS = (
    history.c.id, history.c.device_id.label("device"), history.c.kind, history.c.state, history.c.at_ms,
    history.c.clock, history.c.clock_offset_ms, history.c.hash, history.c.body, history.c.received_ms,
)  # fmt: skip


class HistoryStore:
    """Stores history as evidence: rows are inserted, and their documents never change."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def insert(
        self, device: str, records: Sequence[tuple[HistoryRecord, Mapping[str, Any]]], now_ms: int
    ) -> list[ReceiptStatus]:
        """Add the records of a device that are new, with the documents they came as; return a status for each."""
        arrivals = [
            Arrival((device, record.log_epoch, record.sequence), record.hash, _row(record, body, now_ms))
            for record, body in records
        ]
        return await self._database.write(
            lambda connection: store_once(connection, history, history_conflicts, _ROW, arrivals)
        )

    async def gaps(self, device: str, log_epoch: str, limit: int) -> list[tuple[int, int]]:
        """Return the gaps below the newest record of this log: first and last missing sequence, the lowest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute(gaps_of(history, device, log_epoch).limit(limit))
            return [(first, last) for first, last in rows]

    async def newest(self, device: str, log_epoch: str) -> int:
        """Return the highest sequence of this log that is stored, 0 if there is none."""
        query = select(func.max(history.c.sequence)).where(
            history.c.device_id == device, history.c.log_epoch == log_epoch
        )
        async with self._database.reading() as connection:
            return await connection.scalar(query) or 0

    async def of_clock(
        self, device: str, boots: Collection[str], log_epochs: Collection[str]
    ) -> list[Mapping[str, Any]]:
        """Return the records of a device that tell its boots and the steps of its clock.

        Of these boots, and of these logs for plays that do not say their boot.
        """
        boot = history.c.body["boot_id"].as_string()
        query = select(history.c.body).where(
            history.c.device_id == device,
            history.c.kind.in_((HistoryKind.CLOCK, HistoryKind.PLAYER)),
            or_(boot.in_(boots), history.c.log_epoch.in_(log_epochs)),
        )
        async with self._database.reading() as connection:
            return list(await connection.scalars(query))

    async def untrusted(self, device: str, boots: Collection[str]) -> list[HistoryRow]:
        """Return what these boots recorded under a clock that nobody had set."""
        query = select(*_COLUMNS).where(
            history.c.device_id == device,
            history.c.clock == "unsynced",
            history.c.body["boot_id"].as_string().in_(boots),
        )
        async with self._database.reading() as connection:
            return [HistoryRow(**row._mapping) for row in await connection.execute(query)]

    async def set_times(self, times: Mapping[int, tuple[int, int]]) -> None:
        """Set the time of rows by their id: when (Unix ms), and by how much that is corrected."""
        change = update(history).where(history.c.id == bindparam("row"))
        change = change.values(at_ms=bindparam("at"), clock_offset_ms=bindparam("offset"))
        rows = [{"row": row, "at": at_ms, "offset": offset_ms} for row, (at_ms, offset_ms) in times.items()]
        if rows:
            async with self._database.writing() as connection:
                await connection.execute(change, rows)

    async def that_correct(self, device: str) -> list[Correction]:
        """Return the records of a device by which plays may still have to get their right time."""
        query = select(history.c.id, history.c.body["boot_id"].as_string(), history.c.log_epoch)
        async with self._database.reading() as connection:
            rows = await connection.execute(query.where(history.c.device_id == device, history.c.corrects.is_not(None)))
            return [Correction(*row) for row in rows]

    async def devices_to_correct(self) -> set[str]:
        """Return the devices that have such records."""
        query = select(history.c.device_id).where(history.c.corrects.is_not(None)).distinct()
        async with self._database.reading() as connection:
            return set(await connection.scalars(query))

    async def corrected(self, records: Collection[int]) -> None:
        """Note that all plays have the time that these records give them; `records` are the ids of rows."""
        async with self._database.writing() as connection:
            await connection.execute(update(history).where(history.c.id.in_(records)).values(corrects=None))

    async def states(
        self, kinds: Collection[str], from_ms: int, until_ms: int, device: str | None
    ) -> list[tuple[str, str, str, int]]:
        """Return how these things were in a time: device, kind, state and since when (Unix ms), the oldest first.

        Of each device and kind also the last row before that time, and the first one after it.
        """
        own, one = history.c, history.alias()
        newest = (one.c.at_ms < from_ms, one.c.at_ms.desc(), one.c.id.desc())
        oldest = (one.c.at_ms >= until_ms, one.c.at_ms, one.c.id)
        columns = select(own.device_id, own.kind, own.state, own.at_ms, own.id)
        queries = [columns.where(own.kind.in_(kinds), own.at_ms >= from_ms, own.at_ms < until_ms)]
        for kind in kinds:
            for beyond, *order in (newest, oldest):
                first = select(one.c.id).where(one.c.device_id == devices.c.id, one.c.kind == kind, beyond)
                edge = first.order_by(*order).limit(1).correlate(devices).scalar_subquery()
                queries.append(columns.select_from(devices.join(history, own.id == edge)))
        these = [] if device is None else [own.device_id == device]
        found = union_all(*(query.where(*these) for query in queries)).subquery().c
        query = select(found.device_id, found.kind, found.state, found.at_ms).order_by(found.at_ms, found.id)
        async with self._database.reading() as connection:
            return [tuple(row) for row in await connection.execute(query)]

    async def page(self, selected: HistoryFilter, asked: PageRequest) -> Page[HistoryRow]:
        """Return a page of rows."""
        async with self._database.reading() as connection:
            page = await read_page(connection, HISTORY, select(*_COLUMNS), asked, *_conditions(selected))
        return page.of(lambda row: HistoryRow(*row[: len(_COLUMNS)]))


def _conditions(selected: HistoryFilter) -> list[ColumnElement[bool]]:
    equal = {history.c.device_id: selected.device, history.c.kind: selected.kind}
    found = [column == value for column, value in equal.items() if value is not None]
    found.append(of_seen_device(history.c.device_id))
    if selected.from_ms is not None:
        found.append(history.c.at_ms >= selected.from_ms)
    return found if selected.until_ms is None else [*found, history.c.at_ms < selected.until_ms]


_ROW = (
    "device_id", "log_epoch", "sequence", "kind", "state", "at_ms", "clock", "hash", "body", "received_ms", "corrects",
)  # fmt: skip


def _row(record: HistoryRecord, body: Mapping[str, Any], now_ms: int) -> tuple[Any, ...]:
    corrects = 1 if record.kind == HistoryKind.CLOCK else None
    return (
        record.device, record.log_epoch, record.sequence, record.kind, record.state, unix_ms(record.at),
        record.clock.value, record.hash, dict(body), now_ms, corrects,
    )  # fmt: skip
