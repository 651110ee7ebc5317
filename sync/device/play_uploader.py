"""Delivers plays to the origin: at least once, oldest first, for ever; exactly once there, by device, epoch, sequence.

A play leaves the queue only after the origin said `accepted` or `duplicate`. An answer that got lost means sending
again, which the origin takes for what it is.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, Protocol

from sync.device.store.outbox import Outbox, Queued, Refusal
from sync.errors import OriginRefused, OriginUnreachable, SignageError, StorageBroken, StorageFull, Untrusted
from sync.runtime.clock import Backoff, Clock
from sync.wire.report import BATCH_LIMIT, BatchAnswer, Receipt

KEEP = timedelta(days=30)
"""How long an acknowledged play stays on the device, for people to look at."""

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0
_LONGEST_RETRY_AFTER_S = 3_600.0
_TOO_LARGE = 413
_GROW_BY = 10  # after a batch was too large, slowly: each try too many is a wasted upload

log = logging.getLogger(__name__)


class PlaySink(Protocol):
    """What the uploader needs of a client."""

    async def post_plays(self, plays: Sequence[Mapping[str, Any]]) -> BatchAnswer:
        """Deliver plays; raises OriginUnreachable or OriginRefused."""


class PlayUploader:
    """A service: whatever the outbox holds reaches the origin."""

    def __init__(self, outbox: Outbox, client: PlaySink, clock: Clock, rng: Random) -> None:
        self._outbox = outbox
        self._client = client
        self._clock = clock
        self._backoff = Backoff(first_s=_FIRST_WAIT_S, limit_s=_LONGEST_WAIT_S, rng=rng)
        self._batch_limit = BATCH_LIMIT
        self._failing = False

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                await self._outbox.wait_for_work()
                await self._deliver(await self._outbox.batch(self._batch_limit))
            except (OriginUnreachable, OriginRefused, Untrusted, StorageBroken, StorageFull) as error:
                await self._wait_after(error)

    async def _deliver(self, batch: Sequence[Queued]) -> None:
        try:
            answer = await self._client.post_plays([queued.body for queued in batch])
        except OriginRefused as error:
            if error.status != _TOO_LARGE:
                raise
            await self._take_smaller(batch, error)
        else:
            await self._heed(batch, answer)
            self._succeeded()

    async def _heed(self, batch: Sequence[Queued], answer: BatchAnswer) -> None:
        done, refused = _sorted(batch, answer.receipts)
        if not done and not refused:
            raise OriginUnreachable(f"the origin answered none of {len(batch)} plays; they will be sent again")
        await self._apply_receipts(done, refused)

    async def _apply_receipts(self, done: Sequence[int], refused: Sequence[Refusal]) -> None:
        if refused:
            first = refused[0]
            log.error(
                "plays=%d set aside, first sequence=%d %s: %s", len(refused), first.sequence, first.status, first.detail
            )
            await self._outbox.set_aside(refused)
        await self._outbox.forget(done)
        await self._outbox.prune(int((self._clock.now() - KEEP).timestamp() * 1000))

    async def _take_smaller(self, batch: Sequence[Queued], error: OriginRefused) -> None:
        """Halve the batch that was too large; a single play that is too large is set aside."""
        if len(batch) > 1:
            self._batch_limit = len(batch) // 2
            return
        await self._apply_receipts([], [Refusal(queued.sequence, "invalid", str(error)) for queued in batch])

    async def _wait_after(self, error: SignageError) -> None:
        retry_after_s = (error.retry_after_s or 0.0) if isinstance(error, OriginRefused) else 0.0
        wait_s = self._backoff.next_s(at_least_s=min(retry_after_s, _LONGEST_RETRY_AFTER_S))
        if not self._failing:
            log.warning("plays cannot be delivered, kept and tried again: %s", error)
        self._failing = True
        await self._clock.sleep(wait_s)

    def _succeeded(self) -> None:
        if self._failing:
            log.info("plays are delivered again")
        self._failing = False
        self._backoff.reset()
        self._batch_limit = min(BATCH_LIMIT, self._batch_limit + _GROW_BY)


def _sorted(batch: Sequence[Queued], receipts: Sequence[Receipt]) -> tuple[list[int], list[Refusal]]:
    """Tell what the origin has from what it will not take; a receipt for something else than was sent is ignored."""
    done: list[int] = []
    refused: list[Refusal] = []
    for queued, receipt in zip(batch, receipts, strict=False):
        if receipt.sequence is not None and receipt.sequence != queued.sequence:
            continue
        if receipt.status in ("accepted", "duplicate"):
            done.append(queued.sequence)
        else:
            refused.append(Refusal(queued.sequence, receipt.status, receipt.detail))
    return done, refused
