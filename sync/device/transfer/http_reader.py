"""Reads over HTTP/1.1 into memory of the caller, with a deadline for each step; one kept connection at a time.

A thread that reads, hashes and writes this way needs less than a quarter of the CPU of asyncio streams and less than
libcurl, whose callbacks copy (`docs/decisions/sync-sockets-instead-of-libcurl.md`). Only what content needs is here:
GET, and bodies of a stated length. Documents come by aiohttp, over the connections of `PiecewiseConnector`.
"""

import asyncio
import contextlib
import functools
import math
import re
import select
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
from aiohttp.client_proto import ResponseHandler

from sync.device.transfer.connection import HEAD_CAP_BYTES, Network, Proxy, proxy_refusal
from sync.device.transfer.deadlines_and_rates import Deadline, Deadlines
from sync.errors import OriginUnreachable
from sync.runtime.os_messages import is_offline
from sync.runtime.threads import Turn

LONGEST_RETRY_AFTER_S = 3600.0
PARSED_BYTES = 4 * 1024
"""How much of what comes for documents is parsed before the event loop turns to others."""

_PIECE_BYTES = 4096
_DRAINED_BYTES = 64 * 1024  # of a body that nobody wants; a longer one costs the connection
_STATUS = re.compile(rb"HTTP/1\.([01]) (\d{3})(?![^ \r\n])")
_PROXY_LOGIN = 407
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_URL_LETTERS = "%/:=&?~#+!$,;'@()*[]"

Given = TypeVar("Given")
Result = TypeVar("Result")


class NotReached(OriginUnreachable):
    """No connection to the server: the line or the server is at fault, not what was asked for."""


@dataclass(frozen=True, slots=True)
class Head:
    """The status and the headers of an answer, by their names in lower case; `length` is None if it is not stated."""

    status: int
    headers: Mapping[str, str]
    length: int | None


