"""Walks the way to the origin step by step, and says where it ends: name, connection, TLS, HTTP, signatures, token.

It changes nothing, and asks as the player would: through the same proxy, with the same certificates.
"""

import asyncio
import secrets
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sync.device.origin_client import OriginClient, open_client
from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership, load_membership
from sync.device.transfer.addresses import look_up
from sync.device.transfer.connection import Network, TunnelRefused
from sync.errors import OriginRefused, SignageError, Untrusted
from sync.runtime.clock import Clock
from sync.runtime.os_messages import os_reason
from sync.runtime.threads import in_thread
from sync.trust.acceptance import check_root, check_timestamp
from sync.trust.signing import check_identity, next_root, open_envelope, pin_root, read_timestamp
from sync.wire.content_paths import root_path, timestamp_path
from sync.wire.device_reports import IdentityChallenge
from sync.wire.release import ROOT_CAP_BYTES, TIMESTAMP_CAP_BYTES, Root

_TIME_LIMIT_S = 10.0
_NO_SUCH_FILE = (403, 404, 410)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way; where `ok` is false the way ends, and `text` says why and what to do."""

    name: str
    ok: bool
    text: str


class _WayEnds(Exception):
    """The text says why, and what to do."""


async def walk_to_origin(url: str, network: Network, store: ContentStore, clock: Clock) -> tuple[Step, ...]:
    """Return the steps that were gone; the last one may be the one at which the way ends."""
    walk = _Walk(url.rstrip("/"), network, store, clock)
    steps: list[Step] = []
    try:
        async for step in walk.steps():
            steps.append(step)
    except (_WayEnds, SignageError, OSError) as error:
        reason = network.reason(error, url) if isinstance(error, OSError) else str(error)
        steps.append(Step(walk.at, False, reason))
    return tuple(steps)


class _Walk:
    """One walk; `at` is the step that is under way."""

    def __init__(self, url: str, network: Network, store: ContentStore, clock: Clock) -> None:
        self.at = "address"
        self._url = url
        self._network = network
        self._store = store
        self._clock = clock

    async def steps(self) -> AsyncIterator[Step]:
        proxy = self._network.proxy(self._url)
        address = urlsplit(self._url)
        ignored = self._network.ignored_proxy(self._url)
        note = f" ({ignored})" if ignored else ""
        yield Step("address", True, f"{self._url}, {'directly' if proxy is None else f'through {proxy}'}{note}")
        host, port = address.hostname or "", address.port or _PORTS[address.scheme]
        if proxy is not None:
            host, port = proxy.host, proxy.port
        self.at = "name"
        yield Step(self.at, True, await self._look_up(host, port))
        self.at = "connection"
        yield Step(self.at, True, await self._connect(host, port))
        if address.scheme == "https":
            self.at = "TLS"
            yield Step(self.at, True, await self._secure())
        self.at = "HTTP"
        async with open_client(self._url, None, self._network) as client:
            first = await self._first_root(client)
            yield Step(self.at, True, f"a signage origin answers, with root {first.version}")
            self.at = "signatures"
            membership = load_membership(self._store)
            if membership is None:
                yield Step(self.at, True, "this device is not paired yet, so any origin may be right")
                return
            root, text = await self._trusted_root(client, membership)
            yield Step(self.at, True, text + await self._timestamp(client, root, membership.channel))
        self.at = "token"
        async with open_client(self._url, membership.token, self._network) as client:
            yield Step(self.at, True, await self._token(client, membership))

    async def _look_up(self, host: str, port: int) -> str:
        try:
            async with asyncio.timeout(_TIME_LIMIT_S):
                found = await in_thread(look_up, host, port)
        except TimeoutError:
            raise _WayEnds(f"no DNS server answers for {host}: check the network and the DNS settings") from None
        except OSError as error:
            raise _WayEnds(f"{host}: {os_reason(error)}") from error
        addresses = list(dict.fromkeys(address for _, address, _ in found))
        return f"{host} is {', '.join(addresses)}"

    async def _connect(self, host: str, port: int) -> str:
        try:
            connection = await in_thread(socket.create_connection, (host, port), _TIME_LIMIT_S)
        except OSError as error:
            raise _WayEnds(f"{host} port {port}: {self._network.reason(error, self._url)}") from error
        with connection:
            return f"{connection.getpeername()[0]} port {port} accepts connections"

    async def _secure(self) -> str:
        try:
            connection = await in_thread(self._network.connect, self._url, _TIME_LIMIT_S)
        except TunnelRefused:
            self.at = "proxy"
            raise
        with connection:
            assert isinstance(connection, ssl.SSLSocket)
            certificate: dict[str, Any] = connection.getpeercert() or {}
        issuer = ", ".join(value for part in certificate.get("issuer", ()) for _, value in part)
        return f"the certificate is trusted: issued by {issuer}, until {certificate.get('notAfter', 'for ever')}"

    async def _first_root(self, client: OriginClient) -> Root:
        try:
            return pin_root(open_envelope(await client.document(root_path(1), ROOT_CAP_BYTES), ROOT_CAP_BYTES))
        except Untrusted as error:
            raise _WayEnds(f"{self._url} answers, but not as a signage origin ({error}): check origin.url") from error
        except OriginRefused as error:
            raise _WayEnds(f"{error}. If no signage origin is there, check origin.url and its path") from error

    async def _trusted_root(self, client: OriginClient, membership: DeviceMembership) -> tuple[Root, str]:
        """Return the newest root by the pinned one, and what that says; raises if the origin is another one."""
        root = self._store.root()
        if root is None:
            raise _WayEnds("the pinned root is lost; while the player runs it fetches it again")
        while (raw := await self._document(client, root_path(root.version + 1), ROOT_CAP_BYTES)) is not None:
            root = next_root(root, open_envelope(raw, ROOT_CAP_BYTES))
        check_root(root, self._store.known(membership.channel, root, self._clock))
        if membership.origin.rstrip("/") == self._url:
            return root, ""
        challenge = IdentityChallenge(nonce=secrets.token_hex(32), url=self._url)
        try:
            check_identity(root, await client.prove_identity(challenge), challenge)
        except (Untrusted, OriginRefused) as error:
            other = f"this is another origin than {membership.origin}, so this device pairs anew"
            raise _WayEnds(f"{other}: {error}") from error
        return root, f"this is {membership.origin}, which moved; "

    async def _timestamp(self, client: OriginClient, root: Root, channel: str) -> str:
        raw = await self._document(client, timestamp_path(channel), TIMESTAMP_CAP_BYTES)
        if raw is None:
            return f"nothing is published on channel {channel} yet"
        timestamp = read_timestamp(root, open_envelope(raw, TIMESTAMP_CAP_BYTES))
        check_timestamp(timestamp, channel, self._store.known(channel, root, self._clock))
        until = f"{timestamp.expires_at:%Y-%m-%d %H:%M} UTC"
        return f"release {timestamp.sequence} of channel {channel}, valid until {until}"

    async def _document(self, client: OriginClient, path: str, cap_bytes: int) -> bytes | None:
        try:
            return await client.document(path, cap_bytes)
        except OriginRefused as error:
            if error.status in _NO_SUCH_FILE:
                return None
            raise

    async def _token(self, client: OriginClient, membership: DeviceMembership) -> str:
        try:
            assigned = await client.channel_assignment()
        except OriginRefused as error:
            if error.status in (401, 403):
                gone = f"the origin does not know device {membership.device} any more: pair it again"
                raise _WayEnds(gone) from error
            raise
        return f"accepted: device {assigned.device}, channel {assigned.channel}"
