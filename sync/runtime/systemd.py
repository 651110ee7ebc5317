"""Tells systemd how we are: `READY=1`, `STATUS=…`, and watchdog pings that only a turning event loop can send."""

import logging
import os
import socket

from sync.runtime.clock import Clock
from sync.runtime.os_messages import os_reason

log = logging.getLogger(__name__)


def notify(state: str) -> None:
    """Send one state, such as `READY=1`, to whoever started us; does nothing outside systemd.

    A supervisor that does not take it is logged and forgiven: the screen matters more.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    target = "\0" + address[1:] if address.startswith("@") else address  # @ means the abstract namespace
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.setblocking(False)
        try:
            channel.sendto(state.encode(), target)
        except OSError as error:
            log.warning("notify=%s not delivered: %s", state.partition("=")[0], os_reason(error))


def watchdog_interval_s() -> float | None:
    """Return how often to ping: half of what systemd allows; None when nobody watches this process."""
    allowed_us = os.environ.get("WATCHDOG_USEC", "")
    watched = os.environ.get("WATCHDOG_PID", "") or str(os.getpid())
    if not allowed_us.isdecimal() or int(allowed_us) == 0 or watched != str(os.getpid()):
        return None
    return int(allowed_us) / 2_000_000


class Watchdog:
    """Pings from the event loop: a loop that hangs falls silent, and systemd starts the service anew."""

    def __init__(self, interval_s: float, clock: Clock) -> None:
        self._interval_s = interval_s
        self._clock = clock

    async def run(self) -> None:
        """Ping until cancelled."""
        while True:
            notify("WATCHDOG=1")
            await self._clock.sleep(self._interval_s)
