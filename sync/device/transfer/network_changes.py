"""Tells when the network of this machine changes: a cable or Wi-Fi that came back, a new address (rtnetlink(7))."""

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path

from sync.runtime.clock import Clock

SETTLE_S = 2.0
"""Changes come in bursts; one call tells of those within this time."""

_LINK, _IPV4_ADDRESS, _IPV6_ADDRESS = 0x1, 0x10, 0x100  # RTMGRP_* of linux/rtnetlink.h
_PIECE_BYTES = 65536
_TABLES = tuple(Path("/proc/net", name) for name in ("fib_trie", "route", "if_inet6"))
_STATES = "/sys/class/net"

log = logging.getLogger(__name__)


class NetworkChanges:
    """A service that calls `changed` after each change. It may not block."""

    def __init__(self, clock: Clock, changed: Callable[[], None]) -> None:
        self._clock = clock
        self._changed = changed

    async def run(self) -> None:
        """Watch until cancelled. Where the system allows no watching, nothing is told."""
        try:
            watch = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        except OSError as error:
            log.info("changes of the network are not seen: %s", error)
            return
        with watch:
            watch.bind((0, _LINK | _IPV4_ADDRESS | _IPV6_ADDRESS))
            before = network_state()
            while True:
                await self._next(watch)
                await self._clock.sleep(SETTLE_S)
                _drain(watch)
                now = network_state()
                if now != before:  # the kernel also tells that a router is still there, every few seconds
                    self._changed()
                before = now

    async def _next(self, watch: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().sock_recv(watch, _PIECE_BYTES)
        except OSError as error:  # ENOBUFS: there were more than the kernel keeps
            log.debug("some changes of the network were not told: %s", error)


def network_state() -> tuple[str, ...]:
    """Return what is different after a change: addresses, routes, and whether each link is up."""
    links = sorted(Path(_STATES).glob("*/operstate"))
    return tuple(_text(path) for path in (*_TABLES, *links))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # no such table here, or a link that has gone
        return ""


def _drain(watch: socket.socket) -> None:
    try:
        while watch.recv(_PIECE_BYTES):
            pass
    except OSError:  # nothing more, or ENOBUFS
        return
