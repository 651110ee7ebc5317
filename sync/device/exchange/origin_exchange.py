"""One exchange a period with the origin: the state of this device and its plays go, what is new for it comes back.

A lost exchange does no harm: the next one says everything again, and plays wait until they are acknowledged.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Protocol

from sync.device.exchange.gathering_plays import GatheringPlays
from sync.device.exchange.live_connection import spread_wait_s
from sync.device.queue_delivery import TOO_LARGE
from sync.device.store.outbox import QueuedPlay
from sync.errors import OriginRefused, OriginUnreachable, SignageError, Untrusted
from sync.recurring_problem import RecurringProblem
from sync.runtime.clock import Backoff, Clock
from sync.runtime.waiting import first_of
from sync.wire.device_reports import Heartbeat
from sync.wire.live_messages import Exchange, ExchangeAnswer

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 300.0
_JITTER = 0.1  # share of the period, so that devices that start together do not ask together

log = logging.getLogger(__name__)


class Way(Protocol):
    """How an exchange reaches the origin: `ExchangeWays`."""

    async def exchange(self, asked: Exchange) -> ExchangeAnswer:
        """Return the answer; raises OriginUnreachable, OriginRefused or Untrusted."""


class OriginExchange:
    """A service: an exchange every `period_s`, read each time, and when plays are due; one at a time.

    It carries what `report` returns unless that went less than half a period ago, and the plays that wait. `told` is
    given both what was asked and the answer, after the receipts.
    """

    def __init__(
        self,
        way: Way,
        plays: GatheringPlays,
        report: Callable[[], Awaitable[Heartbeat]],
        told: Callable[[Exchange, ExchangeAnswer], Awaitable[None]],
        period_s: Callable[[], float],
        clock: Clock,
        rng: Random,
    ) -> None:
        self._way = way
        self._plays = plays
        self._report = report
        self._told = told
        self._period_s = period_s
        self._clock = clock
        self._rng = rng
        self._backoff = Backoff(first_s=_FIRST_WAIT_S, limit_s=_LONGEST_WAIT_S, rng=rng)
        self._wanted = asyncio.Event()
        self._reported_s = -math.inf
        self._due_s = 0.0
        self._failures = 0
        self._plays_alone = False  # the heartbeat may be at fault: it cannot be made, or was too large with them
        self._problems = RecurringProblem(clock, log, "no exchange with the origin", "exchanges with the origin again")
        self._refusals = RecurringProblem(clock, log, "heartbeat not taken", "heartbeat taken again")

    def ask(self) -> None:
        """Have an exchange now, unless the origin does not answer."""
        self._wanted.set()

    async def run(self) -> None:
        """Exchange until cancelled."""
        while True:
            left_s = self._due_s - self._clock.monotonic()
            await first_of(self._clock.sleep(left_s), self._wanted.wait(), self._plays.until_due())
            self._wanted.clear()
            try:
                await self._exchange()
            except (OriginUnreachable, OriginRefused, Untrusted) as error:
                await self._clock.sleep(self._failed(error))

    async def _exchange(self) -> None:
        due = self._clock.monotonic() >= min(self._due_s, self._reported_s + self._period_s() / 2)
        heartbeat = None
        if due and not self._plays_alone:
            self._plays_alone = True  # if it cannot be made, they go without it when this service starts again
            heartbeat = await self._report()
            self._plays_alone = False
        batch = await self._plays.batch(few=self._failures > 0)
        asked = Exchange(heartbeat=heartbeat, plays=tuple(queued.body for queued in batch))
        try:
            answer = await self._way.exchange(asked)
        except OriginRefused as error:
            if error.status != TOO_LARGE or not batch:
                raise
            await self._part(batch, error, reported=heartbeat is not None)
            return
        self._succeeded(asked, answer)
        if batch:
            await self._plays.settle(batch, answer.plays, answer.retry_after_s)
        await self._told(asked, answer)

    async def _part(self, batch: Sequence[QueuedPlay], error: OriginRefused, *, reported: bool) -> None:
        """Find out what is too large; no play is refused that went with a heartbeat."""
        self._plays_alone = True
        if len(batch) > 1 or not reported:
            await self._plays.reduce(batch, error)

    def _succeeded(self, asked: Exchange, answer: ExchangeAnswer) -> None:
        self._failures, self._plays_alone = 0, False
        self._problems.cleared()
        self._backoff.reset()
        if asked.heartbeat is None:
            return
        self._reported_s = self._clock.monotonic()
        self._due_s = self._reported_s + self._period_s() * self._rng.uniform(1 - _JITTER, 1 + _JITTER)
        if answer.refused:
            self._refusals.occurred(answer.refused)
        else:
            self._refusals.cleared()

    def _failed(self, error: SignageError) -> float:
        """Return when to try again: a failing origin is not asked much more often than one that works."""
        self._failures += 1
        self._plays_alone = False
        self._problems.occurred(str(error))
        wait_s = min(self._backoff.next_s(offline=error.offline), self._period_s())
        self._due_s = 0.0
        return max(wait_s, spread_wait_s(error.retry_after_s, self._rng))
