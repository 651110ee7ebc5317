"""Serves an application on a socket. Even a request that is not HTTP gets a problem as the answer."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from ssl import SSLContext
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from sync.http.forwarded import TRUSTED_PROXIES
from sync.http.listening_socket import ConnectionLimits, limits_for_descriptors, open_sockets
from sync.http.problems import problem

RESERVED_DESCRIPTORS = 256
"""For files, databases and child processes."""

IDLE_S = 75.0
"""How long a connection without a complete request stays open: longer than common proxies keep theirs (60 s)."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def serve_http(
    app: web.Application,
    host: str,
    port: int,
    *,
    limits: ConnectionLimits | None = None,
    shutdown_s: float = 1.0,
    tls: SSLContext | None = None,
) -> AsyncIterator[str]:
    """Serve until the end of the block, then finish running requests for at most `shutdown_s`.

    Yields the address, such as `http://127.0.0.1:8090`. Port 0 uses any free port. Without `limits` connections may use
    all descriptors of this process but `RESERVED_DESCRIPTORS`.

    Raises:
        Rejected: the address or port cannot be used.
    """
    limits = limits or limits_for_descriptors(RESERVED_DESCRIPTORS)
    runner = _Runner(app, access_log=None, shutdown_timeout=shutdown_s)
    await runner.setup()
    try:
        for listening in open_sockets(host, port, limits, app.get(TRUSTED_PROXIES, ())):
            await web.SockSite(runner, listening, ssl_context=tls).start()
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class _Runner(web.AppRunner):
    """Runs the application with our own connection class: only there can the text of aiohttp's errors be changed."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return _Server(server.request_handler, request_factory=server.request_factory)


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        loop = asyncio.get_running_loop()
        return _Connection(
            self,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # None is documented: no log
            keepalive_timeout=IDLE_S,
            auto_decompress=False,  # compressed bodies are refused in `sync.http.bodies`
        )


class _Connection(RequestHandler):
    __slots__ = ()

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
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request=%s %s failed", request.method, request.path, exc_info=exc)
        else:  # anybody can send wrong bytes: this would fill the log
            log.debug("peer=%s sends bytes that are not HTTP: %s", request.remote, message)
        if request.writer.output_size > 0:
            raise ConnectionError("the response has started; the connection can only be closed")
        title = HTTPStatus(status).phrase
        answer = problem(status, title.lower().replace(" ", "-"), title, HTTPStatus(status).description or title, "")
        answer.force_close()
        return answer
