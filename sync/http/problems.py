"""Turns errors into RFC 9457 problems. No other file does."""

import logging
from collections.abc import Awaitable, Callable
from itertools import islice
from math import ceil
from typing import Any, Literal

from aiohttp import hdrs, web
from pydantic import BaseModel

from sync.errors import (
    Clash,
    Conflict,
    Forbidden,
    NotFound,
    Overloaded,
    ProviderFailed,
    Rejected,
    RepeatedRequest,
    SignageError,
    StaleVersion,
    StorageBroken,
    StorageFull,
    TooLarge,
    TooManyTries,
    Unauthenticated,
    Unsupported,
)
from sync.http.shortage import SHORTAGE
from sync.words.problems import PROBLEMS
from sync.words.sentences import Told

MOST_NAMED = 20
"""The most wrong fields, or users of a thing, in one problem: a short request has no long answer."""
_LONGEST_DETAIL, _LONGEST_NAME, _LONGEST_REASON = 4_000, 200, 500  # characters

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PROBLEM_TYPE = "application/problem+json"

_STATUSES: tuple[tuple[type[SignageError], int], ...] = (  # the first match counts: subclasses before their base
    (NotFound, 404),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (Conflict, 409),
    (StaleVersion, 412),
    (TooLarge, 413),
    (TooManyTries, 429),
    (Unsupported, 415),
    (Rejected, 422),
    (ProviderFailed, 502),
    (StorageFull, 507),
    (StorageBroken, 503),
)


class ProblemPart(BaseModel):
    """A field of a part of a document: of the part `id` in `list`, both empty for the document itself."""

    list: str
    id: str
    name: str
    field: str | None
    seen: Any


class ProblemClash(ProblemPart):
    """What two people made of the same field; without a field it is the whole part, null where it was taken out."""

    theirs: Any
    yours: Any


class ProblemAgreement(ProblemPart):
    """What one of two people made of a field, or both of them alike."""

    value: Any
    by: Literal["yours", "theirs", "both"]


class Problem(BaseModel):
    """An RFC 9457 problem: what happened, to what, and what to do.

    `fields` names each wrong field, `users` what still uses a thing, `current` the version in force, `ask` people who
    may do what is refused. `clashes` names each field that two people changed, `agreed` what else either of them did;
    without a field it is the whole part.
    `code` and `values` are those of `detail`, `fields_told` has those of `fields`, for pages in other languages.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = ""
    values: dict[str, str] = {}
    fields: dict[str, str] = {}
    fields_told: dict[str, Told] = {}
    users: list[str] = []
    ask: list[str] = []
    current: int = 0
    clashes: list[ProblemClash] = []
    agreed: list[ProblemAgreement] = []


def problem(status: int, kind: str, title: str, detail: str, instance: str, **members: Any) -> web.Response:
    """Return an RFC 9457 problem; `members` are additional fields."""
    document = {"type": f"urn:signage:problem:{kind}", "title": title, "status": status, "detail": detail}
    told = PROBLEMS.told(detail)
    if told.code:
        members |= told.model_dump()
    answer = web.json_response({**document, "instance": instance, **members}, status=status, content_type=PROBLEM_TYPE)
    answer.headers[hdrs.CACHE_CONTROL] = "no-store"
    return answer


def status_of(error: SignageError) -> int:
    """Return the status that an error of this project has in HTTP."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def problem_of(error: SignageError, instance: str) -> web.Response:
    """Return the problem for an error of this project."""
    status = status_of(error)
    members: dict[str, Any] = {}
    if isinstance(error, Rejected) and error.fields:
        members["fields"] = {
            name[:_LONGEST_NAME]: why[:_LONGEST_REASON] for name, why in islice(error.fields.items(), MOST_NAMED)
        }
        members["fields_told"] = {
            name: told.model_dump() for name, why in members["fields"].items() if (told := PROBLEMS.told(why)).code
        }
    if isinstance(error, Forbidden) and error.ask:
        members["ask"] = list(error.ask)
    if isinstance(error, Conflict) and error.users:
        members["users"] = list(error.users[:MOST_NAMED])
    if isinstance(error, Clash):
        members |= {"clashes": error.clashes, "agreed": error.agreed}
    if isinstance(error, StaleVersion):
        members["current"] = error.current
    kind, title = _kind_and_title(type(error).__name__)
    answer = problem(status, kind, title, str(error)[:_LONGEST_DETAIL], instance, **members)
    if isinstance(error, Overloaded | TooManyTries | RepeatedRequest) and error.retry_after_s:
        answer.headers[hdrs.RETRY_AFTER] = str(ceil(error.retry_after_s))
    return answer


def _kind_and_title(name: str) -> tuple[str, str]:
    parts = "".join(f" {c.lower()}" if c.isupper() else c for c in name).split()
    return "-".join(parts), " ".join(parts).capitalize()


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into problems. An unexpected one is logged with its traceback, which the answer does not show."""
    try:
        answer = await handler(request)
        SHORTAGE.did_not_happen()
        return answer
    except SignageError as error:
        return problem_of(error, request.path)
    except web.HTTPMethodNotAllowed as error:
        return _other_method(request, {*error.allowed_methods, hdrs.METH_OPTIONS})
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = problem(error.status, _kind(error.reason), error.reason, _routing_advice(error), request.path)
        answer.headers.update({k: v for k, v in error.headers.items() if k.lower() == "retry-after"})
        return answer
    except (ConnectionError, TimeoutError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and SHORTAGE.is_cause(error):
            detail = "the system has no open file or memory left for this: try again in a few seconds"
            return problem(503, "service-unavailable", "Service Unavailable", detail, request.path)
        log.exception("request=%s %s failed", request.method, request.path)
        return problem(
            500, "internal", "Internal error", "This is a fault of the program. Its log has the details.", request.path
        )


def _other_method(request: web.Request, allowed: set[str]) -> web.Response:
    """Tell which methods an address has: to OPTIONS as the answer, to any other method as a problem."""
    methods = ", ".join(sorted(allowed))
    answer = web.Response(status=204)
    if request.method != hdrs.METH_OPTIONS:
        detail = f"this address does not support {request.method[:20]}; use {methods}"
        answer = problem(405, "method-not-allowed", "Method Not Allowed", detail, request.path)
    answer.headers[hdrs.ALLOW] = methods
    return answer


def _routing_advice(error: web.HTTPException) -> str:
    """Return what to do about an error of routing; aiohttp only repeats its name."""
    if error.text == f"{error.status}: {error.reason}":
        return "nothing is at this address; /v1/openapi.json lists all addresses"
    return error.text or error.reason


def _kind(reason: str) -> str:
    return reason.lower().replace(" ", "-")
