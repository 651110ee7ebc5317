"""Waiting for one thing or another: what the director does most of the time."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def wait_unless(wanted: Coroutine[Any, Any, T], *others: Coroutine[Any, Any, object]) -> T | None:
    """Return what `wanted` gives; None, with it cancelled, if one of the `others` is through before.

    What `wanted` has brought by then is returned, not lost, and what any of them raised is raised.
    """
    work = asyncio.ensure_future(wanted)
    tasks: list[asyncio.Task[Any]] = [work, *map(asyncio.ensure_future, others)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()
    return None if work.cancelled() else work.result()
