"""Waits for the first of several events."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def first_of(*coroutines: Coroutine[Any, Any, T]) -> T:
    """Return the result, or raise the error, of the one that ends first; cancel the others."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return next(task for task in tasks if task in done).result()


async def wait_unless(wanted: Coroutine[Any, Any, T], *others: Coroutine[Any, Any, object]) -> T | None:
    """Return the result of `wanted`; cancel it and return None if one of the `others` ends first.

    If both end at one time, the result of `wanted` is returned. An exception of any of them is raised.
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
