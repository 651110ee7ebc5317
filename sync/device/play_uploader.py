"""Delivers plays, and the history of a device, to the origin at least once, oldest first. It counts each one once.

Plays gather before they are sent, for a request costs the origin more than the plays in it.
A play leaves the queue only after the origin answers `accepted` or `duplicate`. If an answer is lost, the play is sent
again, and the origin recognizes it. What the origin had and lost, by a backup that was restored, it asks for.
"""

import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, Protocol

from sync.device.recurring_problem import RecurringProblem
from sync.device.store.outbox import QueuedPlay, RefusedPlay
from sync.errors import OriginRefused, OriginUnreachable, SignageError, StorageBroken, StorageFull, Untrusted
from sync.runtime.clock import Backoff, Clock
from sync.runtime.waiting import first_of
from sync.wire.device_reports import BATCH_LIMIT, BatchAnswer, Receipt, SequenceRange

RETENTION = timedelta(days=30)
"""How long an acknowledged play stays on the device, so that people can read it."""

AT_ONCE_S = 120.0
"""For so long after a start nothing gathers: after a pairing, or a repair, somebody may wait for plays."""

ENOUGH = 100
"""So many plays are sent though they have not gathered for long."""

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0
_TOO_LARGE = 413
_ANEW_EVERY_S = 3_600.0
_BY_OPERATOR = "operator"  # why a play ended
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


class PlayUploader:
    """The service that delivers what waits in a queue: plays, or with another `what` the history of this device.

    `begin_anew` begins a new log: the origin has others of this one, so its file was set back or copied. An origin of
    an earlier version that does not take such documents is asked again after `absent_wait_s`. What waits is sent once
    it has gathered for `gather_s`, or for down to half of that, so that devices do not send at one time; at once soon
    after a start, when an operator ended a play, and when there are enough.
    """

    def __init__(
        self,
        outbox: Queue,
        deliver: Deliver,
        clock: Clock,
        rng: Random,
        begin_anew: Callable[[], Awaitable[None]],
        what: str = "plays",
        absent_wait_s: float = 0.0,
        gather_s: float = 0.0,
    ) -> None:
        self._rng = rng
        self._gather_s = gather_s
        self._outbox = outbox
        self._begin_anew = begin_anew
        self._began_anew_s = -math.inf
        self._post = deliver
        self._clock = clock
        self._backoff = Backoff(first_s=_FIRST_WAIT_S, limit_s=_LONGEST_WAIT_S, rng=rng)
        self._batch_limit = BATCH_LIMIT
        self._what = what
        self._absent_wait_s = absent_wait_s
        self._problems = RecurringProblem(
            clock, log, f"{what} cannot be delivered; they stay in the queue", f"{what} are delivered again"
        )

    async def run(self) -> None:
        """Deliver until cancelled."""
        at_once_until_s = self._clock.monotonic() + AT_ONCE_S
        while True:
            try:
                await self._leave_taken_log()
                await self._outbox.wait_for_more(0)
                if self._clock.monotonic() >= at_once_until_s:
                    await self._gather()
                if batch := await self._outbox.batch(self._batch_limit):
                    await self._deliver(batch)
            except (OriginUnreachable, OriginRefused, Untrusted, StorageBroken, StorageFull) as error:
                await self._wait_after_error(error)

    async def _leave_taken_log(self) -> None:
        """Begin a new log after a conflict; not again soon, for then it is the origin that is wrong."""
        now_s = self._clock.monotonic()
        if now_s - self._began_anew_s >= _ANEW_EVERY_S and await self._outbox.has_conflicts():
            await self._begin_anew()
            self._began_anew_s = now_s

    async def _gather(self) -> None:
        """Return when what waits is to be sent."""
        until_s = self._clock.monotonic() + self._gather_s * self._rng.uniform(0.5, 1)
        while (left_s := until_s - self._clock.monotonic()) > 0:
            batch = await self._outbox.batch(ENOUGH)
            if len(batch) >= ENOUGH or any(queued.body.get("reason") == _BY_OPERATOR for queued in batch):
                return
            await first_of(self._clock.sleep(left_s), self._outbox.wait_for_more(len(batch)))

    async def _deliver(self, batch: Sequence[QueuedPlay]) -> None:
        try:
            answer = await self._post([queued.body for queued in batch])
        except OriginRefused as error:
            if error.status != _TOO_LARGE:
                raise
            await self._reduce_batch(batch, error)
        else:
            await self._apply_answer(batch, answer)
            self._succeeded()

    async def _apply_answer(self, batch: Sequence[QueuedPlay], answer: BatchAnswer) -> None:
        done, refused = _split_receipts(batch, answer.receipts)
        if not done and not refused:
            raise OriginUnreachable(f"the origin acknowledged none of {len(batch)} {self._what}; they are sent again")
        await self._apply_receipts(done, refused)
        if answer.log_epoch == batch[-1].body.get("log_epoch"):
            await self._send_again(answer.missing)

    async def _send_again(self, missing: Sequence[SequenceRange]) -> None:
        queued = sum([await self._outbox.queue_again(one.first, one.last) for one in missing])
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
            await self._outbox.refuse(refused)
        await self._outbox.acknowledge(done)
        await self._outbox.prune(int((self._clock.now() - RETENTION).timestamp() * 1000))

    async def _reduce_batch(self, batch: Sequence[QueuedPlay], error: OriginRefused) -> None:
        """Halve a batch that was too large. A single play that is too large is refused."""
        if len(batch) > 1:
            self._batch_limit = len(batch) // 2
            return
        await self._apply_receipts([], [RefusedPlay(queued.sequence, "invalid", str(error)) for queued in batch])

    async def _wait_after_error(self, error: SignageError) -> None:
        absent = isinstance(error, OriginRefused) and error.no_such_operation
        at_least_s = max(error.retry_after_s, self._absent_wait_s if absent else 0.0)
        wait_s = self._backoff.next_s(at_least_s=at_least_s, offline=error.offline)
        self._problems.occurred(str(error))
        await self._clock.sleep(wait_s)

    def _succeeded(self) -> None:
        self._problems.cleared()
        self._backoff.reset()
        self._batch_limit = min(BATCH_LIMIT, self._batch_limit + _GROW_BY)


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
