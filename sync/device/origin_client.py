"""The HTTP client of the device for small documents: pairing, exchanges, plays, heartbeats. Sizes are checked first.

An answer that is not the expected document (a login page, half a document) counts as an origin that cannot be reached,
because the remedy is the same: wait and try again.
"""

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
from pydantic import BaseModel

from sync.device.transfer.addresses import NameResolver
from sync.device.transfer.connection import (
    MOST_REDIRECTS,
    REDIRECTS,
    WEB_PAGE_STATUSES,
    Network,
    circle_reason,
    is_web_page,
    moved_base,
    portal_reason,
    proxy_refusal,
    redirect_target,
)
from sync.device.transfer.deadlines_and_rates import LEAST_BYTES_S
from sync.device.transfer.http_reader import PiecewiseConnector, retry_after_s
from sync.errors import OriginRefused, OriginUnreachable, Untrusted
from sync.proof.delivery import CertifiedKey, CheckpointAnswer, CheckpointBatch
from sync.runtime.os_messages import is_offline
from sync.wire.device_reports import (
    BatchAnswer,
    EnrolmentProof,
    Heartbeat,
    HeartbeatAnswer,
    IdentityChallenge,
    PairingAnswer,
    PairingRequest,
    PairingState,
)
from sync.wire.live_messages import Exchange, ExchangeAnswer
from sync.wire.release import Envelope
from sync.wire.value_types import Identifier, Wire, printable, read_strictly

log = logging.getLogger(__name__)

ANSWER_CAP_BYTES = 1024 * 1024
LIVE_CAP_BYTES = 256 * 1024
_REASON_CAP_BYTES = 64 * 1024
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)
_HEAD_S = 30.0  # from the name of the host to the end of the headers
_SEND_S = 300.0  # the same with a body, such as hundreds of plays on a slow line
_WINDOW_S = 30.0  # over which the speed of a body is measured
_LIVE_HEARTBEAT_S = 30.0
_LIVE_TIMEOUT = aiohttp.ClientWSTimeout(ws_close=1.0)  # the other side may be gone
_MOST_VALUES = 20_000  # of an answer; receipts of a batch of plays have less, and a million hold the loop for 0.1 s
_NOT_MODIFIED = 304

Answer = TypeVar("Answer", bound=BaseModel)


class ChannelAssignment(Wire):
    """The channel of this device. People can move it to another one."""

    device: Identifier
    channel: Identifier


