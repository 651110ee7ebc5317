"""Delivers checkpoints to the origin at least once, in order, each after the plays that it covers."""

import logging
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import Any, Protocol

from sync.device.queue_delivery import RETENTION
from sync.errors import OriginRefused, OriginUnreachable, StorageBroken, StorageFull, Untrusted
from sync.proof.delivery import MOST_CHECKPOINTS, CheckpointAnswer, CheckpointBatch, SentCheckpoint
from sync.recurring_problem import RecurringProblem
from sync.runtime.clock import Backoff, Clock, unix_ms
from sync.runtime.waiting import first_of
from sync.wire.release import Envelope

LOOK_EVERY_S = 30.0
"""How often it looks whether plays were delivered, so that checkpoints may follow."""

_ASK_AGAIN_S = 3_600.0
_MOST_LETTERS = 512 * 1024  # of the envelopes of a batch, for a proxy may refuse more than 1 MiB; one may be larger

log = logging.getLogger(__name__)


class Queued(Protocol):
    """A checkpoint that waits: the envelope as a JSON text, and the secret of its log epoch in hex."""

    @property
    def number(self) -> int:
        """Its place in the chain."""

    @property
    def envelope(self) -> str:
        """The signed envelope."""

    @property
    def secret(self) -> str:
        """The secret of its log epoch."""


class CheckpointQueue(Protocol):
    """The checkpoints of this device (`player.evidence.checkpoints.CheckpointLog`)."""

    async def batch(self, limit: int, up_to: int) -> Sequence[Queued]:
        """Return the oldest that may be sent, up to this number."""

    async def acknowledge(self, numbers: Sequence[int], before_ms: int) -> None:
        """Note that these are at the origin, and forget those that were signed before an instant."""

    async def refuse(self, numbers: Sequence[int]) -> None:
        """Send these no more, unless the origin asks for them."""

    async def queue_again(self, first: int, last: int) -> int:
        """Queue those that are here; return how many."""


class CheckpointSink(Protocol):
    """The part of the origin client that is used."""

    async def post_checkpoints(self, batch: CheckpointBatch) -> CheckpointAnswer:
        """Deliver checkpoints; raises OriginUnreachable or OriginRefused."""


class CheckpointUploader:
    """A service. `durable` returns up to which number the chain cannot fork any more; `news` waits for another one.

    `refused` is called when the origin knows no key of a checkpoint.
    """

    def __init__(
        self,
        queue: CheckpointQueue,
        client: CheckpointSink,
        clock: Clock,
        rng: Random,
        durable: Callable[[], int],
        news: Callable[[], Coroutine[Any, Any, None]],
        refused: Callable[[], None],
    ) -> None:
        self._queue = queue
        self._client = client
        self._clock = clock
        self._durable = durable
        self._news = news
        self._refused = refused
        self._backoff = Backoff(first_s=1.0, limit_s=300.0, rng=rng)
        self._problems = RecurringProblem(
            clock, log, "checkpoints cannot be delivered; they stay in the queue", "checkpoints are delivered again"
        )

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                if not await self._deliver():
                    await first_of(self._clock.sleep(LOOK_EVERY_S), self._news())
            except OriginRefused as error:
                self._problems.occurred(str(error))
                longer = _ASK_AGAIN_S if error.no_such_operation else error.retry_after_s
                await self._clock.sleep(self._backoff.next_s(at_least_s=longer))
            except (OriginUnreachable, Untrusted, StorageBroken, StorageFull) as error:
                self._problems.occurred(str(error))
                await self._clock.sleep(self._backoff.next_s(at_least_s=error.retry_after_s, offline=error.offline))

    async def _deliver(self) -> bool:
        """Deliver a batch; return False if there is nothing to deliver."""
        batch = _first_ones(await self._queue.batch(MOST_CHECKPOINTS, self._durable()))
        if not batch:
            return False
        sent = tuple(
            SentCheckpoint(envelope=Envelope.model_validate_json(one.envelope), secret=one.secret) for one in batch
        )
        await self._apply(batch, await self._client.post_checkpoints(CheckpointBatch(checkpoints=sent)))
        self._problems.cleared()
        self._backoff.reset()
        return True

    async def _apply(self, batch: Sequence[Queued], answer: CheckpointAnswer) -> None:
        if len(answer.receipts) != len(batch):
            raise OriginUnreachable(f"the origin answered to {len(answer.receipts)} of {len(batch)} checkpoints")
        pairs = list(zip(batch, answer.receipts, strict=True))
        for one, receipt in pairs:
            if receipt.detail:
                log.warning("checkpoint=%d is %s by the origin: %s", one.number, receipt.status, receipt.detail)
        done = [one.number for one, receipt in pairs if receipt.status != "refused"]
        if refused := [one.number for one, receipt in pairs if receipt.status == "refused"]:
            await self._queue.refuse(refused)
            self._refused()
        for gap in answer.missing:
            if count := await self._queue.queue_again(gap.first, gap.last):
                log.warning("checkpoints=%d that the origin does not have are sent again", count)
        before = self._clock.now() - RETENTION
        await self._queue.acknowledge(done, unix_ms(before))


def _first_ones(queued: Sequence[Queued]) -> list[Queued]:
    """Return as many as fit into one batch, at least one."""
    taken, letters = list[Queued](), 0
    for one in queued:
        letters += len(one.envelope)
        if taken and letters > _MOST_LETTERS:
            break
        taken.append(one)
    return taken
