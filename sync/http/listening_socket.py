"""A listening socket with limits: how many connections in all, and how many from one address.

A network of IPv6 addresses that one customer gets (/64) counts as one address. Proxies are no clients: they have no
limit of their own.

Connections are counted from the moment they are accepted, before TLS and before any request, until they are closed. One
too many is answered with 503 and closed at once: it costs no task, and a descriptor only for a moment.
"""

import logging
import resource
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any, Self

from sync.errors import Rejected
from sync.http.forwarded import Networks, is_trusted
from sync.runtime.os_messages import os_reason

_DETAIL = "too many connections are open: try again in a few seconds"
_PROBLEM = (
    '{"type": "urn:signage:problem:service-unavailable", "title": "Service Unavailable", "status": 503, '
    f'"detail": "{_DETAIL}", "instance": ""}}'
)
_REFUSAL = (
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 5\r\n"
    "Cache-Control: no-store\r\n"
    f"Content-Length: {len(_PROBLEM)}\r\nConnection: close\r\n\r\n{_PROBLEM}"
).encode()
_BACKLOG = 128
_UNLIMITED = 1 << 20  # descriptors: what the kernel allows a process by default
_REUSABLE_AFTER = 0.9  # of the limit: the log does not flap around the limit itself

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The most connections in all, and from one address."""

    most: int
    most_of_one: int


def limits_for_descriptors(reserve: int) -> ConnectionLimits:
    """Return limits that leave `reserve` of the descriptors of this process for files and databases."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(16, (_UNLIMITED if soft == resource.RLIM_INFINITY else soft) - reserve)
    return ConnectionLimits(most, max(8, most // 2))


@dataclass(slots=True)
class _Count:
    """The connections that are open, by address."""

    limits: ConnectionLimits
    proxies: Networks
    by_address: Counter[str] = field(default_factory=Counter)
    is_full: bool = False

    def admits(self, address: str, *, is_proxy: bool) -> bool:
        total = self.by_address.total()
        if total >= self.limits.most:
            if not self.is_full:
                log.warning("connections=%d all are in use: more are refused", total)
            self.is_full = True
            return False
        return self.by_address[address] < self.limits.most_of_one or is_proxy

    def remove(self, address: str) -> None:
        self.by_address[address] -= 1
        if self.by_address[address] <= 0:
            del self.by_address[address]
        if self.is_full and self.by_address.total() <= _REUSABLE_AFTER * self.limits.most:
            self.is_full = False
            log.info("connections=%d there is room again", self.by_address.total())


class _Connection(socket.socket):
    """An accepted connection that is counted until it is closed."""

    counted: tuple[_Count, str] | None = None

    def close(self) -> None:
        counted, self.counted = self.counted, None
        if counted is not None:
            counted[0].remove(counted[1])
        super().close()


class ListeningSocket(socket.socket):
    """Accepts at most as many connections as its limits allow."""

    _count: _Count

    @classmethod
    def bound(cls, family: int, address: Any, count: _Count) -> Self:
        """Return a socket that listens on one address; raises OSError."""
        listening = cls(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # 0.0.0.0 may have a socket of its own
            listening.bind(address)
            listening.listen(_BACKLOG)
        except OSError:
            listening.close()
            raise
        listening.setblocking(False)
        listening._count = count
        return listening

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection that is within the limits; refuse those before it that are not."""
        while True:
            accepted, address = super().accept()
            connection = _Connection(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
            peer = str(address[0])
            client = network_of(peer)
            if self._count.admits(client, is_proxy=is_trusted(peer, self._count.proxies)):
                connection.counted = self._count, client
                self._count.by_address[client] += 1
                return connection, address
            _refuse(connection)


def network_of(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 network of an IPv6 address."""
    if ":" not in address:
        return address
    return str(ip_network(f"{address.partition('%')[0]}/64", strict=False).network_address)


def open_sockets(host: str, port: int, limits: ConnectionLimits, proxies: Networks) -> Iterator[ListeningSocket]:
    """Yield a listening socket for each address of `host`; the limits hold for all of them together.

    Raises:
        Rejected: the address or port cannot be used.
    """
    count = _Count(limits, proxies)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            yield ListeningSocket.bound(family, address, count)
    except OSError as error:
        raise Rejected(f"cannot listen on {host} port {port}: {os_reason(error)}") from error


def _refuse(connection: socket.socket) -> None:
    """Answer without waiting: what is not taken at once is lost, and a TLS client only sees the end."""
    with connection:
        connection.setblocking(False)
        try:
            connection.recv(65_536)  # unread bytes would reset the connection and take the answer with it
        except OSError:
            log.debug("connection refused before it sent anything")
        try:
            connection.send(_REFUSAL)
        except OSError:
            log.debug("connection refused without an answer")
