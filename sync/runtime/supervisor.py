"""Restarts a service that fails, and contains work that fails: all exceptions end here, so that a bug ends no more."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sync.errors import SignageError
from sync.runtime.clock import Clock

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_HEALTHY_AFTER_S = 300.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Restarts:
    """How often each service was restarted, and the latest reason in `last`."""

    counts: dict[str, int] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)

    def record(self, name: str, error: Exception) -> None:
        """Count one restart of `name`."""
        while isinstance(error, ExceptionGroup):  # the first error of a TaskGroup says more than the group
            error = error.exceptions[0]
        self.counts[name] = self.counts.get(name, 0) + 1
        fault = f"an error in the program ({type(error).__name__}); the log has the details"
        self.last[name] = str(error) if isinstance(error, SignageError) else fault


async def supervise(name: str, run: Callable[[], Awaitable[None]], clock: Clock, restarts: Restarts) -> None:
    """Run a service until cancelled. Restart it after 1 s, doubled with each failure up to 60 s.

    After five minutes without a failure the wait is 1 s again. A service that returns has a bug and is restarted too.
    """
    wait_s = _FIRST_WAIT_S
    while True:
        started = clock.monotonic()
        try:
            await run()
            raise RuntimeError(f"service {name} returned; a service ends only by cancellation")
        except Exception as error:
            if clock.monotonic() - started >= _HEALTHY_AFTER_S:
                wait_s = _FIRST_WAIT_S
            restarts.record(name, error)
            log.exception("service=%s failed, restarts in %.0f s", name, wait_s)
        await clock.sleep(wait_s)
        wait_s = min(_LONGEST_WAIT_S, wait_s * 2)


async def contain(what: str, work: Awaitable[None]) -> Exception | None:
    """Do one piece of the work of a service; return the error that it ended with, so that the service goes on."""
    try:
        await work
    except SignageError as error:
        log.warning("%s: %s", what, error)
        return error
    except Exception as error:
        log.exception("%s: an error in the program", what)
        return error
    return None
