"""The connections of a simulated device, as cheap as can be: requests over HTTP in turn, and a WebSocket."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from origin_bodies import CLOSE, PING, PONG, TEXT, frame

KEEP_S = 15.0
"""How long aiohttp keeps a connection of a player open after a request."""

GIVE_UP_S = 30.0
_ADDRESSES = 200  # on loopback, so that no port is used twice within a minute
_NO_BODY = (204, 304)


class Place(NamedTuple):
    """Where an origin listens."""

    host: str
    port: int

    def local_address(self, number: int) -> tuple[str, int]:
        """Return from which address a device comes."""
        return f"127.0.{1 + number // _ADDRESSES % 200}.{number % _ADDRESSES + 1}", 0


@dataclass(slots=True)
class Request:
    """A request, when it was due by the clock of the loop, and who gets status (0: none) and body of the answer."""

    kind: str
    raw: bytes
    due_s: float
    then: Callable[["Request", int, bytes], None]


class HttpConnection(asyncio.Protocol):
    """Sends requests one after the other over one connection, which it opens and closes when they need it."""

    def __init__(self, place: Place, number: int) -> None:
        self._place, self._local = place, place.local_address(number)
        self._queue: deque[Request] = deque()
        self._transport: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._got = bytearray()

    def ask(self, request: Request) -> None:
        """Send a request after those before it."""
        self._queue.append(request)
        if len(self._queue) == 1:
            self._begin()

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(GIVE_UP_S, self._give_up)
        if self._transport is None:
            self._task = asyncio.create_task(self._connect())
        else:
            self._transport.write(self._queue[0].raw)

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, *self._place, local_addr=self._local)
        except OSError:
            if self._queue:  # else it was given up meanwhile
                self._answered(0, b"")

    def connection_made(self, transport: Any) -> None:
        """Send the request that waits."""
        self._transport, self._got = transport, bytearray()
        if self._queue:
            transport.write(self._queue[0].raw)

    def data_received(self, data: bytes) -> None:
        """Take what came of an answer."""
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0 or not self._queue:
            return
        status = int(self._got[9:12])
        length = 0 if status in _NO_BODY else _length(bytes(self._got[:end]).lower())
        if len(self._got) >= end + 4 + length:
            body, self._got = bytes(self._got[end + 4 :]), bytearray()
            self._answered(status, body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the request that waits for its answer."""
        self._transport = None
        if self._queue:
            self._answered(0, b"")

    def _answered(self, status: int, body: bytes) -> None:
        assert self._timer is not None
        self._timer.cancel()
        request = self._queue[0]
        request.then(request, status, body)
        self._queue.popleft()  # now: what it asks for is sent after it
        if self._queue:
            self._begin()
        else:
            self._timer = asyncio.get_running_loop().call_later(KEEP_S, self.close)

    def _give_up(self) -> None:
        if self._task is not None:
            self._task.cancel()
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        elif self._queue:
            self._answered(0, b"")

    def close(self) -> None:
        """Close the connection."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()


def _length(head: bytes) -> int:
    at = head.find(b"content-length:")
    return int(head[at + 15 :].partition(b"\r\n")[0]) if at >= 0 else 0


class Listener(Protocol):
    """Who has a WebSocket."""

    def socket_opened(self) -> None:
        """The origin has opened it."""

    def socket_said(self, text: bytes) -> None:
        """A message came."""

    def socket_ended(self, status: int, *, was_open: bool) -> None:
        """It was closed, or refused with a status (0: there was no answer)."""


class SocketConnection(asyncio.Protocol):
    """One WebSocket. It answers pings, and sends one when nothing came for as long as a player waits."""

    PING_S = 30.0

    def __init__(self, listener: Listener, request: bytes) -> None:
        self._listener, self._request = listener, request
        self._transport: Any = None
        self._open = False
        self._status = 0
        self._got = b""
        self._heard, self._pinged = False, False  # since the last look, by it
        self._timer: asyncio.TimerHandle | None = None

    async def open(self, place: Place, number: int) -> None:
        """Connect, and ask for the WebSocket."""
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self, *place, local_addr=place.local_address(number))
        except OSError:
            self._listener.socket_ended(0, was_open=False)

    def send(self, text: bytes) -> None:
        """Send a message."""
        if self._transport is not None:
            self._transport.write(frame(TEXT, text))

    def close(self) -> None:
        """Close it without a word."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: Any) -> None:
        """Ask for the WebSocket."""
        self._transport = transport
        transport.write(self._request)
        self._timer = asyncio.get_running_loop().call_later(GIVE_UP_S, self._look)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        self._heard = True
        self._got = self._got + data if self._got else data
        if not self._open:
            head, found, rest = self._got.partition(b"\r\n\r\n")
            if not found:
                return
            self._status = int(head[9:12])
            if self._status != 101:
                self._transport.abort()
                return
            self._open, self._got = True, rest
            self._listener.socket_opened()
        self._read_frames()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell that it is over."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._listener.socket_ended(self._status, was_open=self._open)

    def _read_frames(self) -> None:
        got, at = self._got, 0
        while len(got) - at >= 2:
            size, begins = got[at + 1], at + 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                size, begins = int.from_bytes(got[begins : begins + wide]), begins + wide
            if len(got) < begins + size:
                break
            self._take(got[at] & 0xF, got[begins : begins + size])
            at = begins + size
        self._got = got[at:]

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == TEXT:
            self._listener.socket_said(payload)
        elif kind == PING and self._transport is not None:
            self._transport.write(frame(PONG, payload))
        elif kind == CLOSE and self._transport is not None:
            self._transport.write(frame(CLOSE, payload[:2]))
            self._transport.close()

    def _look(self) -> None:
        """Send a ping if nothing came; give up if nothing came after the last one."""
        if self._transport is None:
            return
        heard, self._heard = self._heard, False
        if not self._open or (not heard and self._pinged):
            self._transport.abort()
            return
        self._pinged = not heard
        if self._pinged:
            self._transport.write(frame(PING, b""))
        wait_s = self.PING_S / 2 if self._pinged else self.PING_S
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._look)
