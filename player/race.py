"""Waiting for one thing or another: what the director does most of the time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from sync.clock import Clock

T = TypeVar("T")


async def first(
    wanted: Coroutine[Any, Any, T], nudge: asyncio.Event, clock: Clock, within_s: float | None = None
) -> T | None:
    """Return what `wanted` gives; None, with it cancelled, once `nudge` is set or `within_s` have passed.

    What `wanted` has brought by then is returned, not lost, and what it raised is raised.
    """
    tasks: list[asyncio.Task[Any]] = [asyncio.ensure_future(wanted), asyncio.ensure_future(nudge.wait())]
    if within_s is not None:
        tasks.append(asyncio.ensure_future(clock.sleep(within_s)))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    work: asyncio.Task[T] = tasks[0]
    return None if work.cancelled() else work.result()


async def pause(nudge: asyncio.Event, clock: Clock, within_s: float) -> None:
    """Wait until `nudge` is set or `within_s` have passed."""
    await first(clock.sleep(within_s), nudge, clock)
