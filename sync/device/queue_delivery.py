"""Delivers plays, and the history of a device, to the origin at least once, oldest first. It counts each one once.

A play leaves the queue only after the origin answers `accepted` or `duplicate`. If an answer is lost, the play is sent
again, and the origin recognizes it. What the origin had and lost, by a backup that was restored, it asks for.
"""

import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, Protocol

from sync.device.store.outbox import QueuedPlay, RefusedPlay
from sync.errors import OriginRefused, OriginUnreachable, SignageError, StorageBroken, StorageFull, Untrusted
from sync.recurring_problem import RecurringProblem
from sync.runtime.clock import Backoff, Clock
from sync.wire.device_reports import BATCH_LIMIT, BatchAnswer, Receipt, SequenceRange

RETENTION = timedelta(days=30)
"""How long an acknowledged play stays on the device, so that people can read it."""

TOO_LARGE = 413

FAULTS = (OriginUnreachable, OriginRefused, Untrusted, StorageBroken, StorageFull)
"""What a delivery waits for, however long it takes."""

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0
_ANEW_EVERY_S = 3_600.0
_GROW_BY = 10  # plays more per batch after a batch was too large; each batch too large is a wasted upload

log = logging.getLogger(__name__)


Deliver = Callable[[Sequence[Mapping[str, Any]]], Awaitable[BatchAnswer]]
"""Delivers documents to the origin; raises OriginUnreachable or OriginRefused if they were not delivered."""


class Queue(Protocol):
    """What waits for delivery, by sequence in one log: `Outbox` has plays, the history of a device its records.

    Another log may begin while a batch is under way: what is said of its sequences then changes nothing.
    """

    async def wait_for_more(self, than: int) -> None:
        """Return as soon as more than so many wait for delivery."""

    async def batch(self, limit: int) -> list[QueuedPlay]:
        """Return the oldest that waits."""

    async def acknowledge(self, sequences: Sequence[int]) -> None:
        """Let these wait no more: the origin has them."""

    async def refuse(self, refusals: Sequence[RefusedPlay]) -> None:
        """Let these wait no more: the origin refused them."""

    async def queue_again(self, first: int, last: int) -> int:
        """Let these wait again, as far as they are still here and were not refused; return how many."""

    async def has_conflicts(self) -> bool:
        """Tell whether some were refused because the origin has others of their sequence."""

    async def prune(self, before_ms: int) -> int:
        """Delete what the origin has and is from before an instant (Unix ms)."""


