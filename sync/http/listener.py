"""Serves an application on a socket. Even a request that is not HTTP gets a problem as the answer."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from itertools import count
from typing import Any

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestHandler

from sync.http.forwarded import TRUSTED_PROXIES, client_of
from sync.http.listening_socket import (
    TOO_MANY,
    Connection,
    ConnectionLimits,
    Connections,
    Holder,
    HolderKind,
    ListeningSocket,
    WorkLimit,
    limits_for_descriptors,
    open_sockets,
)
from sync.http.problems import problem, problem_middleware
from sync.http.shortage import SHORTAGE
from sync.runtime.clock import SystemClock
from sync.runtime.os_messages import os_reason

RESERVED_DESCRIPTORS = 256
"""For databases and child processes."""

IDLE_S = 75.0
"""How long a connection without a complete request stays open: longer than common proxies keep theirs (60 s)."""

STALLED_S = 60.0
"""How long the other side may take nothing of an answer."""

LINGER_S = 2.0
"""How long a connection whose bytes are not HTTP stays open, so that the other side can read why."""

_MOST_EARLY_BYTES = 1024  # after a request for a WebSocket, before it is open

_MOST_UNREAD_BYTES = 1024 * 1024  # read and dropped meanwhile

PAUSE_S = 1.0
"""How long no connection is accepted after the system had no descriptor for one."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def serve_http(
    app: web.Application,
    host: str,
    port: int,
    *,
    limits: ConnectionLimits | None = None,
    shutdown_s: float = 1.0,
    stalled_s: float | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    """Serve until the end of the block, then finish running requests for at most `shutdown_s`.

    Yields the address, such as `http://127.0.0.1:8090`. Port 0 uses any free port. Without `limits` connections may use
    all descriptors of this process but `RESERVED_DESCRIPTORS`. `stalled_s` replaces `STALLED_S`.

    Raises:
        Rejected: the address or port cannot be used.
    """
    limits = limits or limits_for_descriptors(RESERVED_DESCRIPTORS)
    connections = Connections(limits, app.get(TRUSTED_PROXIES, ()))
    if _answer_begins not in app.on_response_prepare:  # an application may be served at several addresses
        app.on_response_prepare.append(_answer_begins)
    runner = _Runner(app, connections, access_log=None, shutdown_timeout=shutdown_s)
    await runner.setup()
    acceptor = _Acceptor(runner, tls, limits.accepted_at_once)
    try:
        for listening in open_sockets(host, port, connections, stalled_s or STALLED_S):
            acceptor.start(listening)
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://{f'[{host}]' if ':' in host else host}:{acceptor.port}"
    finally:
        await acceptor.stop()
        await runner.cleanup()


def hold_by_token(request: web.Request, token: str) -> None:
    """Count the connection of a request for a valid token, not for its address; `token` is its hash."""
    if isinstance(request.protocol, _Protocol):
        request.protocol.connection.hand_over(Holder(HolderKind.TOKEN, token))


def end_work(request: web.BaseRequest) -> None:
    """Let another request of the same client be worked on: this one waits for its body, or its answer begins."""
    if isinstance(request.protocol, _Protocol):
        request.protocol.work.end(request.protocol.connection)


async def begin_work(request: web.BaseRequest) -> None:
    """Go on with a request whose body has come, as soon as its client may have one more worked on."""
    if isinstance(request.protocol, _Protocol):
        await request.protocol.work.begin(request.protocol.connection)


