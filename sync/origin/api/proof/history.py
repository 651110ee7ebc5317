"""History over HTTP at `/v1/history`: screens deliver what changed on them, people read it and what the origin saw."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from aiohttp import web
from pydantic import Field, ValidationError

from sync.http.bodies import json_answer, read_json, read_query
from sync.http.operations import Access, Operation
from sync.origin.api.lists import LINKS, SEEN, ListQuery, cursor_text, link_header
from sync.origin.http.auth import caller_of
from sync.origin.intake.clock_correction import ClockCorrection
from sync.origin.intake.receipts import GapSearch, invalid, last_epoch
from sync.origin.live.live_hints import LiveHints
from sync.origin.persistence.lists import HISTORY
from sync.origin.proof.csv_export import HISTORY_COLUMNS, csv_of
from sync.origin.store.proof.history import HistoryFilter, HistoryRow, HistoryStore
from sync.origin.store.proof.names import NameStore
from sync.origin.store.proof.plays import PlayStore
from sync.runtime.clock import Clock, instant, unix_ms
from sync.wire.device_reports import (
    BATCH_LIMIT,
    BatchAnswer,
    HistoryBatch,
    HistoryKind,
    HistoryRecord,
    Receipt,
    Word,
    record_hash,
)
from sync.wire.input.input_messages import one_line, rejected
from sync.wire.value_types import AskedInstant, Identifier, Instant, Wire

BATCH_CAP_BYTES = 2 * 1024 * 1024
BATCH_MOST_VALUES = 50 * BATCH_LIMIT  # a record has about 15
OF_THE_ORIGIN = frozenset({HistoryKind.CONTACT, HistoryKind.DEVICE})
CHECKED_AT_ONCE = 50  # records


class HistoryEntry(Wire):
    """One change on a screen, as it said (`by` screen) or as this origin saw it.

    `at` is right as far as it is known today: `clock_offset_ms` after what the screen said. `record` is what it sent.
    """

    id: int
    device: str
    by: Literal["screen", "origin"]
    kind: str
    state: str
    at: Instant
    clock_offset_ms: int | None
    received_at: Instant
    code: str
    text: str
    record: dict[str, Any]


class HistoryPage(Wire):
    """Changes, newest first; `next` asks for older ones."""

    history: tuple[HistoryEntry, ...]
    next: str | None


class HistoryQuery(ListQuery):
    """Which changes to return. `from` is included, `until` is not."""

    device: Identifier | None = None
    kind: Word | None = None
    from_: AskedInstant | None = Field(None, alias="from")
    until: AskedInstant | None = None
    sort: Literal["at", "-at"] = "-at"
    after: str | None = None
    format: Literal["json", "csv"] = "json"

    def filter(self) -> HistoryFilter:
        """Return the filter for the store."""
        since, until = (None if at is None else unix_ms(at) for at in (self.from_, self.until))
        return HistoryFilter(self.device, self.kind, since, until)


class HistoryRoutes:
    """Takes history from devices, and serves it to people."""

    def __init__(
        self,
        store: HistoryStore,
        plays: PlayStore,
        correction: ClockCorrection,
        names: NameStore,
        live: LiveHints,
        clock: Clock,
    ) -> None:
        self._store = store
        self._plays = plays
        self._correction = correction
        self._names = names
        self._live = live
        self._clock = clock
        self._search = GapSearch(clock)

    def operations(self) -> tuple[Operation, ...]:
        """Return the operation for devices, and that for people."""
        path = "/v1/history"
        return (
            Operation("POST", path, self._receive, "Deliver history", Access.DEVICE, HistoryBatch, BatchAnswer),
            Operation(
                "GET",
                path,
                self._page,
                "Read what changed on screens, newest first",
                SEEN,
                answer=HistoryPage,
                query=HistoryQuery,
                other_types=("text/csv",),
                answer_headers=("X-Next", *LINKS),
            ),
        )

    async def _receive(self, request: web.Request) -> web.Response:
        batch = await read_json(request, HistoryBatch, cap_bytes=BATCH_CAP_BYTES, most_values=BATCH_MOST_VALUES)
        device = caller_of(request).id
        results: list[tuple[HistoryRecord, Mapping[str, Any]] | Receipt] = []
        for first in range(0, len(batch.records), CHECKED_AT_ONCE):
            results += [_check(document, device) for document in batch.records[first : first + CHECKED_AT_ONCE]]
            await self._clock.sleep(0)  # others are answered in between
        valid = [result for result in results if not isinstance(result, Receipt)]
        async with self._plays.turn(device):
            statuses = await self._store.insert(device, valid, unix_ms(self._clock.now())) if valid else []
            # One that is sent again may be here without its effect: this origin ended in between.
            held = [record for (record, _), status in zip(valid, statuses, strict=True) if status != "conflict"]
            if held:
                await self._correction.correct(device, held)
        stored = iter(
            [Receipt(sequence=one.sequence, status=how) for (one, _), how in zip(valid, statuses, strict=True)]
        )
        receipts = [result if isinstance(result, Receipt) else next(stored) for result in results]
        if "accepted" in statuses:
            self._live.changed("history", device)
        return json_answer(await self._answer(device, last_epoch(batch.records), tuple(receipts)))

    async def _answer(self, device: str, epoch: str | None, receipts: tuple[Receipt, ...]) -> BatchAnswer:
        if epoch is None:
            return BatchAnswer(receipts=receipts)
        gaps = await self._store.gaps(device, epoch, 1)
        mark = gaps[0][0] - 1 if gaps else await self._store.newest(device, epoch)
        missing = await self._search.missing(device, partial(self._store.gaps, device, epoch)) if gaps else ()
        return BatchAnswer(receipts=receipts, log_epoch=epoch, high_water=mark, missing=missing)

    async def _page(self, request: web.Request) -> web.StreamResponse:
        query = read_query(request, HistoryQuery)
        page = await self._store.page(query.filter(), query.page(HISTORY))
        rows, following, links = page.items, cursor_text(page.next), link_header(request, page)
        entries = [_entry(row) for row in rows]
        if query.format == "csv":
            names = await self._names.names("device", (row.device for row in rows))
            lines = [_line(entry, names.get(entry.device, "")) for entry in entries]
            headers = {"X-Next": following, **links} if following else links
            text = csv_of(lines, HISTORY_COLUMNS)
            return web.Response(text=text, content_type="text/csv", charset="utf-8", headers=headers)
        answer = json_answer(HistoryPage(history=tuple(entries), next=following))
        answer.headers.update(links)
        return answer


def _check(document: Mapping[str, Any], device: str) -> tuple[HistoryRecord, Mapping[str, Any]] | Receipt:
    try:
        record = HistoryRecord.model_validate(document)
    except ValidationError as error:
        return invalid(document, one_line(rejected(error, HistoryRecord)))
    if record.device != device:
        return invalid(document, f"the record names device {record.device}, but device {device} sent it")
    if record.kind in OF_THE_ORIGIN:
        return invalid(document, f"only the origin records what is of kind {record.kind}")
    if record_hash(document) != record.hash:
        return invalid(document, "the hash does not match the record")
    return record, document


def _entry(row: HistoryRow) -> HistoryEntry:
    return HistoryEntry(
        id=row.id,
        device=row.device,
        by="origin" if row.hash is None else "screen",
        kind=row.kind,
        state=row.state,
        at=instant(row.at_ms),
        clock_offset_ms=row.clock_offset_ms,
        received_at=instant(row.received_ms),
        code=row.body.get("code", ""),
        text=row.body.get("text", ""),
        record=dict(row.body),
    )


def _line(entry: HistoryEntry, name: str) -> dict[str, Any]:
    """Return a change as a line of CSV: what its record says, and what is known today."""
    return {**entry.record, **entry.model_dump(mode="json", exclude={"record"}), "device_name": name}
