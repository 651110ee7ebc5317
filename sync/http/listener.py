"""Listens on a socket for an application, so that even what is no HTTP at all is answered as a problem."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from ssl import SSLContext
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from sync.errors import Rejected
from sync.http.problems import problem
from sync.runtime.os_messages import os_reason

IDLE_S = 75.0
"""A connection without a whole request for so long is closed; longer than the proxies before us keep theirs (60 s)."""

log = logging.getLogger(__name__)


@asynccontextmanager
async def serve_http(
    app: web.Application, host: str, port: int, *, goodbye_s: float = 1.0, tls: SSLContext | None = None
) -> AsyncIterator[str]:
    """Listen until the end of the block, then answer what is under way for at most `goodbye_s`.

    Gives the address to call, such as `http://127.0.0.1:8090`; port 0 takes any that is free.

    Raises:
        Rejected: the address cannot be listened on.
    """
    runner = _Runner(app, access_log=None, shutdown_timeout=goodbye_s)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, ssl_context=tls).start()
        except OSError as error:
            raise Rejected(f"cannot listen on {host} port {port}: {os_reason(error)}") from error
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://{f'[{host}]' if ':' in host else host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class _Runner(web.AppRunner):
    """Runs the application behind connections of ours: only there does aiohttp let its own errors be worded."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made.request_handler, request_factory=made.request_factory)


class _Server(web.Server):
    def __call__(self) -> RequestHandler:
        loop = asyncio.get_running_loop()
        return _Connection(
            self,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # None is documented: no log
            keepalive_timeout=IDLE_S,
            auto_decompress=False,  # nobody we know packs what they send: `sync.http.operations` says so
        )


class _Connection(RequestHandler):
    __slots__ = ()

    def log_exception(self, *args: Any, **details: Any) -> None:
        """Log a fault of ours; a body in broken pieces is a stranger's and was answered."""
        if isinstance(details.get("exc_info"), web.RequestPayloadError):
            log.debug("a body came in broken pieces")
        else:
            super().log_exception(*args, **details)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Word an error that happened outside of any operation; the connection is closed after it."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("request=%s %s failed", request.method, request.path, exc_info=exc)
        else:  # a stranger's bytes are not worth a line in the log
            log.debug("peer=%s sent what is not HTTP: %s", request.remote, message)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun; the connection can only be closed")
        title = HTTPStatus(status).phrase
        answer = problem(status, title.lower().replace(" ", "-"), title, HTTPStatus(status).description or title, "")
        answer.force_close()
        return answer
