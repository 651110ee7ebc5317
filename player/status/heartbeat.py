"""Tells the origin every half minute how the device is; losing one costs nothing, the next says it all again."""

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from player.settings.configuration import Configuration
from sync.errors import OriginRefused, OriginUnreachable
from sync.runtime.clock import Clock
from sync.wire.report import Heartbeat

log = logging.getLogger(__name__)


class HeartbeatSink(Protocol):
    """What is needed of a client."""

    async def post_heartbeat(self, heartbeat: Heartbeat) -> None:
        """Tell the origin; raises OriginUnreachable or OriginRefused."""


class HeartbeatSender:
    """A service: posts what `take` returns, every `origin.heartbeat_s` as it is at that time."""

    def __init__(
        self,
        client: HeartbeatSink,
        take: Callable[[], Awaitable[Heartbeat]],
        configuration: Configuration,
        clock: Clock,
    ) -> None:
        self._client = client
        self._take = take
        self._configuration = configuration
        self._clock = clock
        self._failing = False

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            wait_s = self._configuration.settings.origin.heartbeat_s
            try:
                await self._client.post_heartbeat(await self._take())
            except (OriginUnreachable, OriginRefused) as error:
                wait_s = max(wait_s, self._failed(error))
            else:
                self._succeeded()
            await self._clock.sleep(wait_s)

    def _failed(self, error: OriginUnreachable | OriginRefused) -> float:
        if not self._failing:
            log.warning("heartbeat not delivered: %s", error)
        self._failing = True
        return (error.retry_after_s or 0.0) if isinstance(error, OriginRefused) else 0.0

    def _succeeded(self) -> None:
        if self._failing:
            log.info("heartbeat delivered again")
        self._failing = False
