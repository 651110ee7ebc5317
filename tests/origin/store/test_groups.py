"""Work that is done in groups: who belongs to which, whom an error or a cancellation harms, and when it is full."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from sync.errors import Overloaded, Rejected, StorageFull
from sync.origin.store.groups import Groups
from tests.fakes import FakeClock


class Worker:
    """Doubles numbers once `gate` is open; each in `wrong` has an error, which is that of its group."""

    def __init__(self, **wrong: Exception) -> None:
        self.gate = asyncio.Event()
        self.groups: list[list[int]] = []
        self._wrong = {int(name[1:]): error for name, error in wrong.items()}

    async def work(self, items: Sequence[int]) -> list[int]:
        self.groups.append(list(items))
        await self.gate.wait()
        for item in items:
            if item in self._wrong:
                raise self._wrong[item]
        return [2 * item for item in items]


async def begun(groups: Groups[int, int], items: Sequence[int]) -> list[asyncio.Task[int]]:
    """Submit each item, the first one before the others."""
    tasks = []
    for item in items:
        tasks.append(asyncio.create_task(groups.submit(item)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


@pytest.mark.parametrize(
    ("most", "formed"),
    [(9, [[1], [2, 3, 4, 5]]), (2, [[1], [2, 3], [4, 5]]), (1, [[1], [2], [3], [4], [5]])],
)
async def test_what_comes_during_a_group_is_the_next_one(clock: FakeClock, most: int, formed: list[list[int]]) -> None:
    worker = Worker()
    tasks = await begun(Groups(worker.work, clock, most=most, longest_wait_s=1), [1, 2, 3, 4, 5])
    worker.gate.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8, 10]
    assert worker.groups == formed


async def test_one_that_is_larger_than_a_group_is_one_by_itself(clock: FakeClock) -> None:
    worker = Worker()
    tasks = await begun(Groups(worker.work, clock, most=3, longest_wait_s=1, size=int), [1, 2, 7, 1, 2])
    worker.gate.set()
    assert await asyncio.gather(*tasks) == [2, 4, 14, 2, 4]
    assert worker.groups == [[1], [2], [7], [1, 2]]


@pytest.mark.parametrize("error", [Rejected("no"), ZeroDivisionError(), KeyError("a bug")])
async def test_an_error_of_one_is_no_error_of_the_others(clock: FakeClock, error: Exception) -> None:
    worker = Worker(_3=error)
    tasks = await begun(Groups(worker.work, clock, most=9, longest_wait_s=1), [1, 2, 3, 4])
    worker.gate.set()
    results: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
    assert results == [2, 4, error, 8]
    assert worker.groups == [[1], [2, 3, 4], [2], [3], [4]]


async def test_a_full_disk_is_an_error_of_all_and_tried_once(clock: FakeClock) -> None:
    error = StorageFull("full")
    worker = Worker(_3=error)
    tasks = await begun(Groups(worker.work, clock, most=9, longest_wait_s=1), [1, 2, 3])
    worker.gate.set()
    results: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
    assert (results, worker.groups) == ([2, error, error], [[1], [2, 3]])


async def test_who_is_cancelled_takes_back_only_what_has_not_begun(clock: FakeClock) -> None:
    worker = Worker()
    tasks = await begun(Groups(worker.work, clock, most=9, longest_wait_s=1), [1, 2, 3])
    for task in tasks[:2]:
        task.cancel()
    await asyncio.sleep(0)
    worker.gate.set()
    assert await tasks[2] == 6
    assert worker.groups == [[1], [3]]


async def test_what_waits_too_long_keeps_others_from_waiting(clock: FakeClock) -> None:
    worker = Worker()
    groups = Groups(worker.work, clock, most=9, longest_wait_s=2)
    tasks = await begun(groups, [1, 2])
    await clock.advance(2)
    tasks += await begun(groups, [3])
    await clock.advance(0.5)
    with pytest.raises(Overloaded):
        await groups.submit(4)
    worker.gate.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6]
    assert await groups.submit(5) == 10
