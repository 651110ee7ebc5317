"""The HTTP client of the device for small documents: pairing, plays, heartbeats, hints. Sizes are checked first.

An answer that is not the expected document (a login page, half a document) counts as an origin that cannot be reached,
because the remedy is the same: wait and try again.
"""

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from sync.errors import OriginRefused, OriginUnreachable, Untrusted
from sync.runtime.os_messages import network_reason
from sync.wire.device_reports import BatchAnswer, Heartbeat, PairingAnswer, PairingRequest, PairingState
from sync.wire.value_types import Identifier, Wire

log = logging.getLogger(__name__)

ANSWER_CAP_BYTES = 1024 * 1024
HINT_CAP_BYTES = 64 * 1024
LONGEST_RETRY_AFTER_S = 3600.0
_TIMEOUT = aiohttp.ClientTimeout(total=300, sock_connect=10, sock_read=30)
_LIVE_HEARTBEAT_S = 30.0

Answer = TypeVar("Answer", bound=BaseModel)


class Hint(Wire):
    """A message of `/v1/live`: something of this topic has changed."""

    topic: str
    channel: Identifier | None = None
    sequence: int | None = None


class ChannelAssignment(Wire):
    """The channel of this device. People can move it to another one."""

    device: Identifier
    channel: Identifier


class OriginClient:
    """A client of one origin; made by `open_client`."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self._session = session
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def document(self, path: str, cap_bytes: int) -> bytes:
        """Return a file of the content tree. No token is needed.

        Raises:
            OriginUnreachable: there is no answer, or it is incomplete.
            OriginRefused: an error status; also 404 during a publish.
            Untrusted: the document is larger than `cap_bytes`.
        """
        return await self._request("GET", f"/content/{path}", cap_bytes=cap_bytes)

    async def start_pairing(self, request: PairingRequest) -> PairingAnswer:
        """Ask the origin to pair this device."""
        return _parsed(await self._request("POST", "/v1/pairings", body=_encode(request)), PairingAnswer)

    async def pairing(self, pairing: str, secret: str) -> PairingState:
        """Return the state of a pairing; `secret` proves that the device that asks started it."""
        headers = {"Authorization": f"Bearer {secret}"}
        return _parsed(await self._request("GET", f"/v1/pairings/{pairing}", headers=headers), PairingState)

    async def channel_assignment(self) -> ChannelAssignment:
        """Return the channel of this device."""
        return _parsed(await self._request("GET", "/v1/device", headers=self._headers), ChannelAssignment)

    async def post_plays(self, plays: Sequence[Mapping[str, Any]]) -> BatchAnswer:
        """Deliver at most `BATCH_LIMIT` plays. A play may be delivered again."""
        body = json.dumps({"plays": list(plays)}).encode()
        return _parsed(await self._request("POST", "/v1/plays", headers=self._headers, body=body), BatchAnswer)

    async def post_heartbeat(self, heartbeat: Heartbeat) -> None:
        """Send a heartbeat."""
        await self._request("POST", "/v1/heartbeats", headers=self._headers, body=_encode(heartbeat))

    async def hints(self) -> AsyncGenerator[Hint, None]:
        """Yield the hints of the origin for as long as the live connection lasts.

        Raises:
            OriginUnreachable: the connection cannot be opened, or was closed.
            OriginRefused: the origin refuses the connection.
        """
        live = f"{self.url}/v1/live"
        try:
            async with self._session.ws_connect(
                live, headers=self._headers, heartbeat=_LIVE_HEARTBEAT_S, max_msg_size=HINT_CAP_BYTES
            ) as socket:
                async for message in socket:
                    hint = _hint(message)
                    if hint is not None:
                        yield hint
        except aiohttp.WSServerHandshakeError as error:
            raise OriginRefused(f"{live} answers with status {error.status}", status=error.status) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(live, error) from error
        raise OriginUnreachable(f"{live} was closed by the origin")

    async def _request(
        self,
        method: str,
        path: str,
        *,
        cap_bytes: int = ANSWER_CAP_BYTES,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        url = self.url + path
        all_headers = dict(headers or {}) | ({} if body is None else {"Content-Type": "application/json"})
        try:
            async with self._session.request(
                method, url, headers=all_headers, data=body, allow_redirects=False
            ) as answer:
                if answer.status >= 300:
                    raise _refusal(url, answer, await _bounded(answer, cap_bytes))
                return await _bounded(answer, cap_bytes)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(url, error) from error


@asynccontextmanager
async def open_client(url: str, token: str | None = None) -> AsyncIterator[OriginClient]:
    """Open a client of the origin at `url`. `token` is sent to `/v1/` only, never with requests for content."""
    headers = {"Accept-Encoding": "identity"}  # a compressed answer could become larger than any limit
    async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers, auto_decompress=False) as session:
        yield OriginClient(session, url, token)


def _unreachable(url: str, error: Exception) -> OriginUnreachable:
    log.debug("url=%s %r", url, error)
    return OriginUnreachable(f"{url} does not answer: {network_reason(error)}")


def retry_after_s(value: str, date: str) -> float | None:
    """Return the wait of a `Retry-After` header, at most an hour; a date is compared with the header `Date`."""
    if value.isdecimal():
        return min(float(value), LONGEST_RETRY_AFTER_S)
    try:
        until, since = parsedate_to_datetime(value), parsedate_to_datetime(date)
        return min(max(0.0, (until - since).total_seconds()), LONGEST_RETRY_AFTER_S)
    except (ValueError, TypeError):  # no date, or only one of both has a time zone
        return None


def _refusal(url: str, answer: aiohttp.ClientResponse, raw: bytes) -> OriginRefused:
    try:
        detail = str(json.loads(raw)["detail"])
    except (ValueError, TypeError, KeyError, RecursionError):
        detail = "no reason given"
    return OriginRefused(
        f"{url} answers with status {answer.status}: {detail[:200]}",
        status=answer.status,
        retry_after_s=retry_after_s(answer.headers.get("Retry-After", ""), answer.headers.get("Date", "")),
    )


async def _bounded(answer: aiohttp.ClientResponse, cap_bytes: int) -> bytes:
    received = bytearray()
    async for piece in answer.content.iter_chunked(64 * 1024):
        received += piece
        if len(received) > cap_bytes:
            raise Untrusted(f"{answer.url} sends more than the allowed {cap_bytes} bytes")
    return bytes(received)


def _encode(document: BaseModel) -> bytes:
    return document.model_dump_json().encode()


def _parsed(raw: bytes, model: type[Answer]) -> Answer:
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise OriginUnreachable(
            "the answer is not one of a signage origin: check origin.url and any proxy in between"
        ) from error


def _hint(message: aiohttp.WSMessage) -> Hint | None:
    if message.type is not aiohttp.WSMsgType.TEXT:
        return None
    try:
        return Hint.model_validate_json(message.data)
    except ValidationError:
        return None  # of a newer origin