class OriginClient:
    """A client of one origin; made by `open_client`."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None, network: Network) -> None:
        self.url = url.rstrip("/")
        self.fingerprint = network.settings.fingerprint
        self.is_private = network.is_private(url)
        self._base = self.url  # or HTTPS of the same host, once the origin redirected there
        self._session = session
        self._network = network
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def document(self, path: str, cap_bytes: int) -> bytes:
        """Return a file of the content tree. No token is needed.

        Raises:
            OriginUnreachable: there is no answer, or it is incomplete.
            OriginRefused: an error status; also 404 during a publish.
            Untrusted: the document is larger than `cap_bytes`.
        """
        return await self._request("GET", f"/content/{path}", cap_bytes=cap_bytes)

    async def newer_document(self, path: str, cap_bytes: int, held: "FetchedDocument | None") -> "FetchedDocument":
        """Return a file of the content tree; `held` itself if the origin says that it is still that one.

        Raises:
            OriginUnreachable, OriginRefused, Untrusted: as `document`.
        """
        headers = {"If-None-Match": held.etag} if held is not None and held.etag else {}
        answer = await self._answer("GET", f"/content/{path}", cap_bytes=cap_bytes, headers=headers)
        if held is not None and answer.status == _NOT_MODIFIED:
            return held
        return FetchedDocument(answer.content, answer.etag)

    async def prove_identity(self, challenge: IdentityChallenge) -> Envelope:
        """Have the origin sign a challenge. Nothing in it is secret; whoever answers gets no token."""
        return _parsed(await self._request("POST", "/v1/identity", body=_encode(challenge)), Envelope)

    async def start_pairing(self, request: PairingRequest) -> PairingAnswer:
        """Ask the origin to pair this device."""
        return _parsed(await self._request("POST", "/v1/pairings", body=_encode(request)), PairingAnswer)

    async def prove_enrolment(self, pairing: str, secret: str, proof: EnrolmentProof) -> None:
        """Prove that this device knows the enrolment key."""
        headers = {"Authorization": f"Bearer {secret}"}
        await self._request("POST", f"/v1/pairings/{pairing}/proof", headers=headers, body=_encode(proof))

    async def pairing(self, pairing: str, secret: str) -> PairingState:
        """Return the state of a pairing; `secret` proves that the device that asks started it."""
        headers = {"Authorization": f"Bearer {secret}"}
        return _parsed(await self._request("GET", f"/v1/pairings/{pairing}", headers=headers), PairingState)

    async def channel_assignment(self) -> ChannelAssignment:
        """Return the channel of this device."""
        return _parsed(await self._request("GET", "/v1/device", headers=self._headers), ChannelAssignment)

    async def post_plays(self, plays: Sequence[Mapping[str, Any]]) -> BatchAnswer:
        """Deliver at most `BATCH_LIMIT` plays. A play may be delivered again."""
        return await self._deliver("/v1/plays", {"plays": list(plays)})

    async def post_history(self, records: Sequence[Mapping[str, Any]]) -> BatchAnswer:
        """Deliver at most `BATCH_LIMIT` records of the history; one may be delivered again."""
        return await self._deliver("/v1/history", {"records": list(records)})

    async def put_device_key(self, request: Envelope) -> CertifiedKey:
        """Have the origin certify the key of this device (`sync.proof.key_request`); return the certificate."""
        body, path = _encode(request), "/v1/device/key"
        return _parsed(await self._request("PUT", path, headers=self._headers, body=body), CertifiedKey)

    async def _deliver(self, path: str, batch: Mapping[str, Any]) -> BatchAnswer:
        answer = await self._request("POST", path, headers=self._headers, body=json.dumps(batch).encode())
        return _parsed(answer, BatchAnswer)

    async def post_checkpoints(self, batch: CheckpointBatch) -> CheckpointAnswer:
        """Deliver checkpoints. One may be delivered again."""
        raw = await self._request("POST", "/v1/checkpoints", headers=self._headers, body=_encode(batch))
        return _parsed(raw, CheckpointAnswer)

    async def post_heartbeat(self, heartbeat: Heartbeat) -> HeartbeatAnswer:
        """Send a heartbeat. An older origin answers nothing."""
        raw = await self._request("POST", "/v1/heartbeats", headers=self._headers, body=_encode(heartbeat))
        return _parsed(raw, HeartbeatAnswer) if raw else HeartbeatAnswer()

    async def exchange(self, asked: Exchange) -> ExchangeAnswer:
        """Report, deliver plays, and hear what is new."""
        raw = await self._request("POST", "/v1/exchange", headers=self._headers, body=_encode(asked))
        return _parsed(raw, ExchangeAnswer)

    @asynccontextmanager
    async def live(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open the live connection; its faults inside the block are converted, too.

        Raises:
            OriginUnreachable: the connection cannot be opened, or broke.
            OriginRefused: the origin refuses the connection.
        """
        live = f"{self._base}/v1/live"
        try:
            async with asyncio.timeout(_HEAD_S):
                connection = await self._session.ws_connect(
                    live,
                    headers=self._headers,
                    heartbeat=_LIVE_HEARTBEAT_S,
                    timeout=_LIVE_TIMEOUT,
                    max_msg_size=LIVE_CAP_BYTES,
                    **self._way(live),
                )
            async with connection:
                yield connection
        except aiohttp.WSServerHandshakeError as error:
            fields: Mapping[str, str] = error.headers or {}
            wait_s = retry_after_s(fields.get("Retry-After", ""), fields.get("Date", ""))
            text = f"{live} answers with status {error.status}"
            raise OriginRefused(text, status=error.status, retry_after_s=wait_s) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreachable(live, error) from error

    async def _request(
        self,
        method: str,
        path: str,
        *,
        cap_bytes: int = ANSWER_CAP_BYTES,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        return (await self._answer(method, path, cap_bytes=cap_bytes, headers=headers, body=body)).content

    async def _answer(
        self,
        method: str,
        path: str,
        *,
        cap_bytes: int,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> "_Answer":
        all_headers = dict(headers or {}) | ({} if body is None else {"Content-Type": "application/json"})
        url = self._base + path
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._send(method, url, all_headers, body, cap_bytes)
            if answer.status not in REDIRECTS or not answer.location:
                self._check(url, answer, conditional="If-None-Match" in all_headers)
                return answer
            secret = "Authorization" in all_headers or body is not None
            target = redirect_target(url, answer.location, answer.status, secret=secret)
            self._base = moved_base(self._base, url, target)
            url = target
        raise OriginUnreachable(circle_reason(self._base + path, url))

    async def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, cap: int) -> "_Answer":
        request = self._session.request(
            method, url, headers=headers, data=body, allow_redirects=False, **self._way(url)
        )
        try:
            async with asyncio.timeout(_HEAD_S if body is None else _SEND_S):
                answer = await request
            async with answer:
                fields = answer.headers
                wait_s = retry_after_s(fields.get("Retry-After", ""), fields.get("Date", ""))
                content = await _bounded(answer, cap)
                return _Answer(answer.status, fields.get("Location", ""), wait_s, content, fields.get("ETag", ""))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._base = self.url  # the redirect that was followed before may be gone
            raise self._unreachable(url, error) from error

    def _check(self, url: str, answer: "_Answer", *, conditional: bool) -> None:
        if answer.status < 300:
            if is_web_page(answer.content):
                raise OriginUnreachable(portal_reason(url))
            return
        if answer.status == _NOT_MODIFIED and conditional:
            return
        proxy = self._network.proxy(url)
        if answer.status == 407 and proxy is not None:
            raise OriginUnreachable(f"{url} does not answer: {proxy_refusal(proxy, answer.status)}")
        if answer.status == 511 or (answer.status in WEB_PAGE_STATUSES and is_web_page(answer.content)):
            raise OriginRefused(portal_reason(url, answer.status), status=answer.status)
        detail = _detail(answer.content)
        if detail is None:
            detail = "no reason given" if proxy is None else f"no reason given, perhaps by {proxy}"
        raise OriginRefused(
            f"{url} answers with status {answer.status}: {detail}",
            status=answer.status,
            detail=detail,
            retry_after_s=answer.retry_after_s,
        )

    def _way(self, url: str) -> dict[str, Any]:
        """Return how to connect, as arguments of aiohttp."""
        way: dict[str, Any] = {"ssl": self._network.tls()} if url.startswith("https:") else {}
        proxy = self._network.proxy(url)
        if proxy is not None:
            # aiohttp sends this to the proxy alone, as Proxy-Authorization
            login = {"Authorization": proxy.authorization} if proxy.login else None
            way |= {"proxy": proxy.address, "proxy_headers": login}
        return way

    def _unreachable(self, url: str, error: Exception) -> OriginUnreachable:
        log.debug("url=%s %s", url, type(error).__name__)
        reason = self._network.reason(error, url)
        where = url if url.startswith(self.url) else f"{url} (where {self.url} redirects to)"
        return OriginUnreachable(f"{where} does not answer: {reason}", offline=is_offline(error))


@dataclass(frozen=True, slots=True)
class FetchedDocument:
    """A file of the content tree; `etag` is the server's name for this content, empty if it has none."""

    content: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    location: str
    retry_after_s: float | None
    content: bytes
    etag: str


@asynccontextmanager
async def open_client(
    url: str, token: str | None = None, network: Network | None = None
) -> AsyncIterator[OriginClient]:
    """Open a client of the origin at `url`. `token` is sent to `/v1/` only, never with requests for content.

    Without `network` the variables of the environment say whether there is a proxy.
    """
    headers = {"Accept-Encoding": "identity"}  # a compressed answer could become larger than any limit
    network = network or Network()
    host = urlsplit(url).hostname or ""

    opened: list[socket.socket] = []  # since the last connection was made

    def counted(found: Any) -> socket.socket:
        opened[:] = [one for one in opened if one.fileno() >= 0]
        opened.append(network.meter.open(*found[:3], host=host))
        return opened[-1]

    async def connected(*_: object) -> None:
        for one in opened if network.proxy(url) is None else ():
            with contextlib.suppress(OSError):  # it is not the one that answered first
                network.addresses.answered(host, str(one.getpeername()[0]))
        opened.clear()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    # Its cache would turn the addresses round: one that leads nowhere would come first at every second connection.
    resolver = NameResolver(network.addresses)
    connector = PiecewiseConnector(resolver=resolver, use_dns_cache=False, socket_factory=counted)
    async with aiohttp.ClientSession(
        timeout=_TIMEOUT,
        headers=headers,
        auto_decompress=False,
        connector=connector,
        trace_configs=[trace],
        cookie_jar=aiohttp.DummyCookieJar(),  # an origin has none; those of a server in between would only pile up
    ) as session:
        yield OriginClient(session, url, token, network)


def _detail(raw: bytes) -> str | None:
    if len(raw) > _REASON_CAP_BYTES:
        return None  # no origin gives a reason that long
    try:
        detail = json.loads(raw)["detail"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return printable(detail, 200) if isinstance(detail, str) else None


async def _bounded(answer: aiohttp.ClientResponse, cap_bytes: int) -> bytes:
    received = bytearray()
    loop = asyncio.get_running_loop()
    since_s, before = loop.time(), 0
    while True:
        async with asyncio.timeout(_WINDOW_S):
            piece = await answer.content.read(64 * 1024)
        if not piece:
            return bytes(received)
        received += piece
        if loop.time() - since_s >= _WINDOW_S:
            if len(received) - before < LEAST_BYTES_S * _WINDOW_S:
                raise TimeoutError
            since_s, before = loop.time(), len(received)
        if len(received) > cap_bytes and (answer.status >= 300 or is_web_page(received)):
            return bytes(received[:cap_bytes])  # its beginning says enough
        if len(received) > cap_bytes:
            raise Untrusted(f"{answer.url} sends more than the allowed {cap_bytes} bytes")


def _encode(document: BaseModel) -> bytes:
    return document.model_dump_json().encode()


def _parsed(raw: bytes, model: type[Answer]) -> Answer:
    try:
        return read_strictly(model, raw, most_values=_MOST_VALUES)
    except ValueError as error:
        raise OriginUnreachable(
            "the answer is not one of a signage origin: check origin.url and any proxy in between", answered=True
        ) from error
