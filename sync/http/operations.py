"""The table of HTTP operations: `mount` routes them behind a guard, `sync.http.openapi` describes them.

Each room with routes has a method `operations()`.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web
from pydantic import BaseModel

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


Guard = Callable[[web.Request, Access], Awaitable[None]]


def mount(app: web.Application, operations: Iterable[Operation], guard: Guard) -> None:
    """Route each operation behind `guard`, which raises `Forbidden` or `Unauthenticated` to refuse a caller."""
    for operation in operations:
        handler = _guarded(operation, guard)
        app.router.add_route(operation.method, operation.path, handler, expect_handler=_handle_expect)


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
        return await operation.handler(request)

    return handle
