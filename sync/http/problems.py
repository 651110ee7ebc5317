"""Errors become RFC 9457 problems here and nowhere else."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sync.errors import (
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

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PROBLEM_TYPE = "application/problem+json"

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
