"""The table of HTTP operations: `mount` routes them behind a guard, `sync.http.openapi` describes them.

Each room with routes has a method `operations()`.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from aiohttp import hdrs, web
from pydantic import BaseModel

from sync.http.conditional import conditional
from sync.http.problems import Handler, problem

OPERATION = web.RequestKey("operation", str)
"""The key under which a request has the `name` of its operation, for metrics."""

log = logging.getLogger(__name__)


class Access(StrEnum):
    """Who may call an operation."""

    OPEN = "open"
    DEVICE = "device"
    ANY_TOKEN = "known"  # any device or person with a token
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its route, who can call it, and the models of its body and answer.

    `body`, `answer` and `query` are models. `headers` names the headers that it reads beside the common ones.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    access: Access
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    query: type[BaseModel] | None = None
    headers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A short label for metrics, such as `GET /v1/media/{id}`."""
        return f"{self.method} {self.path}"

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that it answers: HEAD beside GET, but for a WebSocket."""
        is_read = self.method == hdrs.METH_GET and self.status != HTTPStatus.SWITCHING_PROTOCOLS
        return (self.method, hdrs.METH_HEAD) if is_read else (self.method,)


Guard = Callable[[web.Request, Access], Awaitable[None]]


def mount(app: web.Application, operations: Iterable[Operation], guard: Guard) -> None:
    """Route each operation behind `guard`, which raises `Forbidden` or `Unauthenticated` to refuse a caller.

    What answers GET answers HEAD too. An answer that does not say how long it may be kept is not kept.
    """
    resources: dict[str, web.Resource] = {}
    for operation in operations:
        if operation.path not in resources:
            resources[operation.path] = app.router.add_resource(operation.path)
        handler = _guarded(operation, guard)
        for method in operation.methods:
            resources[operation.path].add_route(method, handler, expect_handler=_handle_expect)
    app.on_response_prepare.append(_keep_nowhere)


async def _keep_nowhere(request: web.Request, response: web.StreamResponse) -> None:
    """Have caches keep nothing but what says that it may be kept: answers depend on who asks and when."""
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


async def _handle_expect(request: web.Request) -> web.StreamResponse | None:
    """Answer an `Expect` header: continue, or a problem where aiohttp would answer with plain text."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        return problem(417, "expectation-failed", "Expectation failed", "only 100-continue is supported", request.path)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the response itself has not started
    return None


def _guarded(operation: Operation, guard: Guard) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        request[OPERATION] = operation.name
        await guard(request, operation.access)
        answer = await operation.handler(request)
        return conditional(request, answer) if operation.method == hdrs.METH_GET else answer

    return handle
