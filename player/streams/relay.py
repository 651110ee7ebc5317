"""The way to one RTSP or RTMP server: ffmpeg connects to a port of ours, and all bytes pass through here.

So the address is checked where the connection is made, certificates are verified as the settings say (ffmpeg verifies
those of RTSP nowhere), and a redirect of RTSP leads ffmpeg here again, without the password of the server before.
"""

import asyncio
import re
import socket
from asyncio import IncompleteReadError, LimitOverrunError, StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from ssl import SSLError
from urllib.parse import SplitResult, urlsplit

from player.platform.own_addresses import OwnPorts, may_reach
from player.streams.upstream import CONNECT_WITHIN_S, MOST_REDIRECTS, look_up_in_time, own_reason
from sync.device.transfer.connection import Network
from sync.errors import MediaUnplayable, OriginUnreachable
from sync.runtime.os_messages import network_reason
from sync.runtime.waiting import first_of
from sync.wire.stream_url import shown_url

_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443}
_PIECE_BYTES = 64 * 1024
_MOST_CONNECTIONS = 4  # ffmpeg opens one after the other
_LINE_BYTES, _MOST_LINES, _BODY_BYTES = 4096, 100, 1024 * 1024  # of an answer of RTSP
_FRAME = b"$"  # media between the answers (RFC 2326, 10.12)
_STATUS = re.compile(r"RTSP/[0-9.]+ +([0-9]{3})( .*)?")
_REQUEST = re.compile(r"[A-Z_]+ \S+ RTSP/[0-9.]+")  # a server may send those, too
_HEADER = re.compile(r"([A-Za-z0-9-]+)[ \t]*:[ \t]*(.*?)[ \t]*")  # others are left out
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f]")

Refuse = Callable[[str], None]
"""Is told why the stream cannot be reached."""


@asynccontextmanager
async def open_relay(url: str, network: Network, own_ports: OwnPorts, refuse: Refuse) -> AsyncIterator[str]:
    """Yield the address at which ffmpeg reaches the stream at `url` until the end of the block."""
    relay = _Relay(url, network, own_ports, refuse)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0, limit=_PIECE_BYTES)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay.address(urlsplit(url))
    finally:
        server.close()
        await relay.close()


