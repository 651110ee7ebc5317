"""The service that ends the sockets of callers whose tokens are not valid any more, whoever revoked them.

What this process revokes ends its sockets at once; others (the command line, another origin) write the database only.
"""

from collections.abc import Sequence

from aiohttp import WSCloseCode

from sync.origin.http.auth import Gatekeeper
from sync.origin.live.listeners import Listener
from sync.origin.live.live_hints import LiveHints
from sync.runtime.clock import Clock

CHECK_S = 8.0
"""A token that is revoked elsewhere, or a device that is moved, loses its socket after that, and at most 2 s more."""

_AT_ONCE = 500  # tokens of one query


class TokenCheck:
    """Looks all tokens up, many in one query."""

    def __init__(self, live: LiveHints, gatekeeper: Gatekeeper, clock: Clock) -> None:
        self._gatekeeper = gatekeeper
        self._live = live
        self._clock = clock

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            present = tuple(self._live.listeners)
            for first in range(0, len(present), _AT_ONCE):
                await self._check(present[first : first + _AT_ONCE])
            await self._clock.sleep(CHECK_S)

    async def _check(self, some: Sequence[Listener]) -> None:
        callers = await self._gatekeeper.callers_by_hash([listener.caller.proof for listener in some])
        for listener, caller in zip(some, callers, strict=True):
            if caller is None:
                listener.leave(WSCloseCode.POLICY_VIOLATION)
            elif caller.channel is not None and caller.channel != listener.caller.channel:
                self._live.moved(caller.id, caller.channel)
