"""Hashes passwords one after another, in threads of low priority: log-ins take no memory and time from devices."""

import asyncio
import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from sync.errors import Overloaded
from sync.runtime.threads import in_thread, lowered

MOST_WAITING = 20
"""Each takes a tenth of a second or more; who comes later than these is asked to come again."""
MOST_KNOWN_WAITING = 30
"""The same for who is known already, so that strangers who come in crowds do not shut them out."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Hashing:
    """Runs the functions of `sync.origin.people.password_hash`, one at a time."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._tasks = set[asyncio.Task[object]]()

    async def run(self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Return what `work` returns for somebody who is known, in its turn.

        Raises:
            Overloaded: too many wait.
        """
        return await self._run(functools.partial(work, *args, **kwargs), MOST_KNOWN_WAITING)

    async def run_for_stranger(
        self, work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Result:
        """Do the same for somebody who is not known.

        Raises:
            Overloaded: too many wait.
        """
        return await self._run(functools.partial(work, *args, **kwargs), MOST_WAITING)

    async def _run(self, work: Callable[[], Result], most_waiting: int) -> Result:
        async def take_turn() -> Result:
            async with self._turn:
                return await in_thread(lowered(work))

        if len(self._tasks) >= most_waiting:
            raise Overloaded("too many people log in at this moment: try again in a few seconds")
        task = asyncio.create_task(take_turn())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)
