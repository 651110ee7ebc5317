"""The service that asks silent listeners for a sign of life: one timer for all of them."""

from itertools import islice

from sync.origin.live.listeners import Listeners, in_turns
from sync.runtime.clock import Clock

CHECK_S = 10.0
"""A listener from which nothing came for so long is asked, one that does not answer for as long is disconnected."""

_STEPS = 10


class Pings:
    """Checks a tenth of the listeners each second."""

    def __init__(self, listeners: Listeners, clock: Clock) -> None:
        self._listeners = listeners
        self._clock = clock

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            present = tuple(self._listeners)
            each = -(-len(present) // _STEPS)
            left = iter(present)
            for _ in range(_STEPS):
                async for listener in in_turns(islice(left, each), self._clock):
                    listener.check()
                await self._clock.sleep(CHECK_S / _STEPS)
