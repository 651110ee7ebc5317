"""Reads bodies and queries into models, within limits of size and time, and checks versions (`If-Match`)."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel, ValidationError

from sync.errors import (
    Rejected,
    TooLarge,
    Unsupported,
)
from sync.wire.input_messages import rejected

Model = TypeVar("Model", bound=BaseModel)

BODY_CAP_BYTES = 1024 * 1024
IDLE_BODY_S = 30.0
"""A body of which nothing more comes for so long is given up: its line is dead, and a retry must not find it busy."""
WHOLE_BODY_S = 120.0
"""A document takes no longer than this to arrive, whoever sends it byte by byte."""


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
        raise rejected(error, model) from error


def read_query(request: web.Request, model: type[Model]) -> Model:
    """Parse the query of an address into a model.

    Raises:
        Rejected: it is not the model; `fields` names each wrong one.
    """
    try:
        return model.model_validate(dict(request.query))
    except ValidationError as error:
        raise rejected(error, model) from error


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
            async with asyncio.timeout(IDLE_BODY_S):
                piece = await anext(pieces, None)
        except TimeoutError as error:
            raise _too_slow(IDLE_BODY_S) from error
        except web.RequestPayloadError as error:
            raise web.HTTPBadRequest(text="the body came in broken pieces: send it again") from error
        if piece is None:
            return
        yield piece


def _too_slow(limit_s: float) -> web.HTTPException:
    return web.HTTPRequestTimeout(text=f"the body did not come within {limit_s:.0f} s: send it again")


_LONGEST_VERSION = 18  # digits; more than a database counts to


def requested_version(request: web.Request) -> int | None:
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


def require_version(request: web.Request) -> int:
    """Return the version that has to come along in `If-Match`, so that nobody writes over what they never saw.

    Raises:
        HTTPPreconditionRequired: there is none; the answer is a problem of status 428.
        Rejected: the header is not one quoted version.
    """
    version = requested_version(request)
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
