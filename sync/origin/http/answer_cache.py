"""Caches expensive answers: each is computed once for all who ask at the same time, then kept for a while."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from async_lru import alru_cache

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class AnswerCache(Generic[Key, Answer]):
    """Get or compute: callers with the same key share one computation. Errors reach all of them and are never kept.

    The key must include a version of everything the answer depends on, so that nothing needs to be invalidated.
    `keep_s` limits the age of answers that depend on the time. A caller that disconnects does not stop the others.
    """

    def __init__(self, compute: Callable[[Key], Awaitable[Answer]], *, most: int, keep_s: float) -> None:
        async def work(key: Key) -> Answer:
            return await compute(key)

        self._get = alru_cache(maxsize=most, ttl=keep_s)(work)

    async def get(self, key: Key) -> Answer:
        """Return the answer for `key`, kept or computed now."""
        return await self._get(key)
