"""Tells the origin what the screen shows from now on, when that changes, for people who watch it there."""

from collections.abc import Callable
from typing import Protocol

from player.protocol.now_playing import Now
from player.status.collector import heartbeat_on_air
from sync.wire.live_messages import OnAirMessage


class AirSource(Protocol):
    """The director."""

    def now(self) -> Now:
        """Return what the screen shows."""

    async def wait_for_air_change(self) -> None:
        """Return when that, or what comes next, is another one than at the last return."""


class OnAirReporter:
    """A service; `show` passes a message on, and must not block."""

    def __init__(self, director: AirSource, show: Callable[[OnAirMessage], None]) -> None:
        self._director = director
        self._show = show

    async def run(self) -> None:
        """Report until cancelled."""
        while True:
            now = self._director.now()
            self._show(OnAirMessage(on_air=heartbeat_on_air(now), next_title=now.next.title))
            await self._director.wait_for_air_change()
