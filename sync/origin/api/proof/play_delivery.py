"""Devices deliver plays; people say that plays count which were set aside."""

import logging
from typing import Annotated

from aiohttp import web
from pydantic import Field

from sync.errors import NotFound, Rejected
from sync.http.bodies import json_answer, parse_json, read_body, read_json
from sync.http.operations import Access, InSpaces, Operation
from sync.origin.api.monitoring import OriginMetrics
from sync.origin.api.proof.play_reading import SetAside
from sync.origin.http.auth import caller_of
from sync.origin.intake.play_intake import PlayIntake
from sync.origin.intake.play_judge import Case, PlayJudge
from sync.origin.live.live_hints import LiveHints
from sync.origin.proof.clock_corrections import at_right_time
from sync.origin.sent_plays.sent_play import LARGEST_NUMBER, read_batch
from sync.origin.store.proof.plays import Acceptance, PlayStore
from sync.roles import Role
from sync.runtime.clock import Clock, unix_ms
from sync.wire.device_reports import BATCH_LIMIT, BatchAnswer, LogEpoch, PlayBatch
from sync.wire.value_types import Identifier, Name, Request, Wire
from sync.words.plays import PLAY_REASONS

BATCH_CAP_BYTES = 4 * 1024 * 1024
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
        intake: PlayIntake,
        store: PlayStore,
        judge: PlayJudge,
        live: LiveHints,
        metrics: OriginMetrics,
        clock: Clock,
    ) -> None:
        self._intake = intake
        self._store = store
        self._judge = judge
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
                InSpaces(Role.PUBLISHER),
                PlaysToAccept,
                AcceptedPlays,
            ),
        )

    async def _receive(self, request: web.Request) -> web.Response:
        raw = await read_body(request, BATCH_CAP_BYTES)
        batch = read_batch(raw, BATCH_MOST_VALUES) or await parse_json(raw, PlayBatch, BATCH_MOST_VALUES)
        answer = await self._intake.submit(caller_of(request).id, batch.plays)
        self._metrics.count_receipts(answer.receipts)
        return json_answer(answer)

    async def _accept(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PlaysToAccept)
        last = asked.sequence if asked.until is None else asked.until
        if not asked.sequence <= last < asked.sequence + MOST_ACCEPTED:
            wrong = f"must be {asked.sequence} to {asked.sequence + MOST_ACCEPTED - 1}"
            raise Rejected(f"`until` {wrong}", fields={"until": wrong})
        await self._store.check_acceptable(asked.device)
        key, now_ms = caller_of(request), unix_ms(self._clock.now())
        async with self._store.turn(asked.device):
            found = await self._store.kept_aside(asked.device, asked.log_epoch, asked.sequence, last)
            plays = [at_right_time(one.play, one.offset_ms) for one in found]
            if not plays:
                raise NotFound("none of these plays is set aside: see the audit for what is")
            [reasons] = await self._judge.judged([Case(asked.device, plays, confirmed=True)])
            good = [play.sequence for play, why in zip(plays, reasons, strict=True) if why is None]
            by = Acceptance(key.id, asked.note, now_ms)
            await self._store.accept(asked.device, asked.log_epoch, good, by)
        if good:
            log.info("device=%s plays=%d set aside before are accepted by %s", asked.device, len(good), key.id)
            self._live.changed("plays", asked.device)
        refused = tuple(
            SetAside(
                device=asked.device,
                log_epoch=asked.log_epoch,
                sequence=play.sequence,
                reason=why,
                reason_told=PLAY_REASONS.told(why),
            )
            for play, why in zip(plays, reasons, strict=True)
            if why
        )
        return json_answer(AcceptedPlays(accepted=tuple(good), refused=refused))
