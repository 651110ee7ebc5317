"""Runs blocking work in daemon threads, so that long work, such as hashing a GiB, does not delay a stop."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sync.errors import SignageError

_LOWEST = 19
BEHIND = 10
"""The `nice` of work that leaves the processor to what plays, and still goes on when that needs all of it."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def start_thread(
    work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> asyncio.Future[Result]:
    """Run `work` in a new daemon thread; the future gets its result, or its `SignageError` or `OSError`.

    Any other exception is a bug: the log gets its traceback, and the future raises RuntimeError.
    """
    name = getattr(work, "__qualname__", "work")
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def set_outcome(result: Result | None, error: Exception | None) -> None:
        if future.done():  # the waiting task was cancelled
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]  # None only where Result allows it
        else:
            future.set_exception(error)

    def run() -> None:
        outcome: tuple[Result | None, Exception | None] = (
            None,
            RuntimeError(f"{name} has a bug; the log has the details"),
        )
        try:
            outcome = (work(*args, **kwargs), None)
        except (SignageError, OSError) as error:
            outcome = (None, error)
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed: no task waits
                loop.call_soon_threadsafe(set_outcome, *outcome)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


async def in_thread(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Run `work` in a daemon thread and wait for its result. After a cancellation the result is ignored."""
    return await start_thread(work, *args, **kwargs)


async def in_idle_thread(
    work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Result:
    """Run `work` as `in_thread` does, with the lowest priority, so that whatever plays is served first."""
    return await in_thread(lowered(work, _LOWEST), *args, **kwargs)


def lowered(work: Callable[Arguments, Result], nice: int = BEHIND) -> Callable[Arguments, Result]:
    """Return `work` for a thread of its own, with a lower priority than other threads and processes have."""

    @wraps(work)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        thread = threading.get_native_id()  # on Linux of this thread only
        os.setpriority(os.PRIO_PROCESS, thread, max(nice, os.getpriority(os.PRIO_PROCESS, thread)))
        return work(*args, **kwargs)

    return run


class Turn:
    """The turn of one of several threads that mostly wait for a network: those with one lock compute one at a time.

    Without it Python changes the thread at nearly every call of the system while others are ready to go on: 20 times
    for a file of 100 kB, and each time a processor has to be woken.
    """

    def __init__(self, lock: "threading.Lock | None" = None) -> None:
        self._lock = lock or threading.Lock()
        self._is_taken = False

    def take(self) -> None:
        """Wait until no other thread has its turn. Nothing happens if this one has it."""
        if not self._is_taken:
            self._is_taken = self._lock.acquire()

    def leave(self) -> None:
        """Let another thread go on: call it before anything that waits."""
        if self._is_taken:
            self._is_taken = False
            self._lock.release()
