"""Get or compute: one computation for all who ask at once, errors are not kept, a caller that leaves harms nobody."""

import asyncio

import pytest

from sync.errors import StorageBroken
from sync.origin.http.answer_cache import AnswerCache


class Work:
    """Something slow whose end the test decides."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = asyncio.Event()
        self.fault: Exception | None = None

    async def __call__(self, key: str) -> str:
        self.begun.append(key)
        await self.go.wait()
        if self.fault is not None:
            raise self.fault
        return key.upper()


async def _asked(*asking: "asyncio.Future[str]") -> None:
    for _ in range(5):
        await asyncio.wait(asking, timeout=0)


async def test_all_who_ask_at_once_share_one_computation_and_it_is_kept() -> None:
    work = Work()
    answers = AnswerCache[str, str](work, most=8, keep_s=60)
    asking = [asyncio.ensure_future(answers.get("a")) for _ in range(50)]
    other = asyncio.ensure_future(answers.get("b"))
    await _asked(*asking, other)
    work.go.set()
    assert set(await asyncio.gather(*asking)) == {"A"}
    assert await other == "B"
    assert await answers.get("a") == "A"
    assert work.begun == ["a", "b"]


async def test_an_error_reaches_everyone_who_waits_and_is_not_kept() -> None:
    work = Work()
    work.fault = StorageBroken("the disk")
    answers = AnswerCache[str, str](work, most=8, keep_s=60)
    asking = [asyncio.ensure_future(answers.get("a")) for _ in range(5)]
    await _asked(*asking)
    work.go.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StorageBroken}
    work.fault = None
    assert await answers.get("a") == "A"
    assert work.begun == ["a", "a"]


async def test_a_caller_that_leaves_does_not_end_the_work_of_the_others() -> None:
    work = Work()
    answers = AnswerCache[str, str](work, most=8, keep_s=60)
    leaving, staying = (asyncio.ensure_future(answers.get("a")) for _ in range(2))
    await _asked(leaving, staying)
    leaving.cancel()
    await _asked(leaving, staying)
    work.go.set()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await staying == "A"
    assert work.begun == ["a"]


async def test_only_so_many_answers_are_kept() -> None:
    work = Work()
    work.go.set()
    answers = AnswerCache[str, str](work, most=2, keep_s=60)
    for key in ("a", "b", "c", "c", "a"):
        await answers.get(key)
    assert work.begun == ["a", "b", "c", "a"]