class HttpReader:
    """One connection, which is opened when it is needed. Only `interrupt` may be called from another thread."""

    def __init__(self, network: Network, deadlines: Deadlines, turn: Turn | None = None) -> None:
        self._network = network
        self._deadlines = deadlines
        self._turn = turn or Turn()
        self._place = ("", "")  # scheme and host of the connection
        self._folder = ""  # the address of the folder that was asked last
        self._before = self._fields = ""  # what was sent for it, before and after the name in that folder
        self._proxy: Proxy | None = None  # through which it goes
        self._socket: socket.socket | None = None
        self._poll = select.poll()  # of the socket
        self._rest = b""  # of what was read with the head
        self._left = 0  # bytes of the present body that were not read yet
        self._keeps = False  # whether the server keeps the connection after this body
        self.interrupted = False

    def get(self, url: str, headers: Mapping[str, str]) -> Head:
        """Send a request and return the head of the answer.

        Raises:
            NotReached: there is no connection.
            OriginUnreachable: no answer, or none of HTTP.
        """
        folder, _, name = url.rpartition("/")
        plain = name.isascii() and name.isalnum()
        known = plain and folder == self._folder and self._is_quiet()
        reused = known or self._connect(url)
        if not known:  # most often one asset of a folder is asked for after the other
            target, self._fields = _request(url, self._proxy)
            name = name if plain and target.endswith(name) else ""
            self._folder, self._before = folder if name else "", target.removesuffix(name)
        more = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        try:
            head = self._exchange(url, f"GET {self._before}{name}{self._fields}{more}\r\n".encode())
        except ConnectionError as error:
            self.close()
            if not reused:
                raise self._fault(url, error) from error
            return self.get(url, headers)  # the server had closed an idle connection
        except OSError as error:
            self.close()
            raise self._fault(url, error) from error
        if self._proxy is not None and head.status == _PROXY_LOGIN:
            self.close()
            raise NotReached(f"{url} does not answer: {proxy_refusal(self._proxy, head.status)}")
        return head

    def read_into(self, view: memoryview) -> int:
        """Read a piece of the body; return its length, 0 at the end.

        Raises:
            OSError: the connection broke, or was silent for too long.
        """
        if self._left == 0:
            return 0
        if self._rest:
            count = min(len(self._rest), len(view), self._left)
            view[:count] = self._rest[:count]
            self._rest = self._rest[count:]
        else:
            assert self._socket is not None
            try:
                count = self._step(self._socket.recv_into, view[: self._left])
            except ssl.SSLError as error:  # the session was there before, so it is not that of TLS that is missing
                raise ConnectionResetError from error
            if count == 0:
                raise ConnectionResetError
        self._left -= count
        return count

    def end(self) -> None:
        """End with the present answer: keep the connection if it can be used again."""
        view = memoryview(bytearray(min(self._left, _DRAINED_BYTES)))
        try:
            while self._keeps and 0 < self._left <= _DRAINED_BYTES:
                self.read_into(view)
        except OSError:
            self.close()
        if self._left or self._rest or not self._keeps:
            self.close()

    def close(self) -> None:
        """Close the connection."""
        self._turn.leave()
        connection, self._socket, self._left, self._rest = self._socket, None, 0, b""
        if connection is not None:
            self._network.meter.close(connection)

    def interrupt(self) -> None:
        """Wake the thread that reads, which gets an error, now and at its next step."""
        self.interrupted = True
        connection = self._socket
        if connection is not None:
            # Of the plain socket: that of TLS would end the session while the other thread reads.
            with contextlib.suppress(OSError):  # closed already
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def resume(self) -> None:
        """Work again after an interruption."""
        self.interrupted = False

    def _connect(self, url: str) -> bool:
        """Connect if there is no connection to this place; return whether there was one."""
        address = urlsplit(url)
        place = (address.scheme, address.netloc)
        if self._place == place and self._is_quiet():
            return True
        self.close()
        if self.interrupted:
            raise OriginUnreachable(f"{url}: stopped")
        try:
            self._proxy = self._network.proxy(url)
            self._socket = self._network.connect(url, self._deadlines.connect_s)
        except OSError as error:
            reason = self._network.reason(error, url)
            raise NotReached(f"{url} does not answer: {reason}", offline=is_offline(error)) from error
        self._socket.settimeout(0)  # from now on `_step` waits
        self._place, self._poll = place, select.poll()
        self._poll.register(self._socket, select.POLLIN)
        return False

    def _is_quiet(self) -> bool:
        """Return whether the connection is idle: nothing came unasked, and the other side has not closed it."""
        return self._socket is not None and not self._poll.poll(0)

    def _exchange(self, url: str, request: bytes) -> Head:
        assert self._socket is not None
        deadline = Deadline(self._deadlines.head_s)
        while request:
            request = request[self._step(self._socket.send, request, deadline, select.POLLOUT) :]
        received, total = b"", 0
        while True:
            found = _END_OF_HEAD.search(received)
            if found is None:
                if total > HEAD_CAP_BYTES:
                    raise OriginUnreachable(f"{url}: its headers do not end")
                piece = self._step(self._socket.recv, _PIECE_BYTES, deadline, wait=not total)
                if not piece:
                    raise ConnectionResetError
                received, total = received + piece, total + len(piece)
                continue
            head, keeps = _parse(url, received[: found.start()])
            received = received[found.end() :]
            if head.status >= 200:
                break
        self._rest, self._left, self._keeps = received, head.length or 0, keeps and head.length is not None
        return head

    def _step(
        self,
        step: Callable[[Given], Result],
        given: Given,
        deadline: Deadline | None = None,
        events: int = select.POLLIN,
        *,
        wait: bool = False,
    ) -> Result:
        """Take a step of the socket when it can be taken; `wait`: that is not at once.

        Raises:
            OSError: the connection broke, or the deadline is over; without one, after `silence_s`.
        """
        assert self._socket is not None
        while True:
            if wait:
                deadline = deadline or Deadline(self._deadlines.silence_s)
                left_ms = math.ceil(1000 * deadline.left_s())
                self._poll.modify(self._socket, events)
                self._turn.leave()
                self._poll.poll(left_ms)
                self._turn.take()
            try:
                return step(given)
            except ssl.SSLWantReadError:
                events = select.POLLIN
            except ssl.SSLWantWriteError:
                events = select.POLLOUT
            except BlockingIOError:
                pass
            wait = True

    def _fault(self, url: str, error: OSError) -> OriginUnreachable:
        return OriginUnreachable(f"{url} does not answer: {self._network.reason(error, url)}")


def _request(url: str, proxy: Proxy | None) -> tuple[str, str]:
    """Return what to ask for, and the rest of the first line with the headers that every request has."""
    address = urlsplit(url)
    target = address._replace(fragment="")
    if proxy is None or address.scheme == "https":  # an HTTP proxy is told the whole address
        target = target._replace(scheme="", netloc="")
    fields = {"Host": address.netloc.rpartition("@")[2], "Accept-Encoding": "identity"}
    if proxy is not None and address.scheme == "http":
        fields |= proxy.headers
    lines = [" HTTP/1.1", *(f"{key}: {value}" for key, value in fields.items()), ""]
    return quote(target.geturl() or "/", _URL_LETTERS), "\r\n".join(lines)


