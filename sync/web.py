"""What both HTTP sides share: operations as a table, problems as the one error format, bodies parsed and bounded.

A room that serves HTTP offers `operations()`; `mount` routes them behind a guard, and `sync.openapi` describes them
from the same table. Errors raised by stores and engines become RFC 9457 problems here and nowhere else.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError

from sync import (
    Conflict,
    Forbidden,
    NotFound,
    Rejected,
    SignageError,
    StaleVersion,
    StorageBroken,
    StorageFull,
    TooLarge,
    Unauthenticated,
    Unsupported,
)
from sync.wire import rejected

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Model = TypeVar("Model", bound=BaseModel)

BODY_CAP_BYTES = 1024 * 1024
SILENCE_S = 30.0
"""A body of which nothing more comes for so long is given up: its line is dead, and a retry must not find it busy."""
WHOLE_BODY_S = 120.0
"""A document takes no longer than this to arrive, whoever sends it byte by byte."""
PROBLEM_TYPE = "application/problem+json"
OPERATION = web.RequestKey("operation", str)
"""On a request: the `name` of the operation it became, for metrics."""

log = logging.getLogger(__name__)


class Access(StrEnum):
    """Who may call an operation."""

    OPEN = "open"
    DEVICE = "device"
    KNOWN = "known"  # any device or person with a token
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a caller can do: its route, who may, and the models that go in and come out.

    `asks` is the model of its query, `headers` names those it reads beside what all do.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    access: Access
    takes: type[BaseModel] | None = None
    gives: type[BaseModel] | None = None
    status: int = 200
    asks: type[BaseModel] | None = None
    headers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return a short label for metrics, such as `GET /v1/media/{id}`."""
        return f"{self.method} {self.path}"


Guard = Callable[[web.Request, Access], Awaitable[None]]

_STATUSES: tuple[tuple[type[SignageError], int], ...] = (  # first match wins: narrow before wide
    (NotFound, 404),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (Conflict, 409),
    (StaleVersion, 412),
    (TooLarge, 413),
    (Unsupported, 415),
    (Rejected, 422),
    (StorageFull, 507),
    (StorageBroken, 503),
)


def mount(app: web.Application, operations: Iterable[Operation], guard: Guard) -> None:
    """Route each operation behind `guard`, which raises `Forbidden` or `Unauthenticated` to refuse a caller."""
    for operation in operations:
        handler = _guarded(operation, guard)
        app.router.add_route(operation.method, operation.path, handler, expect_handler=_expected)


async def _expected(request: web.Request) -> web.StreamResponse | None:
    """Answer an `Expect` header: go on, or a problem where aiohttp would answer plain text."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        return problem(417, "expectation-failed", "Expectation failed", "only 100-continue is known", request.path)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # the answer itself has not begun
    return None


def _guarded(operation: Operation, guard: Guard) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        request[OPERATION] = operation.name
        await guard(request, operation.access)
        return await operation.handler(request)

    return handle


def problem(status: int, kind: str, title: str, detail: str, instance: str, **members: Any) -> web.Response:
    """Return an RFC 9457 problem; `members` are its extra named fields."""
    document = {"type": f"urn:signage:problem:{kind}", "title": title, "status": status, "detail": detail}
    return web.json_response({**document, "instance": instance, **members}, status=status, content_type=PROBLEM_TYPE)


def problem_of(error: SignageError, instance: str) -> web.Response:
    """Return the problem an error of ours is to its caller."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    members: dict[str, Any] = {}
    if isinstance(error, Rejected) and error.fields:
        members["fields"] = error.fields
    if isinstance(error, Conflict) and error.users:
        members["users"] = list(error.users)
    if isinstance(error, StaleVersion):
        members["current"] = error.current
    kind, title = _words(type(error).__name__)
    return problem(status, kind, title, str(error), instance, **members)


def _words(name: str) -> tuple[str, str]:
    parts = "".join(f" {c.lower()}" if c.isupper() else c for c in name).split()
    return "-".join(parts), " ".join(parts).capitalize()


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into problems; one we did not foresee is logged whole and answered without its inside."""
    try:
        return await handler(request)
    except SignageError as error:
        return problem_of(error, request.path)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = problem(error.status, _kind(error.reason), error.reason, _advice(error), request.path)
        answer.headers.update({k: v for k, v in error.headers.items() if k.lower() in ("allow", "retry-after")})
        return answer
    except (ConnectionError, TimeoutError):
        raise
    except Exception:
        log.exception("request=%s %s failed", request.method, request.path)
        return problem(500, "internal", "Internal error", "This is our fault; the log has it.", request.path)


def _advice(error: web.HTTPException) -> str:
    """Return what to do about an error of routing, where aiohttp only repeats its name."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"{error.method} is not for this address; it takes {', '.join(sorted(error.allowed_methods))}"
    if error.text == f"{error.status}: {error.reason}":
        return "there is nothing at this address; /v1/openapi.json lists what there is"
    return error.text or error.reason


