"""The service that counts all screens: for pages that watch some of them, and so that all come back over a time.

Without such a page it counts once a minute.
"""

import logging
from itertools import count
from typing import Any

from sync.errors import StorageBroken
from sync.origin.live.live_hints import LiveHints
from sync.origin.live.severity import ScreenSeverity
from sync.origin.store.counts import CountStore, DeviceCounts
from sync.roles import Rights, Role
from sync.runtime.clock import Clock

COUNT_S = 5.0
_UNWATCHED = 12  # so many times as long, when no page wants to know

log = logging.getLogger(__name__)


class ScreenCounts:
    """Counts devices in the database, and who listens here."""

    def __init__(self, live: LiveHints, store: CountStore, clock: Clock) -> None:
        self._live = live
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        """Count until cancelled."""
        for turn in count():
            if self._live.pages.watching or turn % _UNWATCHED == 0:
                await self._count()
            await self._clock.sleep(COUNT_S)

    async def _count(self) -> None:
        try:
            found = await self._store.devices(None)
            seen = {rights: await self._counts(rights, found) for rights in self._live.pages.watching}
        except StorageBroken as error:  # pages ask for lists themselves, and are told there
            log.debug("devices are not counted: %s", error)
            return
        self._live.online = found.online
        self._live.pages.tell_counts(seen)

    async def _counts(self, rights: Rights, of_all: DeviceCounts) -> dict[str, Any]:
        spaces = rights.spaces(Role.VIEWER)
        found = of_all if spaces is None else await self._store.devices(spaces)
        severity = {one.value: found.severities.get(one, 0) for one in ScreenSeverity}
        counts = {"devices": found.devices, "online": found.online, "severity": severity}
        return counts if spaces is not None else {**counts, "listeners": self._live.listeners.count()}
