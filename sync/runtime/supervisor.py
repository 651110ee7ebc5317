"""Keeps a service alive: the only place that may catch everything, so that a bug in one never ends another."""

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
    """How often each service had to be restarted, for health; `last` holds the latest reason."""

    counts: dict[str, int] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)

    def record(self, name: str, error: Exception) -> None:
        """Count one restart of `name`."""
        while isinstance(error, ExceptionGroup):  # what a TaskGroup wraps says more than its wrapping
            error = error.exceptions[0]
        self.counts[name] = self.counts.get(name, 0) + 1
        fault = f"an error in the program ({type(error).__name__}); the log has the details"
        self.last[name] = str(error) if isinstance(error, SignageError) else fault


async def supervise(name: str, run: Callable[[], Awaitable[None]], clock: Clock, restarts: Restarts) -> None:
    """Run a service for ever, restarting it after 1 s doubling to 60 s; five healthy minutes reset the wait.

    Ends only by cancellation. A service that returns is a bug and is restarted like one that raised.
    """
    wait_s = _FIRST_WAIT_S
    while True:
        began = clock.monotonic()
        try:
            await run()
            raise RuntimeError(f"service {name} returned; a service ends only by cancellation")
        except Exception as error:
            if clock.monotonic() - began >= _HEALTHY_AFTER_S:
                wait_s = _FIRST_WAIT_S
            restarts.record(name, error)
            log.exception("service=%s failed, restarts in %.0f s", name, wait_s)
        await clock.sleep(wait_s)
        wait_s = min(_LONGEST_WAIT_S, wait_s * 2)
