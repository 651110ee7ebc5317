"""Answers a repeated request as at first, without doing anything twice (draft-ietf-httpapi-idempotency-key-header).

A key belongs to its caller. That a request changes something is noted by the transaction of the change, so a process
that ends in between leaves no doubt about it. A refusal that changed nothing is not kept: it may be sent again. Answers
with secrets are kept nowhere, and neither are keys: only hashes that need the key.
"""

import hashlib
import hmac
import re
from collections.abc import Hashable
from functools import cache
from typing import cast, get_args

from aiohttp import hdrs, web
from pydantic import BaseModel

from sync.errors import Rejected, SignageError
from sync.http.bodies import READ_BODY, read_body
from sync.http.operations import IDEMPOTENCY_KEY, Operation
from sync.http.problems import problem_of
from sync.origin.http.auth import caller_of
from sync.origin.store.audit.idempotent_requests import Attempt, FirstAnswer, IdempotentRequestStore

REPLAYED = "Idempotency-Replayed"
"""A header of answers that were given before."""

_LONGEST_BODY_BYTES = 8 * 1024 * 1024  # each operation has a limit of its own below that
_KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?')
_KEPT_HEADERS = (hdrs.CONTENT_TYPE, hdrs.ETAG, hdrs.LOCATION, hdrs.CACHE_CONTROL)


class IdempotencyKeys:
    """Has operations answer requests, each request with a key once."""

    def __init__(self, store: IdempotentRequestStore) -> None:
        self._store = store

    async def answer(self, request: web.Request, operation: Operation) -> web.StreamResponse:
        """Have the operation answer, or repeat what it answered at first.

        Raises:
            Rejected: the key is none, or another request had it.
            RepeatedRequest: the same request is being answered, or its answer is kept nowhere.
        """
        if IDEMPOTENCY_KEY not in request.headers or not operation.takes_idempotency_key:
            return await operation.handler(request)
        key, caller = _key(request), caller_of(request)
        request[READ_BODY] = await read_body(request, _LONGEST_BODY_BYTES)
        kind = "person" if caller.is_person else "key"
        id = hashlib.sha256(f"{kind}\0{caller.id}\0{key}".encode()).hexdigest()
        begun = await self._store.begin(id, _fingerprint(key, request, request[READ_BODY]))
        if isinstance(begun, FirstAnswer):
            headers = {**begun.headers, REPLAYED: "true"}
            return web.Response(status=begun.status, headers=headers, body=begun.body or None)
        return await self._first_answer(request, operation, begun)

    async def _first_answer(self, request: web.Request, operation: Operation, attempt: Attempt) -> web.StreamResponse:
        try:
            with self._store.noting_changes(attempt):
                answer = await operation.handler(request)
        except SignageError as error:
            if await self._store.forget_unless_changed(attempt):
                await self._keep(attempt, operation, problem_of(error, request.path))
            raise
        except web.HTTPException:
            await self._store.forget_unless_changed(attempt)
            raise
        await self._keep(attempt, operation, answer)
        return answer

    async def _keep(self, attempt: Attempt, operation: Operation, answer: web.StreamResponse) -> None:
        is_whole = isinstance(answer, web.Response) and (answer.body is None or isinstance(answer.body, bytes))
        if not is_whole or answer.cookies or has_secret(cast(Hashable, operation.answer)):
            await self._store.give_up(attempt)
            return
        body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
        headers = {str(name): answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
        await self._store.keep(attempt, FirstAnswer(answer.status, headers, body))


@cache
def has_secret(model: Hashable) -> bool:
    """Return whether an answer of this model has a secret: a field that is never shown in a log."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        return any(
            not field.repr or has_secret(cast(Hashable, field.annotation)) for field in model.model_fields.values()
        )
    return any(has_secret(one) for one in get_args(model))


def _key(request: web.Request) -> str:
    found = _KEY.fullmatch(request.headers[IDEMPOTENCY_KEY].strip())
    if found is None or len(request.headers.getall(IDEMPOTENCY_KEY)) > 1:
        why = "must be one text of 1 to 255 letters and digits in quotes, such as a UUID"
        raise Rejected(f"{IDEMPOTENCY_KEY} {why}", fields={IDEMPOTENCY_KEY: why})
    return found[1]


def _fingerprint(key: str, request: web.Request, body: bytes) -> str:
    """Return a hash of all that counts of a request. Nobody can try bodies against it without the key."""
    head = f"{request.method}\0{request.path_qs}\0{request.headers.get(hdrs.IF_MATCH, '')}\0".encode()
    return hmac.new(key.encode(), head + body, hashlib.sha256).hexdigest()
