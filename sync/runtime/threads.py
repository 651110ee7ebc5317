"""Blocking work in threads that never keep the process from ending: a GiB being hashed must not delay a stop."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from sync.errors import SignageError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def start_thread(
    work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> asyncio.Future[Result]:
    """Run `work` in a daemon thread of its own; the future brings what it returns, or the fault it names.

    Anything but a `SignageError` or `OSError` is a bug: it goes to the log whole, and the future raises RuntimeError.
    """
    name = getattr(work, "__qualname__", "work")
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: Exception | None) -> None:
        if future.done():  # whoever waited was cancelled
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]  # None only where Result allows it
        else:
            future.set_exception(error)

    def run() -> None:
        outcome: tuple[Result | None, Exception | None] = (None, RuntimeError(f"{name} has a bug; the log has it"))
        try:
            outcome = (work(*args, **kwargs), None)
        except (SignageError, OSError) as error:
            outcome = (None, error)
        finally:
            with contextlib.suppress(RuntimeError):  # the loop has closed: nobody waits any more
                loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


async def in_thread(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Run `work` in a daemon thread and wait; when cancelled, the thread ends by itself and its result is dropped."""
    return await start_thread(work, *args, **kwargs)