def _parse(url: str, raw: bytes) -> tuple[Head, bool]:
    """Return a head, and whether the connection can be used after its body."""
    status = _STATUS.match(raw)
    if status is None:
        raise OriginUnreachable(f"{url} does not answer: what it sends is not HTTP")
    headers: dict[str, str] = {}
    for line in raw.decode("latin-1").split("\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.rstrip(" \t").lower(), value.strip(" \t\r"))  # the first one of a name counts
    code, length = int(status[2]), headers.get("content-length", "")
    if code in (204, 304) or code < 200:
        length = "0"
    stated = int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else None
    if "transfer-encoding" in headers:
        stated = None
    keeps = status[1] == b"1" and "close" not in headers.get("connection", "").lower()
    return Head(code, headers, stated), keeps


def retry_after_s(value: str, date: str) -> float | None:
    """Return the wait of a `Retry-After` header, at most an hour; a date is compared with the header `Date`."""
    if value.isdecimal():
        return min(float(value), LONGEST_RETRY_AFTER_S)
    try:
        until, since = parsedate_to_datetime(value), parsedate_to_datetime(date)
        return min(max(0.0, (until - since).total_seconds()), LONGEST_RETRY_AFTER_S)
    except (ValueError, TypeError):  # no date, or only one of both has a time zone
        return None


class PiecewiseConnector(aiohttp.TCPConnector):
    """Connections of the event loop, on which no server holds it: each piece that comes is parsed by itself.

    Thousands of tiny chunks or of answers that nobody asked for fit into what one read of a socket brings, 256 KiB.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory: Any = functools.partial(_PiecewiseHandler, loop=self._loop)


class _PiecewiseHandler(ResponseHandler):
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._unparsed, self._parsed = b"", 0  # what came, and how much of it is parsed
        self._turn: asyncio.Handle | None = None  # of the next piece
        self._parsing = False
        self._lost: tuple[BaseException | None] | None = None  # why, once all is parsed

    @property
    def should_close(self) -> bool:
        """Whether no other request can use the connection: something came that nobody asked for."""
        return bool(self._unparsed) or super().should_close

    def data_received(self, data: bytes) -> None:
        """Parse the first piece now, the others in later turns of the event loop."""
        if not data:
            return super().data_received(data)  # the parser goes on with what it has
        if self._parsing:  # what follows an upgrade in this piece: it is older than what waits
            self._unparsed, self._parsed = data + self._unparsed[self._parsed :], 0
            return None
        self._unparsed, self._parsed = self._unparsed[self._parsed :] + data, 0
        if self._turn is None:
            self._parse()

    def _drain_tail(self) -> None:
        """Have what came together with the head of an upgrade parsed first."""
        self._unparsed, self._parsed, self._tail = self._tail + self._unparsed[self._parsed :], 0, b""
        super()._drain_tail()
        self._plan()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on: who reads the body has room again."""
        super().resume_reading(resume_parser)
        self._plan()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell that the connection is lost, after what came before."""
        if self._unparsed and self.transport is not None:
            self._lost = (exc,)
        else:
            super().connection_lost(exc)

    def close(self) -> None:
        """Close the connection; nobody waits for what came."""
        super().close()
        self._forget()

    def abort(self) -> None:
        """Close the connection at once."""
        super().abort()
        self._forget()

    def _forget(self) -> None:
        lost, self._unparsed, self._parsed, self._lost = self._lost, b"", 0, None
        if lost is not None:
            super().connection_lost(*lost)

    def _parse(self) -> None:
        self._turn = None
        if self._reading_paused or self._buffer_paused:
            return
        begin, self._parsed = self._parsed, self._parsed + PARSED_BYTES
        piece = self._unparsed[begin : self._parsed]
        if self._parsed >= len(self._unparsed):
            self._unparsed, self._parsed = b"", 0
        self._parsing = True
        super().data_received(piece)
        self._parsing = False
        if self.exception() is not None:  # it is no HTTP, and the rest is not either
            self._unparsed, self._parsed = b"", 0
            if self._payload is not None:  # aiohttp leaves who reads the body waiting for ever
                self._payload.set_exception(aiohttp.ClientPayloadError())
        if self._unparsed:
            self._plan()
        elif self._lost is not None:
            self._forget()
        elif not (self._reading_paused or self._buffer_paused):
            self._resume_transport_reading()

    def _plan(self) -> None:
        if self._unparsed and self._turn is None and not (self._reading_paused or self._buffer_paused):
            self._pause_transport_reading()
            self._turn = self._loop.call_soon(self._parse)
