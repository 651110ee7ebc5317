"""Does the work of many callers in groups: whoever comes while a group is being worked on belongs to the next one."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from sync.errors import Overloaded, StorageBroken, StorageFull
from sync.runtime.clock import Clock

Item = TypeVar("Item")
Result = TypeVar("Result")

Work = Callable[[Sequence[Item]], Coroutine[Any, Any, Sequence[Result]]]
"""Does the work of a group as a whole or not at all; returns a result for each item, in order."""


class Groups(Generic[Item, Result]):
    """Collects what callers submit; nobody waits for a tick, so a single caller is served at once.

    A group whose work fails is worked on again one by one, so that one item fails alone; not after `StorageFull` and
    `StorageBroken`, which fail all. `size` is what an item counts of `most`, the size of a group.
    """

    def __init__(
        self,
        work: Work[Item, Result],
        clock: Clock,
        *,
        most: int,
        longest_wait_s: float,
        size: Callable[[Item], int] = lambda _: 1,
    ) -> None:
        self._work = work
        self._clock = clock
        self._most = most
        self._longest_wait_s = longest_wait_s
        self._size = size
        self._waiting = deque[tuple[float, Item, asyncio.Future[Result]]]()
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: Item) -> Result:
        """Return the result for an item once the work of its group is done.

        A caller that is cancelled before its group began takes its item with it; after that the work is done.

        Raises:
            Overloaded: the work is behind by more than `longest_wait_s`.
        """
        now_s = self._clock.monotonic()
        while self._waiting and self._waiting[0][2].done():  # its caller was cancelled
            self._waiting.popleft()
        if self._waiting and now_s - self._waiting[0][0] > self._longest_wait_s:
            raise Overloaded("the origin has more to write than it can: try again in a moment")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((now_s, item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while group := self._next_group():
                await self._work_on(group)
        finally:
            self._running = None

    def _next_group(self) -> list[tuple[Item, asyncio.Future[Result]]]:
        group, size = list[tuple[Item, asyncio.Future[Result]]](), 0
        while self._waiting and (not group or size + self._size(self._waiting[0][1]) <= self._most):
            _, item, future = self._waiting.popleft()
            if not future.done():
                group.append((item, future))
                size += self._size(item)
        return group

    async def _work_on(self, group: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        items = [item for item, _ in group]
        work = asyncio.create_task(self._work(items))  # a task: what it raises is a value
        await asyncio.wait([work])
        error = asyncio.CancelledError() if work.cancelled() else work.exception()
        if error is not None and len(group) > 1 and not isinstance(error, StorageFull | StorageBroken):
            for one in group:
                await self._work_on([one])
            return
        results = () if error else work.result()
        for number, (_, future) in enumerate(group):
            if future.done():
                continue
            if error is None:
                future.set_result(results[number])
            else:
                future.set_exception(error)
