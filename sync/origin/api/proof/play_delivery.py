"""Devices deliver plays; people say that plays count which were set aside.

Each play gets its own receipt, so that one bad record never blocks the outbox of a device.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, TypeAdapter, ValidationError

from sync.errors import NotFound, Rejected
from sync.http.bodies import json_answer, read_json
from sync.http.operations import Access, Operation
from sync.origin.api.monitoring import OriginMetrics
from sync.origin.api.proof.play_reading import LARGEST_NUMBER, SetAside
from sync.origin.http.auth import caller_of
from sync.origin.http.live_hints import LiveHints
from sync.origin.proof.plausibility import (
    MOST_MS,
    OriginTime,
    ScreenFacts,
    day_of,
    may_lack_time,
    time_before,
    why_set_aside,
)
from sync.origin.publishing.release_contents import ReleaseContents
from sync.origin.store.proof.device_logs import DeviceLogStore
from sync.origin.store.proof.once import ReceiptStatus
from sync.origin.store.proof.plays import Acceptance, PlayStore, ReceivedPlay
from sync.runtime.clock import Clock, unix_ms
from sync.wire.device_reports import (
    BATCH_LIMIT,
    MOST_MISSING,
    BatchAnswer,
    LogEpoch,
    Play,
    PlayBatch,
    Receipt,
    SequenceRange,
    play_hash,
)
from sync.wire.input_messages import one_line, rejected
from sync.wire.value_types import Identifier, Name, Request, Wire

BATCH_CAP_BYTES = 4 * 1024 * 1024
CHECKED_AT_ONCE = 20  # plays; a wrong one takes up to a millisecond
BATCH_MOST_VALUES = 100 * BATCH_LIMIT  # a play has about 30
LONGEST_DETAIL = 500
"""A receipt describes a fault in at most this many characters, so that a hostile play cannot inflate the answer."""

SEARCH_EVERY_S = 3_600.0
"""How long after a search a log with gaps is not searched again."""

MOST_ACCEPTED = 1_000  # plays, by one request
_Place = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]

log = logging.getLogger(__name__)


class PlaysToAccept(Request):
    """Plays of one log that were set aside, `sequence` to `until`, and why a person says that they were shown."""

    device: Identifier
    log_epoch: LogEpoch
    sequence: _Place
    until: _Place | None = None
    note: Name


class AcceptedPlays(Wire):
    """Which plays count from now on. `refused`: they contradict themselves or other plays, and stay set aside."""

    accepted: tuple[int, ...]
    refused: tuple[SetAside, ...] = ()


class PlayDeliveryRoutes:
    """Takes plays from devices, and the word of people about those that are in no sum."""

    def __init__(
        self,
        store: PlayStore,
        logs: DeviceLogStore,
        contents: ReleaseContents,
        live: LiveHints,
        metrics: OriginMetrics,
        clock: Clock,
    ) -> None:
        self._store = store
        self._logs = logs
        self._search_again_s: dict[str, float] = {}  # by device: when its log is searched for gaps the next time
        self._contents = contents
        self._live = live
        self._metrics = metrics
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operation for devices, and that for people."""
        path = "/v1/plays"
        return (
            Operation("POST", path, self._receive, "Deliver plays", Access.DEVICE, PlayBatch, BatchAnswer),
            Operation(
                "POST",
                f"{path}/accepted",
                self._accept,
                "Count plays that were set aside as unconfirmed",
                Access.WRITE,
                PlaysToAccept,
                AcceptedPlays,
            ),
        )

    async def _receive(self, request: web.Request) -> web.Response:
        batch = await read_json(request, PlayBatch, cap_bytes=BATCH_CAP_BYTES, most_values=BATCH_MOST_VALUES)
        device = caller_of(request).id
        results: list[ReceivedPlay | Receipt] = []
        for first in range(0, len(batch.plays), CHECKED_AT_ONCE):
            results += [_check_play(document, device) for document in batch.plays[first : first + CHECKED_AT_ONCE]]
            await self._clock.sleep(0)  # others are answered in between
        async with self._store.turn(device):
            arrivals = await self._judged(device, [result for result in results if isinstance(result, ReceivedPlay)])
            statuses = await self._store.insert(device, arrivals, unix_ms(self._clock.now())) if arrivals else []
        stored = iter([_receipt(arrival, status) for arrival, status in zip(arrivals, statuses, strict=True)])
        receipts = tuple(next(stored) if isinstance(result, ReceivedPlay) else result for result in results)
        self._metrics.count_receipts(receipts)
        if any(receipt.status == "accepted" for receipt in receipts):
            self._live.changed("plays", device)
        return json_answer(await self._answer(device, batch, receipts))

    async def _judged(self, device: str, arrivals: list[ReceivedPlay]) -> list[ReceivedPlay]:
        """Return the plays with the reason why they are set aside, where there is one.

        Only what will be stored is judged: of each key the first to come. Anything else must take no time from it.
        """
        stored = await self._store.stored(device, arrivals) if arrivals else frozenset()
        firsts = {arrival.key: arrival for arrival in reversed(arrivals) if arrival.key not in stored}
        new = [arrival for arrival in arrivals if firsts.get(arrival.key) is arrival]
        if not new:
            return arrivals
        reasons = iter(await self._reasons(device, [arrival.play for arrival in new]))
        return [replace(one, set_aside=next(reasons)) if firsts.get(one.key) is one else one for one in arrivals]

    async def _reasons(self, device: str, plays: Sequence[Play], *, confirmed: bool = False) -> list[str | None]:
        """Return for each play why it is set aside, by what the origin has; None: it counts."""
        assets, sender = {play.asset for play in plays}, await self._store.sender(device)
        known = await self._contents.known({play.release for play in plays}, assets)
        shown = await self._contents.shown(sender.channels, assets) if sender.published else None
        spans = [(unix_ms(one.started_at), unix_ms(one.ended_at) + 1) for one in plays]  # and what follows at once
        taken = await self._store.taken(device, spans)
        spare_ms = {
            day: MOST_MS - await self._store.shown_ms(device, *time_before(day))
            for day in {day_of(one) for one in plays if may_lack_time(one)}
        }
        facts = ScreenFacts(sender.paired_ms, sender.channels, shown, taken, spare_ms)
        now = OriginTime(unix_ms(self._clock.now()), self._clock.trust())
        return why_set_aside(plays, facts, known, now, confirmed=confirmed)

    async def _accept(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PlaysToAccept)
        last = asked.sequence if asked.until is None else asked.until
        if not asked.sequence <= last < asked.sequence + MOST_ACCEPTED:
            wrong = f"must be {asked.sequence} to {asked.sequence + MOST_ACCEPTED - 1}"
            raise Rejected(f"`until` {wrong}", fields={"until": wrong})
        key, now_ms = caller_of(request), unix_ms(self._clock.now())
        async with self._store.turn(asked.device):
            plays = await self._store.kept_aside(asked.device, asked.log_epoch, asked.sequence, last)
            if not plays:
                raise NotFound("none of these plays is set aside: see the audit for what is")
            reasons = await self._reasons(asked.device, plays, confirmed=True)
            good = [play.sequence for play, why in zip(plays, reasons, strict=True) if why is None]
            by = Acceptance(key.id, asked.note, now_ms)
            await self._store.accept(asked.device, asked.log_epoch, good, by)
        if good:
            log.info("device=%s plays=%d set aside before are accepted by %s", asked.device, len(good), key.id)
            self._live.changed("plays", asked.device)
        refused = tuple(
            SetAside(device=asked.device, log_epoch=asked.log_epoch, sequence=play.sequence, reason=why)
            for play, why in zip(plays, reasons, strict=True)
            if why
        )
        return json_answer(AcceptedPlays(accepted=tuple(good), refused=refused))

    async def _answer(self, device: str, batch: PlayBatch, receipts: tuple[Receipt, ...]) -> BatchAnswer:
        epoch = next((e for e in (_epoch(play) for play in reversed(batch.plays)) if e is not None), None)
        if epoch is None:
            return BatchAnswer(receipts=receipts)
        mark = await self._logs.high_water(device, epoch)
        missing = await self._missing(device, epoch) if any((one.sequence or 0) > mark for one in receipts) else ()
        return BatchAnswer(receipts=receipts, log_epoch=epoch, high_water=mark, missing=missing)

    async def _missing(self, device: str, epoch: str) -> tuple[SequenceRange, ...]:
        """Return what the device is to send again; not often, for what it does not have any more stays missing."""
        if self._clock.monotonic() < self._search_again_s.get(device, 0.0):
            return ()
        gaps = await self._logs.missing(device, epoch, MOST_MISSING)
        if len(gaps) < MOST_MISSING:
            self._search_again_s[device] = self._clock.monotonic() + SEARCH_EVERY_S
        return tuple(SequenceRange(first=first, last=last) for first, last in gaps)


