"""Asks an origin over HTTP, and turns what it refuses into errors with its own words."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout, hdrs

from sync.errors import OriginRefused, OriginUnreachable
from sync.runtime.os_messages import os_reason

ANSWER_S = 60.0
"""An origin that says nothing for so long is not waited for."""

_NO_ORIGIN = "it answered {}, without JSON: is this the address of an origin?"


@dataclass(frozen=True, slots=True)
class ApiClient:
    """An origin by its address, and the key of who asks (empty: nobody's)."""

    url: str
    session: ClientSession

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        """Ask with JSON; return the document of the answer, bytes if it is none, None if it is empty.

        Raises:
            OriginRefused: it refused, with its own words.
            OriginUnreachable: nothing answered, or not in time.
        """
        data = None if body is None else json.dumps(body)
        sent: dict[str, str] = dict(headers or {})
        if body is not None:
            sent[hdrs.CONTENT_TYPE] = "application/json"
        async with self.send(method, path, params=query, headers=sent, data=data) as answer:
            raw = await answer.read()
            if not answer.content_type.endswith("json"):
                return raw or None
            try:
                return json.loads(raw)
            except ValueError as error:
                raise OriginRefused(_NO_ORIGIN.format(answer.status), status=answer.status) from error

    @asynccontextmanager
    async def send(self, method: str, path: str, **options: Any) -> AsyncIterator[ClientResponse]:
        """Send a request; provide the answer, which is no refusal."""
        try:
            async with self.session.request(method, self.url + path, allow_redirects=False, **options) as answer:
                if answer.status >= 300:
                    raise _refusal(answer.status, await answer.read())
                yield answer
        except (ClientError, OSError) as error:
            reason = os_reason(error) if isinstance(error, OSError) else str(error) or type(error).__name__
            raise OriginUnreachable(f"the origin at {self.url} does not answer: {reason}") from error


def _refusal(status: int, raw: bytes) -> OriginRefused:
    try:
        problem = json.loads(raw)
        detail = str(problem["detail"])
        fields = problem.get("fields", {})
    except (ValueError, KeyError, TypeError):
        return OriginRefused(_NO_ORIGIN.format(status), status=status)
    reasons = " ".join(f"{name}: {why}" for name, why in fields.items() if why not in detail)
    return OriginRefused(f"{detail} {reasons}".strip(), status=status, detail=detail)


@asynccontextmanager
async def open_client(url: str, key: str) -> AsyncIterator[ApiClient]:
    """Provide a client of the origin at an address."""
    headers = {hdrs.AUTHORIZATION: f"Bearer {key}"} if key else {}
    timeout = ClientTimeout(total=None, sock_connect=10.0, sock_read=ANSWER_S)
    async with ClientSession(headers=headers, timeout=timeout) as session:
        yield ApiClient(url.rstrip("/"), session)
