"""Devices deliver the checkpoints that they signed over their logs of plays. All that they signed is kept."""

import logging
from functools import partial

from aiohttp import web

from sync.errors import Untrusted
from sync.http.bodies import json_answer, read_json
from sync.http.operations import Access, Operation
from sync.origin.http.auth import caller_of
from sync.origin.intake.receipts import GapSearch
from sync.origin.live.live_hints import LiveHints
from sync.origin.store.proof.identity_doubts import DoubtKind, IdentityDoubtStore
from sync.origin.store.proof.signed_logs import SignedCheckpoint, SignedLogStore
from sync.proof.chain import Misfit, misfit
from sync.proof.checkpoint import Certificate, open_checkpoint, payload_hash
from sync.proof.delivery import CheckpointAnswer, CheckpointBatch, CheckpointReceipt, SentCheckpoint
from sync.runtime.clock import Clock, unix_ms
from sync.runtime.threads import in_thread

BATCH_CAP_BYTES = 4 * 1024 * 1024

_DOUBTS = {Misfit.FORK: DoubtKind.FORK, Misfit.SET_BACK: DoubtKind.SET_BACK}

log = logging.getLogger(__name__)


class CheckpointDeliveryRoutes:
    """Checks and stores checkpoints."""

    def __init__(self, store: SignedLogStore, doubts: IdentityDoubtStore, live: LiveHints, clock: Clock) -> None:
        self._store = store
        self._doubts = doubts
        self._live = live
        self._clock = clock
        self._search = GapSearch(clock)

    def operations(self) -> tuple[Operation, ...]:
        """Return the operation for devices."""
        what = "Deliver signed checkpoints over the log of plays"
        return (
            Operation("POST", "/v1/checkpoints", self._receive, what, Access.DEVICE, CheckpointBatch, CheckpointAnswer),
        )

    async def _receive(self, request: web.Request) -> web.Response:
        batch = await read_json(request, CheckpointBatch, cap_bytes=BATCH_CAP_BYTES)
        device = caller_of(request).id
        keys = {one.key: one for one in await self._store.certificates(device)}
        receipts = tuple([await self._take(device, sent, keys) for sent in batch.checkpoints])
        missing = await self._search.missing(device, partial(self._store.missing, device))
        return json_answer(CheckpointAnswer(receipts=receipts, missing=missing))

    async def _take(self, device: str, sent: SentCheckpoint, keys: dict[str, Certificate]) -> CheckpointReceipt:
        try:
            checkpoint, payload, key = await in_thread(open_checkpoint, sent.envelope, keys)
            if checkpoint.device != device:
                raise Untrusted(f"it is of device {checkpoint.device}, but device {device} sent it")
        except Untrusted as error:
            log.warning("device=%s: a checkpoint is refused: %s", device, error)
            return CheckpointReceipt(status="refused", detail=str(error))
        now = self._clock.now()
        signed = SignedCheckpoint(checkpoint, payload_hash(payload), sent.envelope, key.serial, sent.secret)
        judge = partial(misfit, checkpoint, signed.hash, key, received_at=now)
        new, wrong = await self._store.add(device, signed, lambda known: judge(known=known), unix_ms(now))
        if new and wrong is not None:
            log.warning("device=%s: %s", device, wrong[1])
        doubt = None if wrong is None else _DOUBTS.get(wrong[0])
        # A duplicate may be here without its doubt: this origin ended in between.
        if wrong and doubt and await self._doubts.raise_doubt(device, doubt, wrong[1], unix_ms(now)):
            self._live.changed("devices", device)
        return CheckpointReceipt(status="stored" if new else "duplicate", detail=wrong[1] if wrong else "")
