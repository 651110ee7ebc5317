"""Plays gather until the next exchange takes them along: a request costs the origin more than the plays in it.

They are sent at once when something waits on them: soon after a start, when an operator ended one, when there are many.
"""

from collections.abc import Sequence

from sync.device.queue_delivery import FAULTS, QueueDelivery
from sync.device.store.outbox import QueuedPlay
from sync.device.transfer.asset_state import LONGEST_ASKED_S
from sync.errors import OriginRefused, SignageError
from sync.runtime.clock import Clock
from sync.runtime.waiting import first_of
from sync.wire.device_reports import BatchAnswer

AT_ONCE_S = 120.0
"""For so long after a start nothing gathers: after a pairing, or a repair, somebody may wait for plays."""

ENOUGH = 100
"""So many plays are sent though they have not gathered for long, and no more in one exchange."""

FEW = 20
"""So many go after a fault, of an exchange or their own: what the origin cannot take costs the line little."""

_BY_OPERATOR = "operator"  # why a play ended


class GatheringPlays:
    """The plays that wait; they go with an exchange, which is due for their sake after `gather_s` at the latest."""

    def __init__(self, delivery: QueueDelivery, clock: Clock, gather_s: float) -> None:
        self._delivery = delivery
        self._clock = clock
        self._gather_s = gather_s
        self._at_once_until_s = clock.monotonic() + AT_ONCE_S
        self._not_before_s = 0.0
        self._behind = False  # more wait than the last exchange took, or it failed
        self._failed = False  # they could not be read or stored when they went last
        self._full = False  # the last batch had as many as may be

    async def until_due(self) -> None:
        """Return when those that wait are to be sent, though nothing else is."""
        while True:
            await self._clock.sleep(self._not_before_s - self._clock.monotonic())
            try:
                await self._delivery.queue.wait_for_more(0)
                if not self._behind and self._clock.monotonic() >= self._at_once_until_s:
                    await self._gather()
            except FAULTS as error:
                self._wait(error)
            else:
                return

    async def batch(self, *, few: bool) -> list[QueuedPlay]:
        """Return those that go with an exchange; none while they wait after a fault of their own."""
        if self._clock.monotonic() < self._not_before_s:
            return []
        most = FEW if few or self._failed else ENOUGH
        try:
            await self._delivery.leave_taken_log()
            batch = await self._delivery.batch(most)
        except FAULTS as error:
            self._wait(error)
            return []
        self._behind = bool(batch)  # until an answer says otherwise
        self._full = len(batch) >= min(most, self._delivery.batch_limit)
        return batch

    async def settle(self, batch: Sequence[QueuedPlay], answer: BatchAnswer | None, retry_after_s: float) -> None:
        """Do what the answer to an exchange says of its plays; None: they could not be stored."""
        try:
            if answer is None:
                asked_s = min(retry_after_s, LONGEST_ASKED_S)
                raise OriginRefused("the origin cannot store plays now", status=503, retry_after_s=asked_s)
            await self._delivery.settle(batch, answer)
            await self._delivery.leave_taken_log()
        except FAULTS as error:
            self._wait(error)
        else:
            self._behind, self._failed = self._full, False

    async def reduce(self, batch: Sequence[QueuedPlay], error: OriginRefused) -> None:
        """Send fewer next time: together these are too large for the origin, or for a server on the way."""
        try:
            await self._delivery.reduce(batch, error)
        except FAULTS as fault:
            self._wait(fault)

    async def _gather(self) -> None:
        until_s = self._clock.monotonic() + self._gather_s
        while (left_s := until_s - self._clock.monotonic()) > 0:
            batch = await self._delivery.queue.batch(ENOUGH)
            if len(batch) >= ENOUGH or any(queued.body.get("reason") == _BY_OPERATOR for queued in batch):
                return
            await first_of(self._clock.sleep(left_s), self._delivery.queue.wait_for_more(len(batch)))

    def _wait(self, error: SignageError) -> None:
        self._not_before_s = self._clock.monotonic() + self._delivery.failed(error)
        self._behind = self._failed = True
