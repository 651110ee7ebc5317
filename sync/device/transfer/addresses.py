"""Looks up the addresses of a host, and connects to the first one that answers ("happy eyeballs", RFC 8305)."""

import asyncio
import socket
import threading

from aiohappyeyeballs import start_connection
from aiohttp.abc import AbstractResolver, ResolveResult

from sync.runtime.threads import in_thread

_LOOK_UP_S = 20.0
NEXT_ADDRESS_S = 0.25
"""How long one address may stay silent before the next one is tried beside it."""

Address = tuple[int, str, int]
"""Family, address and port."""


def look_up(host: str, port: int, family: int = socket.AF_UNSPEC) -> list[Address]:
    """Return the addresses of a host; blocks, for half a minute without a DNS server.

    Raises:
        OSError: the name is not known, or is none.
    """
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    except UnicodeError as error:  # an empty label, or one of over 63 letters
        raise socket.gaierror(socket.EAI_NONAME, "not a name") from error
    return [(family, str(where[0]), int(where[1])) for family, _, _, _, where in found]


class AnsweringAddresses:
    """Which address of each host answered last: it is tried first, so an IPv6 that leads nowhere costs once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered: dict[str, str] = {}

    def answered(self, host: str, address: str) -> None:
        """Remember the address by which a host was reached."""
        with self._lock:
            self._answered[host] = address

    def sorted(self, host: str, found: list[Address]) -> list[Address]:
        """Return the addresses with the one first that answered last."""
        with self._lock:
            last = self._answered.get(host)
        return sorted(found, key=lambda address: address[1] != last)

    def connect(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """Connect; blocks, for at most `timeout_s` with the look-up.

        Raises:
            OSError: no address answers, or the name is not known.
        """
        connection = asyncio.run(self._first(host, port, timeout_s))
        connection.settimeout(timeout_s)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answered(host, str(connection.getpeername()[0]))
        return connection

    async def _first(self, host: str, port: int, timeout_s: float) -> socket.socket:
        async with asyncio.timeout(timeout_s):
            found = self.sorted(host, await in_thread(look_up, host, port))
            choices = [(family, socket.SOCK_STREAM, 0, "", (address, port)) for family, address, port in found]
            return await start_connection(choices, happy_eyeballs_delay=NEXT_ADDRESS_S, interleave=1)


class NameResolver(AbstractResolver):
    """Looks names up in daemon threads: without a DNS server that takes half a minute, and must not delay a stop."""

    def __init__(self, addresses: AnsweringAddresses | None = None) -> None:
        self._addresses = addresses or AnsweringAddresses()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return all addresses of a name; raises OSError and TimeoutError."""
        async with asyncio.timeout(_LOOK_UP_S):
            found = await in_thread(look_up, host, port, family)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)
            for kind, address, port in self._addresses.sorted(host, found)
        ]

    async def close(self) -> None:
        """Do nothing: threads that still look up end by themselves."""
