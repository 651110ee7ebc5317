"""A clock for tests. Time is the only fake; everything else in the tests is real."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count

from sync.runtime.clock import ClockTrust


class FakeClock:
    """A clock that moves only by `advance` and `step_wall`; sleepers wake in the order of their times."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
        self._monotonic = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self.trusted = ClockTrust.SYNCED
        self.age_s: float | None = 20.0  # since a time service set it

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def trust(self) -> ClockTrust:
        return self.trusted

    def set_ago_s(self) -> float | None:
        return self.age_s if self.trusted is ClockTrust.SYNCED else None

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._numbers), future))
        await future

    def step_wall(self, seconds: float) -> None:
        """Move only the wall clock, as a time service or a person does."""
        self._now += timedelta(seconds=seconds)

    async def advance(self, seconds: float) -> None:
        """Move both clocks by `seconds`; wake each sleeper at its time and run what is ready after it."""
        until = self._monotonic + seconds
        await self.run_ready()
        while self._sleepers and self._sleepers[0][0] <= until:
            at, _, future = heapq.heappop(self._sleepers)
            self._move_to(at)
            if not future.done():
                future.set_result(None)
            await self.run_ready()
        self._move_to(until)
        await self.run_ready()

    async def run_ready(self, turns: int = 20) -> None:
        """Run all tasks that are ready."""
        for _ in range(turns):
            await asyncio.sleep(0)

    def _move_to(self, at: float) -> None:
        self._now += timedelta(seconds=at - self._monotonic)
        self._monotonic = at
