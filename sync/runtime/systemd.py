"""Reports to systemd: `READY=1`, `STATUS=…`, and watchdog pings from the event loop."""

import logging
import os
import socket

from sync.runtime.clock import Clock
from sync.runtime.os_messages import os_reason

log = logging.getLogger(__name__)


def notify(state: str) -> None:
    """Send one state, such as `READY=1`, to systemd; do nothing if systemd did not start this process.

    A failure is only logged, because the screen is more important.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    target = "\0" + address[1:] if address.startswith("@") else address  # @ stands for the abstract namespace
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.setblocking(False)
        try:
            channel.sendto(state.encode(), target)
        except OSError as error:
            log.warning("notify=%s not delivered: %s", state.partition("=")[0], os_reason(error))


def watchdog_interval_s() -> float | None:
    """Return the seconds between pings, half of what systemd allows; None if this process has no watchdog."""
    allowed_us = os.environ.get("WATCHDOG_USEC", "")
    watched = os.environ.get("WATCHDOG_PID", "") or str(os.getpid())
    if not allowed_us.isdecimal() or int(allowed_us) == 0 or watched != str(os.getpid()):
        return None
    return int(allowed_us) / 2_000_000


class Watchdog:
    """Pings from the event loop. If the loop hangs, the pings stop and systemd restarts the service."""

    def __init__(self, interval_s: float, clock: Clock) -> None:
        self._interval_s = interval_s
        self._clock = clock

    async def run(self) -> None:
        """Ping until cancelled."""
        while True:
            notify("WATCHDOG=1")
            await self._clock.sleep(self._interval_s)
