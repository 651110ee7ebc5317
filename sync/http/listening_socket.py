"""Sockets that listen, and who holds their connections: limits in all, for each client and for each token.

Connections count from the moment they are accepted, before TLS and before any request, until they are closed. The
clients are addresses; a network of IPv6 addresses that one customer gets (/64) counts as one. A connection that sent a
valid token counts for that token alone, so that many devices behind one address have room. Where there is none, the
oldest connection without a complete request makes room. What finds none is answered with 503 and closed: it
costs no task, and a descriptor only for a moment.
"""

import asyncio
import logging
import resource
import socket
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_network
from typing import Any, NamedTuple, Self

from aiohttp import hdrs, web

from sync.errors import Rejected
from sync.http.forwarded import Networks, is_trusted
from sync.http.shortage import RepeatedEvent
from sync.runtime.os_messages import os_reason

TOO_MANY = "too many connections are open: try again in a few seconds"
_PROBLEM = (
    '{"type": "urn:signage:problem:service-unavailable", "title": "Service Unavailable", "status": 503, '
    f'"detail": "{TOO_MANY}", "instance": ""}}'
)
_REFUSAL = (
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nRetry-After: 5\r\n"
    "Cache-Control: no-store\r\n"
    f"Content-Length: {len(_PROBLEM)}\r\nConnection: close\r\n\r\n{_PROBLEM}"
).encode()
_BACKLOG = 512
"""Connections that wait to be accepted: hundreds come at one moment, and who is dropped tries again seconds later."""

_MOST_REFUSED = 128  # in one turn
_ACCEPTED_AT_ONCE = 16
"""Connections accepted in one turn of the event loop, some 2 ms. With one a turn, of thousands that come back at once
most would have given up before they are accepted."""

_UNLIMITED = 1 << 20  # descriptors: what the kernel allows a process by default
_MOST_READ_BYTES, _MOST_READ_OF_LISTENER_BYTES = 8 * 1024, 1024
"""The most that is read at once. 8 KiB may be 1,300 chunks, 1 KiB 150 messages: the event loop needs 20 ms for them."""

