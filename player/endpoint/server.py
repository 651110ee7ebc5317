"""The HTTP endpoint of the device, a service: listens, checks requests, and serves the page and the operations.

It may fail without any effect on the screen. A port in use or a missing certificate is reported as a problem, and the
endpoint tries again.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import cache, cached_property
from pathlib import Path

from aiohttp import hdrs, web

from player import __version__
from player.endpoint.auth import COOKIE, AccessGuard, check_listening, is_local, tls_context
from player.endpoint.websocket import LiveSocket
from player.settings.configuration import Configuration
from player.status.metrics import PlayerMetrics
from sync.errors import Rejected
from sync.http.bodies import BODY_CAP_BYTES, file_answer
from sync.http.listener import serve_http
from sync.http.listening_socket import ConnectionLimits
from sync.http.openapi import openapi_document
from sync.http.operations import Access, Operation, mount
from sync.http.problems import problem_middleware
from sync.http.request_checks import check_request
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread

PAGE = Path(__file__).with_name("page")

_RETRY_S = 10.0
_LIMITS = ConnectionLimits(most=64, most_of_one=32)  # people and probes; the screen must never lack a descriptor
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    hdrs.X_CONTENT_TYPE_OPTIONS: "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PAGE_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}

log = logging.getLogger(__name__)


class EndpointServer:
    """Serves `operations` on the host and port that the settings had at start."""

    def __init__(
        self,
        configuration: Configuration,
        guard: AccessGuard,
        operations: Iterable[Operation],
        live: LiveSocket,
        metrics: PlayerMetrics,
        clock: Clock,
        report_problem: Callable[[str], None],
    ) -> None:
        self._settings = configuration.settings.endpoint
        self._guard = guard
        openapi = Operation(
            "GET", "/v1/openapi.json", self._openapi, "This document", Access.OPEN, answer="application/json"
        )
        self._operations = (*operations, *live.operations(), *_page_operations(), openapi)
        self._live = live
        self._metrics = metrics
        self._clock = clock
        self._report_problem = report_problem
        configuration.set_check(check_listening)
        self.problem = ""
        self.url = ""

    async def run(self) -> None:
        """Listen until cancelled. If it cannot, `problem` says why, and it tries again."""
        while True:
            try:
                await self._listen()
            except Rejected as error:
                self._failed(error)
            finally:
                self.url = ""
            await self._clock.sleep(_RETRY_S)

    async def _listen(self) -> None:
        settings, tls = self._settings, tls_context(self._settings)
        async with serve_http(self._app(), settings.host, settings.port, limits=_LIMITS, tls=tls) as url:
            self.url = f"{url}/"
            self._report("")
            log.info("endpoint=%s listening", self.url)
            await self._clock.sleep(float("inf"))

    def _failed(self, error: Rejected) -> None:
        reason = f"The endpoint is not available: {error}."
        if reason != self.problem:
            log.error("endpoint=%s:%s not available: %s", self._settings.host, self._settings.port, error)
        self._report(reason)

    def _report(self, problem: str) -> None:
        self.problem = problem
        self._report_problem(problem)

    def _app(self) -> web.Application:
        checks = [self._metrics.operations.measure, problem_middleware, check_request]
        app = web.Application(middlewares=checks, client_max_size=BODY_CAP_BYTES)
        mount(app, self._operations, self._guard.check)
        app.on_response_prepare.append(_add_security_headers)
        app.on_shutdown.append(self._live.close)
        return app

    async def _openapi(self, request: web.Request) -> web.Response:
        body = await in_thread(lambda: self._openapi_document)
        return web.Response(body=body, content_type="application/json")

    @cached_property
    def _openapi_document(self) -> bytes:
        is_open = is_local(self._settings.host)
        document = openapi_document(
            "Signage player", __version__, self._operations, cookie=COOKIE, reads_are_open=is_open
        )
        return json.dumps(document).encode()


def _page_operations() -> Iterable[Operation]:
    for path, (name, media_type) in _PAGE_FILES.items():
        yield Operation(
            "GET",
            path,
            _file(PAGE / name, media_type),
            "The device page",
            Access.OPEN,
            answer=media_type,
            answer_headers=(hdrs.ETAG,),
        )


def _file(path: Path, media_type: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    read = cache(path.read_bytes)

    async def serve(request: web.Request) -> web.StreamResponse:
        return file_answer(read(), f"{media_type}; charset=utf-8")

    return serve


async def _add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers that forbid a browser to guess types, to frame the page, or to send its address to others."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