def _check_play(document: Mapping[str, Any], device: str) -> ReceivedPlay | Receipt:
    try:
        play = Play.model_validate(document)
    except ValidationError as error:
        return _invalid(document, one_line(rejected(error, Play)))
    numbers = (play.sequence, play.rendered_ms, play.expected_ms, play.frames_lost, play.clock_back_ms)
    if max(number or 0 for number in numbers) > LARGEST_NUMBER:
        return _invalid(document, "a number is too large")
    if play.device != device:
        return _invalid(document, f"the play names device {play.device}, but device {device} sent it")
    if play_hash(play.previous_hash, document) != play.hash:
        return _invalid(document, "the hash does not match the play")
    return ReceivedPlay(play, document)


def _receipt(arrival: ReceivedPlay, status: ReceiptStatus) -> Receipt:
    why = arrival.set_aside if status == "accepted" else None
    return Receipt(sequence=arrival.play.sequence, status=status, detail=f"set aside: {why}" if why else "")


def _invalid(document: Mapping[str, Any], detail: str) -> Receipt:
    sequence = document.get("sequence")
    known = isinstance(sequence, int) and not isinstance(sequence, bool) and abs(sequence) <= LARGEST_NUMBER
    return Receipt(sequence=sequence if known else None, status="invalid", detail=detail[:LONGEST_DETAIL])


_EPOCH = TypeAdapter(LogEpoch)


def _epoch(document: Mapping[str, Any]) -> str | None:
    try:
        return _EPOCH.validate_python(document.get("log_epoch"))
    except ValidationError:
        return None