_MOST_AT_ONCE = 8
_LONGEST_WAIT_S = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The most connections in all, from one address, and with one token; in all a WebSocket counts half.

    A request may need a file beside its connection, a WebSocket never does.
    """

    most: int
    most_of_one: int
    most_of_token: int = 32

    @property
    def most_sockets(self) -> int:
        """The most WebSockets: three quarters. The rest is for requests, for which WebSockets would leave nothing."""
        return self.most * 3 // 2

    @property
    def accepted_at_once(self) -> int:
        """How many connections one turn accepts: the oldest of a client, which makes room, had its turns to be read."""
        return max(1, min(_ACCEPTED_AT_ONCE, self.most_of_one // 8))


def limits_for_descriptors(reserve: int, most: int = _UNLIMITED) -> ConnectionLimits:
    """Return limits within `most` that leave `reserve` descriptors of this process; a connection may use two."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(most, max(16, ((_UNLIMITED if soft == resource.RLIM_INFINITY else soft) - reserve) // 2))
    return ConnectionLimits(most, max(8, most // 2))


class HolderKind(StrEnum):
    """Who holds connections."""

    ADDRESS = "address"
    PROXY = "proxy"  # stands for everybody: it has no limit of its own
    TOKEN = "token"


class Holder(NamedTuple):
    """One address, one token, or all trusted proxies."""

    kind: HolderKind
    name: str = ""


class Connection(socket.socket):
    """An accepted connection that counts until it is closed."""

    _connections: "Connections | None" = None
    holder: Holder
    request: web.BaseRequest | None = None
    works_for: Holder | None = None  # see `WorkLimit`
    is_open_socket = False

    @property
    def is_answering(self) -> bool:
        """Return whether a request has arrived completely and is being answered; WebSockets stay open for ever."""
        return self.request is not None and self.request.content.is_eof() and not self._is_websocket

    @property
    def _is_websocket(self) -> bool:
        return self.request is not None and hdrs.UPGRADE in self.request.headers

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Read a little; the rest is read when the other connections had their turn."""
        return super().recv(self._at_most(size), flags)

    def recv_into(self, buffer: Any, size: int = 0, flags: int = 0) -> int:
        """Read a little, for TLS."""
        return super().recv_into(buffer, self._at_most(size or len(buffer)), flags)

    def _at_most(self, size: int) -> int:
        return min(size, _MOST_READ_OF_LISTENER_BYTES if self._is_websocket else _MOST_READ_BYTES)

    def begin(self, connections: "Connections", holder: Holder) -> None:
        """Count from now on."""
        self._connections, self.holder = connections, holder

    def hand_over(self, holder: Holder) -> bool:
        """Count for another holder from now on, if that one has room."""
        return self._connections is None or self._connections.hand_over(self, holder)

    def end(self) -> None:
        """Count no more."""
        connections, self._connections = self._connections, None
        if connections is not None:
            connections.remove(self)

    def close(self) -> None:
        """Close it."""
        self.end()
        super().close()


class Connections:
    """The open connections of a server by their holders."""

    def __init__(self, limits: ConnectionLimits, proxies: Networks) -> None:
        self._limits = limits
        self._most_of = {
            HolderKind.ADDRESS: limits.most_of_one,
            HolderKind.PROXY: limits.most,
            HolderKind.TOKEN: limits.most_of_token,
        }
        self._proxies = proxies
        self._held: dict[Holder, dict[Connection, None]] = {}  # the oldest first
        self._total = 0
        self._known = 0  # of them, those with a token
        self._fullness = RepeatedEvent("there is room for connections again")
        self._sockets = 0
        self._many_sockets = RepeatedEvent("there is room for WebSockets again")

    @property
    def are_scarce(self) -> bool:
        """Return whether those with a token, of which none makes room, are to be closed after their answers."""
        return 2 * self._known - self._sockets > self._limits.most * 7 // 4

    def have_room_for_socket(self) -> bool:
        """Return whether one more WebSocket may be opened."""
        has_room = self._sockets < self._limits.most_sockets
        if has_room:
            self._many_sockets.did_not_happen()
        else:
            self._many_sockets.happened(f"websockets={self._sockets} all are in use: others are refused, and may ask")
        return has_room

    def begin_socket(self, connection: Connection) -> None:
        """Count a connection as a WebSocket, which has been opened."""
        connection.is_open_socket = True
        self._sockets += 1

    def end_socket(self, connection: Connection) -> None:
        """Count it no more, if it was one."""
        self._sockets -= connection.is_open_socket
        connection.is_open_socket = False

    def admit(self, connection: Connection, peer: str) -> bool:
        """Count a new connection if there is room, or if another one makes room."""
        holder = self.holder_of(peer)
        if not self._has_room_for_one_of(holder) or not self._has_room(holder):
            return False
        connection.begin(self, holder)
        self._add(connection)
        return True

    def holder_of(self, peer: str) -> Holder:
        """Return who holds the connections of a peer that has not shown a token."""
        if is_trusted(peer, self._proxies):
            return Holder(HolderKind.PROXY)
        return Holder(HolderKind.ADDRESS, network_of(peer))

    def hand_over(self, connection: Connection, holder: Holder) -> bool:
        """Count a connection for another holder, if that one has room."""
        if connection.holder != holder:
            if not self._has_room_for_one_of(holder):
                return False
            self.remove(connection)
            connection.holder = holder
            self._add(connection)
        return True

    def remove(self, connection: Connection) -> None:
        """Count a connection no more."""
        self.end_socket(connection)
        of_one = self._held[connection.holder]
        del of_one[connection]
        self._known -= connection.holder.kind is HolderKind.TOKEN
        if not of_one:
            del self._held[connection.holder]
        self._total -= 1

    def _add(self, connection: Connection) -> None:
        self._held.setdefault(connection.holder, {})[connection] = None
        self._known += connection.holder.kind is HolderKind.TOKEN
        self._total += 1

    def _has_room_for_one_of(self, holder: Holder) -> bool:
        of_one = self._held.get(holder, {})
        return len(of_one) < self._most_of[holder.kind] or _close_oldest(of_one, busy=holder.kind is HolderKind.TOKEN)

    def _has_room(self, holder: Holder) -> bool:
        """Return whether there is room in all; strangers make room, first those who hold the most."""
        if 2 * self._total - self._sockets < 2 * self._limits.most:
            self._fullness.did_not_happen()
            return True
        self._fullness.happened(f"connections={self._total} all are in use: strangers' oldest make room for new ones")
        strangers = (held for known, held in self._held.items() if known.kind is not HolderKind.TOKEN)
        most = max(strangers, key=len, default={})
        return _close_oldest(most, busy=len(most) > len(self._held.get(holder, {})) + 1)


def _close_oldest(held: Mapping[Connection, None], *, busy: bool) -> bool:
    """Close the oldest connection without a complete request, or with `busy` the oldest of all; tell if one was."""
    connection = next((one for one in held if not one.is_answering), next(iter(held), None) if busy else None)
    if connection is None:
        return False
    connection.end()
    with suppress(OSError):  # its transport reads the end, and closes it
        connection.shutdown(socket.SHUT_RDWR)
    return True


class WorkLimit:
    """Lets each holder have a few requests worked on at once, so that no other one waits behind hundreds of his.

    Work begins with a request and ends when its answer begins; reading a body is none. Who waited for
    `_LONGEST_WAIT_S` goes on all the same: work that hangs must not shut a client out.
    """

    def __init__(self) -> None:
        self._going_on = Counter[Holder]()
        self._waiting: dict[Holder, deque[asyncio.Future[None]]] = {}

    async def begin(self, connection: Connection) -> None:
        """Begin to work on the request of a connection, as soon as its holder may have one more."""
        holder = connection.holder
        if self._going_on[holder] >= _MOST_AT_ONCE:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(holder, deque()).append(turn)
            with suppress(TimeoutError):
                await asyncio.wait_for(turn, _LONGEST_WAIT_S)
        self._going_on[holder] += 1
        connection.works_for = holder

    def end(self, connection: Connection) -> None:
        """Let the next one begin, if the connection has not ended its work before."""
        holder, connection.works_for = connection.works_for, None
        if holder is None:
            return
        self._going_on[holder] -= 1
        waiting = self._waiting.get(holder, deque())
        while waiting and self._going_on[holder] < _MOST_AT_ONCE:
            turn = waiting.popleft()
            if not turn.done():  # cancelled, or waited for too long
                turn.set_result(None)
                break
        if not waiting:
            self._waiting.pop(holder, None)
        if not self._going_on[holder]:
            del self._going_on[holder]


class ListeningSocket(socket.socket):
    """Accepts at most as many connections as its limits allow."""

    _connections: Connections

    @classmethod
    def bound(cls, family: int, address: Any, connections: Connections, stalled_s: float) -> Self:
        """Return a socket that listens on one address; raises OSError."""
        listening = cls(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(stalled_s * 1000))
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # 0.0.0.0 may have a socket of its own
            listening.bind(address)
            listening.listen(_BACKLOG)
        except OSError:
            listening.close()
            raise
        listening.setblocking(False)
        listening._connections = connections
        return listening

    def accept(self) -> tuple[Connection, Any]:
        """Return the next connection that is within the limits; refuse those before it that are not."""
        for _ in range(_MOST_REFUSED):
            accepted, address = super().accept()
            connection = Connection(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
            if self._connections.admit(connection, str(address[0])):
                return connection, address
            _refuse(connection)
        raise BlockingIOError  # other work first


def network_of(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 network of an IPv6 address."""
    if ":" not in address:
        return address
    return str(ip_network(f"{address.partition('%')[0]}/64", strict=False).network_address)


def open_sockets(host: str, port: int, connections: Connections, stalled_s: float) -> Iterator[ListeningSocket]:
    """Yield a listening socket for each address of `host`; the limits hold for all of them together.

    A connection whose other side takes nothing for `stalled_s` is closed by the kernel.

    Raises:
        Rejected: the address or port cannot be used.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            yield ListeningSocket.bound(family, address, connections, stalled_s)
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
