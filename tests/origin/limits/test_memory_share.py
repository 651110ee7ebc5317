"""Jobs share memory: in the order in which they ask, and one that is too large alone."""

import asyncio
from collections.abc import Awaitable, Callable

from sync.origin.limits.memory_share import MemoryShare


async def begun_after(share: MemoryShare, wants: list[int], ends: list[int]) -> list[list[int]]:
    """Return which jobs are at work at first, and after each end."""
    at_work, doors, seen = list[int](), [asyncio.Event() for _ in wants], list[list[int]]()

    async def job(number: int) -> None:
        async with share.taken(wants[number]):
            at_work.append(number)
            await doors[number].wait()
            at_work.remove(number)

    jobs = [asyncio.ensure_future(job(number)) for number in range(len(wants))]
    for end in (None, *ends):
        if end is not None:
            doors[end].set()
        for _ in range(20):
            await asyncio.sleep(0)
        seen.append(sorted(at_work))
    await asyncio.gather(*jobs)
    return seen


async def test_jobs_begin_while_there_is_enough_and_none_is_overtaken() -> None:
    seen = await begun_after(MemoryShare(10), [4, 4, 8, 1], [0, 1, 2, 3])
    assert seen == [[0, 1], [1], [2, 3], [3], []]


async def test_a_job_that_wants_more_than_there_is_has_it_alone() -> None:
    assert await begun_after(MemoryShare(10), [1, 99, 1], [0, 1, 2]) == [[0], [1], [2], []]


async def test_where_nothing_is_free_each_job_is_alone() -> None:
    assert await begun_after(MemoryShare(0), [5, 5], [0, 1]) == [[0], [1], []]


async def test_what_a_job_that_is_cancelled_had_or_waited_for_is_free() -> None:
    share = MemoryShare(10)

    async def cancelled(work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.ensure_future(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    async def hold() -> None:
        async with share.taken(10):
            await asyncio.Event().wait()

    async with share.taken(10):
        await cancelled(hold)
    await cancelled(hold)
    assert await begun_after(share, [10], [0]) == [[0], []]