def _kind(reason: str) -> str:
    return reason.lower().replace(" ", "-")


async def read_json(request: web.Request, model: type[Model], *, cap_bytes: int = BODY_CAP_BYTES) -> Model:
    """Parse a JSON body into a model.

    Raises:
        TooLarge: over `cap_bytes`, judged before parsing.
        Rejected: not JSON, or not the model; `fields` names each wrong one.
    """
    raw = await read_body(request, cap_bytes)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise rejected(error) from error


def read_query(request: web.Request, model: type[Model]) -> Model:
    """Parse the query of an address into a model.

    Raises:
        Rejected: it is not the model; `fields` names each wrong one.
    """
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise rejected(error) from error


async def read_body(request: web.Request, cap_bytes: int) -> bytes:
    """Return the whole body, never holding more than `cap_bytes` of it.

    Raises:
        TooLarge: the body is longer, by its header or in fact.
    """
    if (request.content_length or 0) > cap_bytes:
        raise TooLarge(f"a body of {request.content_length} bytes is over the limit of {cap_bytes}")
    parts = bytearray()
    try:
        async with asyncio.timeout(WHOLE_BODY_S):
            async for piece in body_pieces(request, 64 * 1024):
                parts += piece
                if len(parts) > cap_bytes:
                    raise TooLarge(f"the body is over the limit of {cap_bytes} bytes")
    except TimeoutError as error:
        raise _too_slow(WHOLE_BODY_S) from error
    return bytes(parts)


async def body_pieces(request: web.Request, most_bytes: int) -> AsyncIterator[bytes]:
    """Yield the body as it comes, at most `most_bytes` at once.

    Raises:
        Unsupported: it is packed.
        HTTPRequestTimeout: nothing came for `SILENCE_S`; the answer is a problem of status 408.
        HTTPBadRequest: its pieces are not what HTTP says they should be.
    """
    packed = request.headers.get(hdrs.CONTENT_ENCODING, "identity")
    if packed.lower() != "identity":
        raise Unsupported(f"a body is sent as it is, not with Content-Encoding: {packed}")
    pieces = aiter(request.content.iter_chunked(most_bytes))
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                piece = await anext(pieces, None)
        except TimeoutError as error:
            raise _too_slow(SILENCE_S) from error
        except web.RequestPayloadError as error:
            raise web.HTTPBadRequest(text="the body came in broken pieces: send it again") from error
        if piece is None:
            return
        yield piece


def _too_slow(limit_s: float) -> web.HTTPException:
    return web.HTTPRequestTimeout(text=f"the body did not come within {limit_s:.0f} s: send it again")


_LONGEST_VERSION = 18  # digits; more than a database counts to


def if_match(request: web.Request) -> int | None:
    """Return the version an `If-Match: "n"` header names, None without one.

    Raises:
        Rejected: the header is not one quoted version.
    """
    raw = request.headers.get("If-Match")
    if raw is None:
        return None
    bare = raw.strip().strip('"')
    if not (bare.isascii() and bare.isdecimal() and len(bare) <= _LONGEST_VERSION):
        raise Rejected('If-Match must be one version in quotes, such as "3"', fields={"If-Match": raw})
    return int(bare)


def must_match(request: web.Request) -> int:
    """Return the version that has to come along in `If-Match`, so that nobody writes over what they never saw.

    Raises:
        HTTPPreconditionRequired: there is none; the answer is a problem of status 428.
        Rejected: the header is not one quoted version.
    """
    version = if_match(request)
    if version is None:
        raise web.HTTPPreconditionRequired(text="read it first, then send its ETag as If-Match")
    return version


def json_answer(
    document: BaseModel | Mapping[str, Any], *, status: int = 200, version: int | None = None
) -> web.Response:
    """Answer with a JSON document; `version` becomes the ETag."""
    text = document.model_dump_json() if isinstance(document, BaseModel) else json.dumps(document)
    headers = {} if version is None else {"ETag": f'"{version}"'}
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)