class QueueDelivery:
    """One queue: which batch comes next, and what the answer to it means. When to send is for others to say.

    `begin_anew` begins a new log: the origin has others of this one, so its file was set back or copied. An origin of
    an earlier version that does not take such documents is asked again after `absent_wait_s`.
    """

    def __init__(
        self,
        queue: Queue,
        clock: Clock,
        rng: Random,
        begin_anew: Callable[[], Awaitable[None]],
        what: str = "plays",
        absent_wait_s: float = 0.0,
    ) -> None:
        self.queue = queue
        self._begin_anew = begin_anew
        self._began_anew_s = -math.inf
        self._clock = clock
        self._backoff = Backoff(first_s=_FIRST_WAIT_S, limit_s=_LONGEST_WAIT_S, rng=rng)
        self.batch_limit = BATCH_LIMIT
        self._what = what
        self._absent_wait_s = absent_wait_s
        self._problems = RecurringProblem(
            clock, log, f"{what} cannot be delivered; they stay in the queue", f"{what} are delivered again"
        )

    async def leave_taken_log(self) -> None:
        """Begin a new log after a conflict; not again soon, for then it is the origin that is wrong."""
        now_s = self._clock.monotonic()
        if now_s - self._began_anew_s >= _ANEW_EVERY_S and await self.queue.has_conflicts():
            await self._begin_anew()
            self._began_anew_s = now_s

    async def batch(self, most: int = BATCH_LIMIT) -> list[QueuedPlay]:
        """Return the oldest that wait, fewer than `most` after a batch that was too large."""
        return await self.queue.batch(min(most, self.batch_limit))

    async def settle(self, batch: Sequence[QueuedPlay], answer: BatchAnswer) -> None:
        """Do what the answer to a batch says.

        Raises:
            OriginUnreachable: it says nothing of any of them.
            StorageBroken, StorageFull: the disk refuses; they are sent again.
        """
        done, refused = _split_receipts(batch, answer.receipts)
        if not done and not refused:
            raise OriginUnreachable(f"the origin acknowledged none of {len(batch)} {self._what}; they are sent again")
        await self._apply_receipts(done, refused)
        if answer.log_epoch == batch[-1].body.get("log_epoch"):
            await self._send_again(answer.missing)
        self._problems.cleared()
        self._backoff.reset()
        self.batch_limit = min(BATCH_LIMIT, self.batch_limit + _GROW_BY)

    async def reduce(self, batch: Sequence[QueuedPlay], error: OriginRefused) -> None:
        """Halve a batch that was too large. A single play that is too large is refused."""
        if len(batch) > 1:
            self.batch_limit = len(batch) // 2
            return
        await self._apply_receipts([], [RefusedPlay(queued.sequence, "invalid", str(error)) for queued in batch])

    def failed(self, error: SignageError) -> float:
        """Note that nothing was delivered; return after how many seconds to try again."""
        absent = isinstance(error, OriginRefused) and error.no_such_operation
        at_least_s = max(error.retry_after_s, self._absent_wait_s if absent else 0.0)
        self._problems.occurred(str(error))
        return self._backoff.next_s(at_least_s=at_least_s, offline=error.offline)

    async def _send_again(self, missing: Sequence[SequenceRange]) -> None:
        queued = sum([await self.queue.queue_again(one.first, one.last) for one in missing])
        if queued:
            log.warning("%s=%d that the origin does not have any more are sent again", self._what, queued)

    async def _apply_receipts(self, done: Sequence[int], refused: Sequence[RefusedPlay]) -> None:
        if refused:
            first = refused[0]
            log.error(
                "%s=%d refused by the origin, first sequence=%d %s: %s",
                self._what,
                len(refused),
                first.sequence,
                first.status,
                first.detail,
            )
            await self.queue.refuse(refused)
        await self.queue.acknowledge(done)
        await self.queue.prune(int((self._clock.now() - RETENTION).timestamp() * 1000))


class QueueUploader:
    """The service that delivers what waits in a queue by itself, and at once: the history of a device."""

    def __init__(self, delivery: QueueDelivery, deliver: Deliver, clock: Clock) -> None:
        self._delivery = delivery
        self._deliver = deliver
        self._clock = clock

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                await self._delivery.leave_taken_log()
                await self._delivery.queue.wait_for_more(0)
                if batch := await self._delivery.batch():
                    await self._send(batch)
            except FAULTS as error:
                await self._clock.sleep(self._delivery.failed(error))

    async def _send(self, batch: Sequence[QueuedPlay]) -> None:
        try:
            answer = await self._deliver([queued.body for queued in batch])
        except OriginRefused as error:
            if error.status != TOO_LARGE:
                raise
            await self._delivery.reduce(batch, error)
        else:
            await self._delivery.settle(batch, answer)


def _split_receipts(batch: Sequence[QueuedPlay], receipts: Sequence[Receipt]) -> tuple[list[int], list[RefusedPlay]]:
    """Return the sequences the origin has and the plays it refused; receipts for other plays are ignored."""
    done: list[int] = []
    refused: list[RefusedPlay] = []
    for queued, receipt in zip(batch, receipts, strict=False):
        if receipt.sequence is not None and receipt.sequence != queued.sequence:
            continue
        if receipt.status in ("accepted", "duplicate"):
            done.append(queued.sequence)
        else:
            refused.append(RefusedPlay(queued.sequence, receipt.status, receipt.detail))
    return done, refused
