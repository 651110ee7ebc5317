"""Answers that cost something to work out: computed once for all who ask at the same time, then kept for a while."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from async_lru import alru_cache

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class AnswerCache(Generic[Key, Answer]):
    """Get or compute: callers with the same key share one computation; errors are told to all and never kept.

    The key has to carry a version of everything the answer depends on, so that a change needs no invalidation;
    `keep_s` bounds what depends on the time. A caller that goes away does not end the work of the others.
    """

    def __init__(self, compute: Callable[[Key], Awaitable[Answer]], *, most: int, keep_s: float) -> None:
        async def work(key: Key) -> Answer:
            return await compute(key)

        self._get = alru_cache(maxsize=most, ttl=keep_s)(work)

    async def get(self, key: Key) -> Answer:
        """Return the answer for `key`, kept or computed now."""
        return await self._get(key)
