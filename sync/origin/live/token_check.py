"""The service that ends the sockets of callers whose tokens are not valid any more, or have other rights.

Devices that are removed or moved are told as soon as this origin knows (`OriginMemory`); this is for people, for
sockets that were opened at that very moment, and for what its memory cannot see: a database that was restored.
"""

from collections.abc import Sequence
from contextlib import suppress

from aiohttp import WSCloseCode

from sync.errors import StorageBroken
from sync.origin.http.origin_memory import OriginMemory
from sync.origin.live.listeners import Listener
from sync.origin.live.live_hints import LiveHints
from sync.runtime.clock import Clock

CHECK_S = 8.0
"""A key that is revoked loses its sockets after that, and at most 2 s more."""

_AT_ONCE = 500  # tokens between two turns of other work


class TokenCheck:
    """Looks for all tokens: those of devices in memory, all others in the database, many in one query."""

    def __init__(self, live: LiveHints, memory: OriginMemory, clock: Clock) -> None:
        self._memory = memory
        self._live = live
        self._clock = clock

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            present = tuple(self._live.listeners)
            for first in range(0, len(present), _AT_ONCE):
                with suppress(StorageBroken):  # who cannot be looked up stays until the next check, see `OriginMemory`
                    await self._check(present[first : first + _AT_ONCE])
                await self._clock.sleep(0)
            await self._clock.sleep(CHECK_S)

    async def _check(self, some: Sequence[Listener]) -> None:
        callers = await self._memory.callers([listener.caller.proof for listener in some])
        for listener, caller in zip(some, callers, strict=True):
            if caller is None or caller.rights != listener.caller.rights:
                listener.leave(WSCloseCode.POLICY_VIOLATION)
            elif caller.channel is not None and caller.channel != listener.caller.channel:
                self._live.moved(caller.id, caller.channel)
