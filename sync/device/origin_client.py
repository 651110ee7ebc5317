"""The control plane to the origin: small documents, pairing, proof and hints, each bounded before it is parsed.

Answers that are not what was asked for (a captive portal's page, half a document) count as an origin out of reach:
the remedy is the same, wait and ask again.
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
from sync.wire.base import Identifier, Wire
from sync.wire.report import BatchAnswer, Heartbeat, PairingAnswer, PairingRequest, PairingState

log = logging.getLogger(__name__)

ANSWER_CAP_BYTES = 1024 * 1024
HINT_CAP_BYTES = 64 * 1024
LONGEST_RETRY_AFTER_S = 3600.0
_TIMEOUT = aiohttp.ClientTimeout(total=300, sock_connect=10, sock_read=30)
_LIVE_HEARTBEAT_S = 30.0

Answer = TypeVar("Answer", bound=BaseModel)


class Hint(Wire):
    """A message of `/v1/live`: something of this topic changed; ask for it."""

    topic: str
    channel: Identifier | None = None
    sequence: int | None = None


class ChannelAssignment(Wire):
    """What the origin has this device for: people may move it to another channel."""

    device: Identifier
    channel: Identifier


class OriginClient:
    """One origin, as a device sees it; made by `open_client`."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self._session = session
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def document(self, path: str, cap_bytes: int) -> bytes:
        """Return a file of the content tree; needs no token.

        Raises:
            OriginUnreachable: no answer, or half of one.
            OriginRefused: an error status; 404 while a publish is under way.
            Untrusted: the document is over its cap.
        """
        return await self._ask("GET", f"/content/{path}", cap_bytes=cap_bytes)

    async def start_pairing(self, request: PairingRequest) -> PairingAnswer:
        """Ask to belong."""
        return _parsed(await self._ask("POST", "/v1/pairings", body=_dump(request)), PairingAnswer)

    async def pairing(self, pairing: str, secret: str) -> PairingState:
        """Return how a pairing stands; `secret` proves that the poll comes from the device that began it."""
        headers = {"Authorization": f"Bearer {secret}"}
        return _parsed(await self._ask("GET", f"/v1/pairings/{pairing}", headers=headers), PairingState)

    async def standing(self) -> ChannelAssignment:
        """Return which channel this device belongs to now."""
        return _parsed(await self._ask("GET", "/v1/device", headers=self._headers), ChannelAssignment)

    async def post_plays(self, plays: Sequence[Mapping[str, Any]]) -> BatchAnswer:
        """Deliver plays, at most `BATCH_LIMIT` of them; delivering one again is harmless."""
        body = json.dumps({"plays": list(plays)}).encode()
        return _parsed(await self._ask("POST", "/v1/plays", headers=self._headers, body=body), BatchAnswer)

    async def post_heartbeat(self, heartbeat: Heartbeat) -> None:
        """Tell the origin how the device is."""
        await self._ask("POST", "/v1/heartbeats", headers=self._headers, body=_dump(heartbeat))

    async def hints(self) -> AsyncGenerator[Hint, None]:
        """Yield what the origin says changed, for as long as the live channel stands.

        Raises:
            OriginUnreachable: the channel could not be opened, or closed.
            OriginRefused: the origin does not let us listen.
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
            raise OriginRefused(f"{live} answered {error.status}", status=error.status) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(live, error) from error
        raise OriginUnreachable(f"{live} was closed")

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        cap_bytes: int = ANSWER_CAP_BYTES,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        url = self.url + path
        sent = dict(headers or {}) | ({} if body is None else {"Content-Type": "application/json"})
        try:
            async with self._session.request(method, url, headers=sent, data=body, allow_redirects=False) as answer:
                if answer.status >= 300:
                    raise _refusal(url, answer, await _bounded(answer, cap_bytes))
                return await _bounded(answer, cap_bytes)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(url, error) from error


@asynccontextmanager
async def open_client(url: str, token: str | None = None) -> AsyncIterator[OriginClient]:
    """Open a client for the origin at `url`; `token` is sent with calls to `/v1/`, never with content."""
    headers = {"Accept-Encoding": "identity"}  # a compressed answer could unpack to anything
    async with aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers, auto_decompress=False) as session:
        yield OriginClient(session, url, token)


def _unreachable(url: str, error: Exception) -> OriginUnreachable:
    log.debug("url=%s %r", url, error)
    return OriginUnreachable(f"{url} does not answer: {network_reason(error)}")


def retry_after_s(value: str, date: str) -> float | None:
    """Return how long a `Retry-After` asks us to wait, at most an hour; a date counts from the answer's own `Date`."""
    if value.isdecimal():
        return min(float(value), LONGEST_RETRY_AFTER_S)
    try:
        until, since = parsedate_to_datetime(value), parsedate_to_datetime(date)
        return min(max(0.0, (until - since).total_seconds()), LONGEST_RETRY_AFTER_S)
    except (ValueError, TypeError):  # no date, or one with a zone and one without
        return None


def _refusal(url: str, answer: aiohttp.ClientResponse, raw: bytes) -> OriginRefused:
    try:
        detail = str(json.loads(raw)["detail"])
    except (ValueError, TypeError, KeyError, RecursionError):
        detail = answer.reason or ""
    return OriginRefused(
        f"{url} answered {answer.status}: {detail[:200]}",
        status=answer.status,
        retry_after_s=retry_after_s(answer.headers.get("Retry-After", ""), answer.headers.get("Date", "")),
    )


async def _bounded(answer: aiohttp.ClientResponse, cap_bytes: int) -> bytes:
    held = bytearray()
    async for piece in answer.content.iter_chunked(64 * 1024):
        held += piece
        if len(held) > cap_bytes:
            raise Untrusted(f"{answer.url} sends more than the {cap_bytes} bytes it may")
    return bytes(held)


def _dump(document: BaseModel) -> bytes:
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
        return None  # a topic of a newer origin
