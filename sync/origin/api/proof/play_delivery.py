"""Devices deliver plays; people say that plays count which were set aside.

Each play gets its own receipt, so that one bad record never blocks the outbox of a device.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, ValidationError

from sync.errors import NotFound, Rejected
from sync.http.bodies import json_answer, read_json
from sync.http.operations import Access, Operation
from sync.origin.api.monitoring import OriginMetrics
from sync.origin.api.proof.clock_correction import ClockCorrection
from sync.origin.api.proof.play_judge import PlayJudge
from sync.origin.api.proof.play_reading import LARGEST_NUMBER, SetAside
from sync.origin.api.proof.receipts import GapSearch, invalid, last_epoch
from sync.origin.http.auth import caller_of
from sync.origin.http.live_hints import LiveHints
from sync.origin.proof.clock_corrections import at_right_time
from sync.origin.store.proof.deduplication import ReceiptStatus
from sync.origin.store.proof.device_logs import DeviceLogStore
from sync.origin.store.proof.identity_doubts import DoubtKind, IdentityDoubtStore
from sync.origin.store.proof.plays import Acceptance, PlayStore, ReceivedPlay
from sync.runtime.clock import Clock, unix_ms
from sync.wire.device_reports import (
    BATCH_LIMIT,
    BatchAnswer,
    LogEpoch,
    Play,
    PlayBatch,
    Receipt,
    play_hash,
)
from sync.wire.input_messages import one_line, rejected
from sync.wire.value_types import Identifier, Name, Request, Wire

BATCH_CAP_BYTES = 4 * 1024 * 1024
CHECKED_AT_ONCE = 20  # plays; a wrong one takes up to a millisecond
BATCH_MOST_VALUES = 100 * BATCH_LIMIT  # a play has about 45
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
        judge: PlayJudge,
        correction: ClockCorrection,
        doubts: IdentityDoubtStore,
        live: LiveHints,
        metrics: OriginMetrics,
        clock: Clock,
    ) -> None:
        self._store = store
        self._logs = logs
        self._search = GapSearch(clock)
        self._judge = judge
        self._correction = correction
        self._doubts = doubts
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
            valid = [result for result in results if isinstance(result, ReceivedPlay)]
            arrivals = await self._judged(device, await self._correction.timed(device, valid))
            statuses = await self._store.insert(device, arrivals, unix_ms(self._clock.now())) if arrivals else []
        stored = iter([_receipt(arrival, status) for arrival, status in zip(arrivals, statuses, strict=True)])
        receipts = tuple(next(stored) if isinstance(result, ReceivedPlay) else result for result in results)
        self._metrics.count_receipts(receipts)
        if any(receipt.status == "conflict" for receipt in receipts):
            twice = "two different plays have one place in its log: it was restored from a backup, or its card copied"
            if await self._doubts.raise_doubt(device, DoubtKind.CONFLICT, twice, unix_ms(self._clock.now())):
                self._live.changed("devices", device)
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
        reasons = iter(await self._judge.reasons(device, [arrival.right or arrival.play for arrival in new]))
        return [replace(one, set_aside=next(reasons)) if firsts.get(one.key) is one else one for one in arrivals]

    async def _accept(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PlaysToAccept)
        last = asked.sequence if asked.until is None else asked.until
        if not asked.sequence <= last < asked.sequence + MOST_ACCEPTED:
            wrong = f"must be {asked.sequence} to {asked.sequence + MOST_ACCEPTED - 1}"
            raise Rejected(f"`until` {wrong}", fields={"until": wrong})
        key, now_ms = caller_of(request), unix_ms(self._clock.now())
        async with self._store.turn(asked.device):
            found = await self._store.kept_aside(asked.device, asked.log_epoch, asked.sequence, last)
            plays = [at_right_time(one.play, one.offset_ms) for one in found]
            if not plays:
                raise NotFound("none of these plays is set aside: see the audit for what is")
            reasons = await self._judge.reasons(asked.device, plays, confirmed=True)
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
        epoch = last_epoch(batch.plays)
        if epoch is None:
            return BatchAnswer(receipts=receipts)
        mark = await self._logs.high_water(device, epoch)
        gaps = partial(self._logs.missing, device, epoch)
        behind = any((one.sequence or 0) > mark for one in receipts)
        missing = await self._search.missing(device, gaps) if behind else ()
        return BatchAnswer(receipts=receipts, log_epoch=epoch, high_water=mark, missing=missing)


def _check_play(document: Mapping[str, Any], device: str) -> ReceivedPlay | Receipt:
    try:
        play = Play.model_validate(document)
    except ValidationError as error:
        return invalid(document, one_line(rejected(error, Play)))
    numbers = {name: value for name, value in play if isinstance(value, int)}
    if max(numbers.values()) > LARGEST_NUMBER:
        return invalid(document, "a number is too large")
    if any(type(document[name]) is not int for name in numbers):  # who reads it later takes it as it was sent
        return invalid(document, "a whole number is written as text, or with a point")
    if play.device != device:
        return invalid(document, f"the play names device {play.device}, but device {device} sent it")
    if play_hash(play.previous_hash, document) != play.hash:
        return invalid(document, "the hash does not match the play")
    return ReceivedPlay(play, document)


def _receipt(arrival: ReceivedPlay, status: ReceiptStatus) -> Receipt:
    why = arrival.set_aside if status == "accepted" else None
    return Receipt(sequence=arrival.play.sequence, status=status, detail=f"set aside: {why}" if why else "")
