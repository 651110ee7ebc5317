"""Reports to the origin how the device is. A lost heartbeat does no harm: the next one contains everything again."""

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from player.settings.configuration import Configuration
from sync.device.recurring_problem import RecurringProblem
from sync.errors import OriginRefused, OriginUnreachable
from sync.runtime.clock import Clock
from sync.wire.device_reports import Heartbeat, HeartbeatAnswer

log = logging.getLogger(__name__)


class HeartbeatSink(Protocol):
    """The part of the origin client that is used."""

    async def post_heartbeat(self, heartbeat: Heartbeat) -> HeartbeatAnswer:
        """Deliver one heartbeat; raises OriginUnreachable or OriginRefused."""


class HeartbeatSender:
    """A service: posts what `make` returns, every `origin.heartbeat_s` seconds; the setting is read each time.

    `answered` is given what the origin has to say.
    """

    def __init__(
        self,
        client: HeartbeatSink,
        make: Callable[[], Awaitable[Heartbeat]],
        configuration: Configuration,
        clock: Clock,
        answered: Callable[[HeartbeatAnswer], Awaitable[None]],
    ) -> None:
        self._answered = answered
        self._client = client
        self._make = make
        self._configuration = configuration
        self._clock = clock
        self._problems = RecurringProblem(clock, log, "heartbeat not delivered", "heartbeat delivered again")

    async def run(self) -> None:
        """Post until cancelled."""
        while True:
            wait_s = self._configuration.settings.origin.heartbeat_s
            try:
                await self._answered(await self._client.post_heartbeat(await self._make()))
            except (OriginUnreachable, OriginRefused) as error:
                wait_s = max(wait_s, self._failed(error))
            else:
                self._problems.cleared()
            await self._clock.sleep(wait_s)

    def _failed(self, error: OriginUnreachable | OriginRefused) -> float:
        self._problems.occurred(str(error))
        return error.retry_after_s
