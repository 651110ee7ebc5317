"""Does a change again that the database gave up because it and another one waited for each other."""

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sync.errors import Overloaded

_TRIES = 5  # each is a second: so long PostgreSQL waits before it looks for a deadlock

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Deadlocked(Overloaded):
    """A transaction changed nothing, for another one held what it needed and waited for what it held."""

    retry_after_s = 1.0


def again_if_deadlocked(
    change: Callable[Parameters, Awaitable[Result]],
) -> Callable[Parameters, Coroutine[Any, Any, Result]]:
    """Make a method that is one transaction, and nothing else, begin again a few times where it raises Deadlocked."""

    @wraps(change)
    async def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        for _ in range(_TRIES - 1):
            try:
                return await change(*args, **kwargs)
            except Deadlocked:
                continue
        return await change(*args, **kwargs)

    return run
