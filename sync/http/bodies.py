"""Reads bodies and queries into models, with limits of size and time, and versions from `If-Match`."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from sync.errors import (
    Rejected,
    TooLarge,
    Unsupported,
)
from sync.http.conditional import CODED
from sync.http.listener import begin_work, end_work
from sync.runtime.threads import in_thread
from sync.wire.input.input_messages import BODY, json_fault, rejected
from sync.wire.value_types import count_values

Model = TypeVar("Model", bound=BaseModel)

BODY_CAP_BYTES = 1024 * 1024
MOST_VALUES = 2_000
"""The most values in a body, unless an operation needs more. Reading 100,000 takes the event loop 50 ms."""
_LONG_BODY_BYTES = 64 * 1024
"""A longer body is read in a thread: one with 10,000 items takes 100 ms, and others are answered meanwhile."""
IDLE_BODY_S = 30.0
"""The longest pause within a body. After it the connection is considered dead, so that a retry can start."""
WHOLE_BODY_S = 120.0
"""The longest time for a complete document, however slowly it is sent."""


READ_BODY = web.RequestKey("read_body", bytes)
"""The key under which a request has its body, where somebody had to read it before the operation does."""


async def read_json(
    request: web.Request, model: type[Model], *, cap_bytes: int = BODY_CAP_BYTES, most_values: int = MOST_VALUES
) -> Model:
    """Parse a JSON body into a model.

    Raises:
        TooLarge: it is over `cap_bytes` or has more than `most_values`; both are checked before parsing.
        Rejected: it is not JSON or does not fit the model; `fields` names each wrong field.
    """
    return await parse_json(await read_body(request, cap_bytes), model, most_values)


async def parse_json(raw: bytes, model: type[Model], most_values: int) -> Model:
    """Parse a JSON document into a model; raises as `read_json` does."""
    refuse_many_values(raw, most_values)
    return await in_thread(_parse, model, raw) if len(raw) > _LONG_BODY_BYTES else _parse(model, raw)


def _parse(model: type[Model], raw: bytes) -> Model:
    """Parse first and then validate: in one step, pydantic would turn all of the JSON into objects for each fault."""
    try:
        return model.model_validate(from_json(raw))
    except ValidationError as error:
        raise rejected(error, model) from error
    except ValueError as error:
        raise Rejected(json_fault(error), fields={BODY: json_fault(error)}) from error


def refuse_many_values(raw: bytes, most_values: int) -> None:
    """Refuse JSON that costs more to read than it can be worth.

    Raises:
        TooLarge: it has more than `most_values`.
    """
    values = count_values(raw)
    if values > most_values:
        raise TooLarge(
            f"the body has {values} values, more than the {most_values} that are read here: send less at once"
        )


def read_query(request: web.Request, model: type[Model]) -> Model:
    """Parse the query of an address into a model.

    Raises:
        Rejected: it does not fit the model, or gives a field twice; `fields` names each wrong field.
    """
    twice = sorted(name for name, times in Counter(name for name, _ in request.query.items()).items() if times > 1)
    if twice:
        raise Rejected(f"given more than once: {', '.join(twice)}", fields=dict.fromkeys(twice, "is given twice"))
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise rejected(error, model) from error


async def read_body(request: web.Request, cap_bytes: int) -> bytes:
    """Return the complete body; never read much more than `cap_bytes`.

    Raises:
        TooLarge: the body, or its declared length, is longer.
    """
    known: bytes | None = request.get(READ_BODY)
    if known is not None:
        if len(known) > cap_bytes:
            raise TooLarge(f"the body is over the limit of {cap_bytes} bytes")
        return known
    if (request.content_length or 0) > cap_bytes:
        raise TooLarge(f"a body of {request.content_length} bytes is over the limit of {cap_bytes}")
    if request.content.is_eof() and request.content.exception() is None:
        return _arrived_body(request, cap_bytes)
    parts = bytearray()
    try:
        async with asyncio.timeout(WHOLE_BODY_S):
            async for piece in body_pieces(request, 64 * 1024):
                parts += piece
                if len(parts) > cap_bytes:
                    raise TooLarge(f"the body is over the limit of {cap_bytes} bytes")
    except TimeoutError as error:
        raise _too_slow(WHOLE_BODY_S) from error
    await begin_work(request)
    return bytes(parts)


def _arrived_body(request: web.Request, cap_bytes: int) -> bytes:
    """Return a body that came together with its head, as short ones do: there is nothing to wait for."""
    _check_encoding(request)
    raw = request.content.read_nowait()
    if len(raw) > cap_bytes:
        raise TooLarge(f"the body is over the limit of {cap_bytes} bytes")
    return raw


async def body_pieces(request: web.Request, most_bytes: int) -> AsyncIterator[bytes]:
    """Yield the body as it arrives, at most `most_bytes` at a time.

    Raises:
        Unsupported: it is compressed.
        HTTPRequestTimeout: nothing arrived for `IDLE_BODY_S`; the answer is a problem with status 408.
        HTTPBadRequest: its chunks are not valid HTTP.
    """
    _check_encoding(request)
    end_work(request)
    pieces = aiter(request.content.iter_chunked(most_bytes))
    while True:
        try:
            async with asyncio.timeout(IDLE_BODY_S):
                piece = await anext(pieces, None)
        except TimeoutError as error:
            raise _too_slow(IDLE_BODY_S) from error
        except web.RequestPayloadError as error:
            raise web.HTTPBadRequest(text="the body is not valid HTTP: send it again") from error
        if piece is None:
            return
        yield piece


def _check_encoding(request: web.Request) -> None:
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity")
    if encoding.lower() != "identity":
        raise Unsupported(f"send the body without Content-Encoding; {encoding} is not accepted")


def _too_slow(limit_s: float) -> web.HTTPException:
    return web.HTTPRequestTimeout(text=f"the body did not arrive within {limit_s:.0f} s: send it again")


_LONGEST_VERSION = 18  # digits; larger than any number in a database


def requested_version(request: web.Request) -> int | None:
    """Return the version of the header `If-Match: "n"`, None without one.

    Raises:
        Rejected: the header is not one quoted version.
    """
    raw = request.headers.get("If-Match")
    if raw is None:
        return None
    bare = raw.strip().strip('"').removesuffix(CODED)
    if not (bare.isascii() and bare.isdecimal() and len(bare) <= _LONGEST_VERSION):
        raise Rejected('If-Match must be one version in quotes, such as "3"', fields={"If-Match": raw})
    return int(bare)


def require_version(request: web.Request) -> int:
    """Return the version of the required header `If-Match`, so that nobody overwrites a change they have not seen.

    Raises:
        HTTPPreconditionRequired: it is missing; the answer is a problem with status 428.
        Rejected: the header is not one quoted version.
    """
    version = requested_version(request)
    if version is None:
        raise web.HTTPPreconditionRequired(text="read it first, then send its ETag as If-Match")
    return version


def file_answer(body: bytes, media_type: str, caching: str = "no-cache") -> web.Response:
    """Return bytes whose ETag is their SHA-256: it is the same at every mirror and after every restart."""
    tag = hashlib.sha256(body).hexdigest()
    headers = {hdrs.CONTENT_TYPE: media_type, hdrs.CACHE_CONTROL: caching, hdrs.ETAG: f'"{tag}"'}
    return web.Response(body=body, headers=headers)


def json_answer(
    document: BaseModel | Mapping[str, Any], *, status: int = 200, version: int | None = None
) -> web.Response:
    """Return a JSON response; `version` becomes the ETag."""
    text = document.model_dump_json() if isinstance(document, BaseModel) else json.dumps(document)
    headers = {} if version is None else {"ETag": f'"{version}"'}
    return web.Response(text=text, status=status, content_type="application/json", headers=headers)