class _Acceptor:
    """Accepts connections, some in a turn of the event loop. When the system has no descriptor for one it pauses."""

    def __init__(self, runner: "_Runner", tls: ssl.SSLContext | None, at_once: int) -> None:
        self._runner = runner
        self._at_once = at_once
        self._clock = SystemClock()
        self._tls = tls
        self._listening: list[ListeningSocket] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        return int(self._listening[0].getsockname()[1])

    def start(self, listening: ListeningSocket) -> None:
        self._listening.append(listening)
        self._begin(self._accept_all(listening), listening)

    async def stop(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None], used: socket.socket) -> None:
        """Run `work`; a socket whose work was cancelled is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda ended: used.close() if ended.cancelled() else None)

    async def _accept_all(self, listening: ListeningSocket) -> None:
        loop = asyncio.get_running_loop()
        for number in count(1):
            try:
                connection, _ = await loop.sock_accept(listening)
            except ConnectionAbortedError:  # it was gone before it was accepted
                continue
            except OSError as error:
                if not SHORTAGE.is_cause(error):
                    log.debug("a connection cannot be accepted: %s", os_reason(error))
                await self._clock.sleep(PAUSE_S)
                continue
            assert isinstance(connection, Connection)  # of a `ListeningSocket`
            self._begin(self._connect(connection), connection)
            if number % self._at_once == 0:
                await self._clock.sleep(0)  # other work, too

    async def _connect(self, connection: Connection) -> None:
        loop, protocol = asyncio.get_running_loop(), partial(self._runner.protocol, connection)
        try:
            await loop.connect_accepted_socket(protocol, connection, ssl=self._tls)
        except OSError as error:
            log.debug("a connection ended before its first request: %s", os_reason(error))


async def _answer_begins(request: web.Request, answer: web.StreamResponse) -> None:
    protocol = request.protocol
    if not isinstance(protocol, _Protocol):
        return
    protocol.work.end(protocol.connection)
    if answer.status == HTTPStatus.SWITCHING_PROTOCOLS:
        protocol.connections.begin_socket(protocol.connection)
    elif protocol.connections.are_scarce:
        answer.force_close()
        answer.headers[hdrs.CONNECTION] = "close"


class _Runner(web.AppRunner):
    """Runs the application with our own connection class: only there can the text of aiohttp's errors be changed."""

    def __init__(self, app: web.Application, connections: Connections, **options: Any) -> None:
        super().__init__(app, **options)
        self._connections = connections
        self.work = WorkLimit()

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        self._handler = server.request_handler
        return web.Server(self._answer, request_factory=server.request_factory)

    def protocol(self, connection: Connection) -> RequestHandler:
        """Return what speaks HTTP on a connection."""
        assert self.server is not None  # after setup
        return _Protocol(
            self.server,
            connection,
            self._connections,
            self.work,
            loop=asyncio.get_running_loop(),
            access_log=None,
            keepalive_timeout=IDLE_S,
            auto_decompress=False,  # compressed bodies are refused in `sync.http.bodies`
        )

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request. One that comes through a trusted proxy counts for its client meanwhile."""
        assert isinstance(request, web.Request) and isinstance(request.protocol, _Protocol)
        connection = request.protocol.connection
        is_passed_on = connection.holder.kind is HolderKind.PROXY and "X-Forwarded-For" in request.headers
        proxy = connection.holder if is_passed_on else None
        connection.request = request
        try:
            if proxy is not None and not connection.hand_over(
                self._connections.holder_of(client_of(request, self.app))
            ):
                return _too_many(request)
            if hdrs.UPGRADE in request.headers and not self._connections.have_room_for_socket():
                return _too_many(request)
            await self.work.begin(connection)
            return await problem_middleware(request, self._handler)
        finally:
            self.work.end(connection)
            self._connections.end_socket(connection)
            connection.request = None
            if proxy is not None:
                connection.hand_over(proxy)


def _too_many(request: web.Request) -> web.Response:
    answer = problem(503, "service-unavailable", "Service Unavailable", TOO_MANY, request.path)
    answer.headers["Retry-After"] = "5"
    return answer


class _Protocol(RequestHandler):
    __slots__ = ("_ended", "_unread_bytes", "connection", "connections", "work")

    def __init__(
        self, server: web.Server, connection: Connection, connections: Connections, work: WorkLimit, **options: Any
    ) -> None:
        super().__init__(server, **options)
        self.connection = connection
        self.connections = connections
        self.work = work
        self._ended = asyncio.Event()
        self._unread_bytes = 0  # that may still come after bytes that are not HTTP; 0 before

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note that the other side has gone."""
        self._ended.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what comes; what follows bytes that are not HTTP is dropped.

        Who asks for a WebSocket sends nothing more before the answer (RFC 6455, 4.1): it would all be read at once.
        """
        if self._unread_bytes > 0:
            self._unread_bytes -= len(data)
            if self._unread_bytes <= 0:
                self._ended.set()
            return
        super().data_received(data)
        if self._upgraded and self._payload_parser is None and len(self._message_tail) > _MOST_EARLY_BYTES:
            log.debug("a WebSocket sends before it is open")
            self.force_close()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer. After one to bytes that are not HTTP, read on for a while.

        Bytes that nobody read would make the kernel reset the connection, and the other side lose the answer (RFC 9112,
        9.6).
        """
        finished = await super().finish_response(request, resp, start_time)
        if self._unread_bytes > 0 and self.transport is not None and self.transport.can_write_eof():
            self.transport.write_eof()
            self.transport.resume_reading()
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    await self._ended.wait()
        return finished

    def log_exception(self, *args: Any, **details: Any) -> None:
        """Log a fault of this program; a body that is not valid HTTP is a fault of the caller."""
        if isinstance(details.get("exc_info"), web.RequestPayloadError):
            log.debug("a body is not valid HTTP")
        else:
            super().log_exception(*args, **details)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer an error that happened outside of any operation with a problem; close the connection after it."""
        if isinstance(exc, ConnectionError):  # nobody is there any more
            raise exc
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request=%s %s failed", request.method, request.path, exc_info=exc)
        else:  # anybody can send wrong bytes: this would fill the log
            log.debug("peer=%s sends bytes that are not HTTP: %s", request.remote, message)
        if request.writer.output_size > 0:
            raise ConnectionError("the response has started; the connection can only be closed")
        title = HTTPStatus(status).phrase
        answer = problem(status, title.lower().replace(" ", "-"), title, HTTPStatus(status).description or title, "")
        answer.force_close()
        self._unread_bytes = _MOST_UNREAD_BYTES
        return answer
