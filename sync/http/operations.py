"""The table of HTTP operations: `mount` routes them behind a guard, `sync.http.openapi` describes them.

Each room with routes has a method `operations()`.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from aiohttp import HttpVersion11, hdrs, web
from pydantic import BaseModel

from sync.http.conditional import conditional
from sync.http.problems import Handler, problem
from sync.roles import Role

IDEMPOTENCY_KEY = "Idempotency-Key"
"""The header by which a repeated request is recognised (draft-ietf-httpapi-idempotency-key-header)."""

OPERATION = web.RequestKey("operation", str)
"""The key under which a request has the `name` of its operation, for metrics."""

log = logging.getLogger(__name__)


class Access(StrEnum):
    """Who may call an operation, where it needs no role."""

    OPEN = "open"
    OPEN_HERE = "open here"  # on this machine; elsewhere like a viewer
    PAIRING = "pairing"  # the secret of the pairing itself
    DEVICE = "device"
    ANY_TOKEN = "known"  # any device or person with a token
    READ = "read"  # the endpoint of a device: its token, from elsewhere than this machine
    WRITE = "write"  # the same: always its token


@dataclass(frozen=True, slots=True)
class InSpaces:
    """A role that is enough in one space: the operation itself heeds in which spaces lie the things it is about."""

    role: Role


Needed = Access | Role | InSpaces
"""What a caller needs: a role for everything, a role in some space, or what `Access` says."""

UNGUARDED = frozenset({Access.OPEN, Access.OPEN_HERE, Access.PAIRING})
"""What a guard lets through: these operations check for themselves whether somebody may call them."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its route, who can call it, and what it takes and answers.

    `access` is the least role that it needs, or who may call it besides people. A role in one space alone is refused
    unless it is `InSpaces`.
    `body` and `answer` are models, or the media type of bytes; `other_types` can be answered instead. `also` are
    statuses beside `status` that are no problems. `headers` are those that it reads, `needed_headers` those that it
    refuses to go without, `answer_headers` those that it sends; all beside the common ones.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    access: Needed
    body: type[BaseModel] | str | None = None
    answer: type[BaseModel] | str | None = None
    status: int = 200
    query: type[BaseModel] | None = None
    headers: tuple[str, ...] = ()
    needed_headers: tuple[str, ...] = ()
    answer_headers: tuple[str, ...] = ()
    other_types: tuple[str, ...] = ()
    also: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """A short label for metrics, such as `GET /v1/media/{id}`."""
        return f"{self.method} {self.path}"

    @property
    def statuses(self) -> tuple[int, ...]:
        """The statuses of its answers that are no problems."""
        return (self.status, *self.also)

    @property
    def takes_idempotency_key(self) -> bool:
        """Whether it is a change by people that may be sent again: an upload has offsets for that."""
        is_change = self.method not in (hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS)
        return is_change and isinstance(self.access, Role | InSpaces) and "Tus-Resumable" not in self.needed_headers

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that it answers: HEAD beside GET, but for a WebSocket."""
        is_read = self.method == hdrs.METH_GET and self.status != HTTPStatus.SWITCHING_PROTOCOLS
        return (self.method, hdrs.METH_HEAD) if is_read else (self.method,)


Guard = Callable[[web.Request, Needed], Awaitable[None]]

Around = Callable[[web.Request, Operation], Awaitable[web.StreamResponse]]
"""Has an operation answer a request that the guard let through, or answers in its place."""


async def _answer(request: web.Request, operation: Operation) -> web.StreamResponse:
    return await operation.handler(request)


def mount(app: web.Application, operations: Iterable[Operation], guard: Guard, around: Around = _answer) -> None:
    """Route each operation behind `guard`, which raises `Forbidden` or `Unauthenticated` to refuse a caller.

    `around` is what has the others answer.

    What answers GET answers HEAD too. Each address tells its own methods, also where others match it as well. An
    answer that does not say how long it may be kept is not kept.
    """
    by_path: dict[str, list[Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, []).append(operation)
    for path, own in by_path.items():
        resource = app.router.add_resource(path)
        for operation in own:
            handler = _guarded(operation, guard, around)
            for method in operation.methods:
                resource.add_route(method, handler, expect_handler=_handle_expect)
        resource.add_route(hdrs.METH_ANY, _other_method(own))
    app.on_response_prepare.append(_keep_nowhere)


def _other_method(operations: Iterable[Operation]) -> Handler:
    known = {method for operation in operations for method in operation.methods}

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, known)

    return refuse


async def _keep_nowhere(request: web.Request, response: web.StreamResponse) -> None:
    """Have caches keep nothing but what says that it may be kept: answers depend on who asks and when."""
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


async def _handle_expect(request: web.Request) -> web.StreamResponse | None:
    """Answer an `Expect` header: continue, or a problem where aiohttp would answer with plain text."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        return problem(417, "expectation-failed", "Expectation failed", "only 100-continue is supported", request.path)
    if request.version < HttpVersion11:
        return None  # it knows no 100, and would take that for the answer
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the response itself has not started
    return None


def _guarded(operation: Operation, guard: Guard, around: Around) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        request[OPERATION] = operation.name
        await guard(request, operation.access)
        answer = await around(request, operation)
        return conditional(request, answer) if operation.method == hdrs.METH_GET else answer

    return handle