class _Relay:
    def __init__(self, url: str, network: Network, own_ports: OwnPorts, refuse: Refuse) -> None:
        self.port = 0
        self._url = url
        self._network = network
        self._own_ports = own_ports
        self._refuse = refuse
        self._redirects = 0
        self._plays = False  # from then on ffmpeg follows no redirect
        self._running: set[asyncio.Task[None]] = set()

    def address(self, parts: SplitResult) -> str:
        """Return where ffmpeg finds here what is at the address `parts`."""
        login, at, _ = parts.netloc.rpartition("@")
        return parts._replace(
            scheme=parts.scheme.removesuffix("s"), netloc=f"{login}{at}127.0.0.1:{self.port}", fragment=""
        ).geturl()

    async def close(self) -> None:
        """End all connections."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Pass on what a new connection of ffmpeg sends, and what the server answers."""
        if len(self._running) >= _MOST_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._pass_on(reader, writer))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _pass_on(self, reader: StreamReader, writer: StreamWriter) -> None:
        with closing(writer):
            try:
                answers, requests = await self._connect()
            except MediaUnplayable as error:
                self._refuse(str(error))
                return
            both_ways = self._pass_requests(reader, requests), self._pass_answers(answers, writer)
            with closing(requests):
                await first_of(*both_ways)

    async def _connect(self) -> tuple[StreamReader, StreamWriter]:
        """Connect to the server.

        Raises:
            MediaUnplayable: it is on this device, its certificate is not trusted, or there is no way to it.
        """
        url, parts = self._url, urlsplit(self._url)
        port, host = parts.port or _PORTS[parts.scheme], parts.hostname or ""
        failed: Exception = OSError("it has no address")
        try:
            tls = self._network.tls() if parts.scheme.endswith("s") else None
            found = await look_up_in_time(host, port)
            allowed = [(kind, address) for kind, address, _ in found if may_reach(address, port, self._own_ports)]
            if found and not allowed:
                raise MediaUnplayable(own_reason(url))
            for family, address in allowed:
                try:
                    async with asyncio.timeout(CONNECT_WITHIN_S):
                        used = await self._open(family, address, port)
                        return await asyncio.open_connection(
                            sock=used, limit=_PIECE_BYTES, ssl=tls, server_hostname=host if tls else None
                        )
                except (OSError, TimeoutError) as error:
                    failed = error
        except (OSError, TimeoutError) as error:
            failed = error
        except OriginUnreachable as error:  # of the settings
            raise MediaUnplayable(str(error)) from error
        why = self._network.reason(failed, url) if isinstance(failed, SSLError) else network_reason(failed)
        raise MediaUnplayable(f"{shown_url(url)[:200]}: {why}") from failed

    async def _open(self, family: int, address: str, port: int) -> socket.socket:
        with ExitStack() as unless_connected:
            used = unless_connected.enter_context(
                self._network.meter.open(family, host=urlsplit(self._url).hostname or "")
            )
            used.setblocking(False)
            await asyncio.get_running_loop().sock_connect(used, (address, port))
            unless_connected.pop_all()
        return used

    async def _pass_requests(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(_PIECE_BYTES):
                self._plays |= piece.startswith(b"PLAY ")  # ffmpeg sends one request at a time
                writer.write(piece)
                await writer.drain()

    async def _pass_answers(self, reader: StreamReader, writer: StreamWriter) -> None:
        is_rtsp = urlsplit(self._url).scheme.startswith("rtsp")
        try:
            while is_rtsp and not self._plays:
                writer.write(await self._answer(reader))
                await writer.drain()
            while piece := await reader.read(_PIECE_BYTES):
                writer.write(piece)
                await writer.drain()
        except MediaUnplayable as error:
            self._refuse(str(error))
        except (IncompleteReadError, ConnectionError):
            pass  # ffmpeg says what it misses

    async def _answer(self, reader: StreamReader) -> bytes:
        """Return the next message of an RTSP server, written anew, so that ffmpeg reads in it what was read here."""
        first = await reader.readexactly(1)
        if first == _FRAME:
            head = await reader.readexactly(3)
            return first + head + await reader.readexactly(int.from_bytes(head[1:]))
        lines = await self._lines(first, reader)
        if not lines:
            return b"\r\n"
        status = _STATUS.fullmatch(lines[0])
        headers = [header for line in lines[1:] if (header := _HEADER.fullmatch(line))]
        if status is None and _REQUEST.fullmatch(lines[0]) is None:
            raise self._odd("it sends lines that are none of RTSP")
        if status and status[1].startswith("3"):
            location = ("", *_values(headers, "location"))[-1]
            return f"{status[0]}\r\nLocation: {self._redirected(location)}\r\n\r\n".encode("latin-1")
        lengths = set(_values(headers, "content-length"))
        if len(lengths) > 1 or not all(re.fullmatch("[0-9]{1,7}", length) for length in lengths):
            raise self._odd("it does not say how long its answer is")
        size = int(lengths.pop()) if lengths else 0
        if size > _BODY_BYTES:
            raise self._odd(f"its answer has {size} bytes")
        text = "".join(f"{line}\r\n" for line in (lines[0], *(f"{header[1]}: {header[2]}" for header in headers)))
        return text.encode("latin-1") + b"\r\n" + await reader.readexactly(size)

    async def _lines(self, begun: bytes, reader: StreamReader) -> list[str]:
        lines: list[str] = []
        while len(lines) < _MOST_LINES:
            try:
                read = begun if begun == b"\n" else begun + await reader.readuntil(b"\n")
            except LimitOverrunError as error:
                raise self._odd("it sends a line without an end") from error
            line, begun = read.decode("latin-1").rstrip("\n").replace("\r", ""), b""
            if not line:
                return lines
            if len(line) >= _LINE_BYTES or _CONTROL.search(line):
                raise self._odd("it sends lines that are none of RTSP")
            lines.append(line)
        raise self._odd(f"it sends more than {_MOST_LINES} lines")

    def _redirected(self, location: str) -> str:
        """Follow a redirect: the next connection leads there, once its address was checked.

        As browsers do (RFC 7617, 2.2), only the same server gets the password of the address before.
        """
        self._redirects += 1
        if self._redirects > MOST_REDIRECTS:
            raise MediaUnplayable(f"{shown_url(self._url)[:200]} is one redirect too many: more than {MOST_REDIRECTS}")
        try:
            parts = urlsplit(location)
            is_rtsp = parts.scheme in ("rtsp", "rtsps") and bool(parts.hostname) and parts.port != 0
        except ValueError as error:
            raise self._odd("it leads to what is no address") from error
        if not is_rtsp:
            raise self._odd(f"it leads to {shown_url(location)[:200]}, which is not of RTSP")
        before = urlsplit(self._url)
        login, _, server = before.netloc.rpartition("@")
        own, _, leads_to = parts.netloc.rpartition("@")
        if login and not own:  # ffmpeg would go on with the one it has; with an empty one it forgets it
            is_same = (parts.scheme, leads_to) == (before.scheme, server)
            parts = parts._replace(netloc=f"{login if is_same else ':'}@{leads_to}")
        self._url = parts.geturl()
        return self.address(parts)

    def _odd(self, what: str) -> MediaUnplayable:
        return MediaUnplayable(f"{shown_url(self._url)[:200]} cannot be read as RTSP: {what}")


def _values(headers: list[re.Match[str]], name: str) -> list[str]:
    return [header[2] for header in headers if header[1].lower() == name]
