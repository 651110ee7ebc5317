"""Fetches the pieces of HTTP streams: never from this device itself, through the company's proxy, with limits."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from player.platform.own_addresses import OwnPorts, may_reach
from player.streams.hls import target
from sync.device.transfer.addresses import NameResolver, look_up
from sync.device.transfer.connection import REDIRECTS, Network
from sync.errors import MediaUnplayable, OriginUnreachable
from sync.runtime.threads import in_thread
from sync.wire.stream_url import shown_url

ANSWER_WITHIN_S = 8.0  # the head and the first bytes; the deck waits 10 s for a picture
CONNECT_WITHIN_S = 5.0
MOST_REDIRECTS = 8  # as ffmpeg
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_WITHIN_S, sock_read=10)
_MOST_CONNECTIONS = 32
_FORWARDED = ("Range", "User-Agent")
_CACHED_NAMES_S = 10
_MOST_COOKIES = 100
_UNAUTHORIZED = 401
_OWN = "an address of this device"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request, after redirects; `url` is the address that gave it."""

    url: str
    response: aiohttp.ClientResponse


class Upstream:
    """The way out; made by `open_upstream`. `network` returns how to reach a server, as the settings say it now."""

    def __init__(
        self,
        direct: aiohttp.ClientSession,
        proxied: aiohttp.ClientSession,
        network: Callable[[], Network],
        own: OwnPorts,
    ) -> None:
        self._direct = direct
        self._proxied = proxied
        self._network = network
        self._own_ports = own

    @asynccontextmanager
    async def get(self, url: str, headers: dict[str, str]) -> AsyncIterator[Answer]:
        """Ask for `url` and follow redirects to other HTTP addresses.

        Raises:
            MediaUnplayable: there is no answer, or a redirect leads where no stream may lead.
        """
        sent = {name: headers[name] for name in _FORWARDED if name in headers} | {"Accept-Encoding": "identity"}
        for _ in range(MOST_REDIRECTS + 1):
            response = await self._ask(url, sent)
            try:
                if response.status not in REDIRECTS:
                    yield Answer(url, response)
                    return
                url = target(url, response.headers.get("Location", ""))
            finally:
                response.close()
        raise MediaUnplayable(f"{shown_url(url)[:200]} is one redirect too many: more than {MOST_REDIRECTS}")

    async def _ask(self, url: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        network = self._network()
        try:
            way: dict[str, Any] = {"ssl": network.tls()} if urlsplit(url).scheme == "https" else {}
            session = self._direct
            if (proxy := network.proxy(url)) is not None:
                await self._refuse_own_name(url)
                login = {"Authorization": proxy.authorization} if proxy.login else None
                way |= {"proxy": proxy.address, "proxy_headers": login}
                session = self._proxied
            async with asyncio.timeout(ANSWER_WITHIN_S):
                return await _request(session, url, headers=headers, allow_redirects=False, **way)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            reason = own_reason(url) if _OWN in str(error) else f"{shown_url(url)[:200]}: {network.reason(error, url)}"
            raise MediaUnplayable(reason) from error
        except OriginUnreachable as error:  # of the settings
            raise MediaUnplayable(str(error)) from error

    async def _refuse_own_name(self, url: str) -> None:
        """Refuse a host that is this device. A name that only the proxy can look up is left to the proxy."""
        parts = urlsplit(url)
        with_port = parts.port or {"https": 443}.get(parts.scheme, 80)
        try:
            found = await look_up_in_time(parts.hostname or "", with_port)
        except (OSError, TimeoutError):
            return
        if not all(may_reach(address, port, self._own_ports) for _, address, port in found):
            raise OSError(errno.EACCES, _OWN)


async def _request(session: aiohttp.ClientSession, url: str, **how: Any) -> aiohttp.ClientResponse:
    """Send one request, and once more where the server wants the password of the address as a digest (cameras)."""
    address = URL(url, encoded=True)
    response = await session.get(address, **how)
    if len(session.cookie_jar) > _MOST_COOKIES:
        session.cookie_jar.clear()
    if response.status == _UNAUTHORIZED and address.user and _wants_digest(response):
        response.close()
        digest = aiohttp.DigestAuthMiddleware(address.user, address.password or "")
        response = await session.get(address.with_user(None), middlewares=(digest,), **how)
    return response


def _wants_digest(response: aiohttp.ClientResponse) -> bool:
    return any(each.lower().startswith("digest") for each in response.headers.getall("WWW-Authenticate", ()))


async def look_up_in_time(host: str, port: int) -> list[tuple[int, str, int]]:
    """Return the addresses of a host as (family, address, port); raises OSError and TimeoutError."""
    async with asyncio.timeout(ANSWER_WITHIN_S):
        return await in_thread(look_up, host, port)


@asynccontextmanager
async def open_upstream(network: Callable[[], Network], own_ports: OwnPorts) -> AsyncIterator[Upstream]:
    """Open the way out for HTTP. The check of an address stands where the connection is made: names may change."""

    def guarded(found: Any) -> socket.socket:
        host, port, *_ = found[4]
        if not may_reach(host, port, own_ports):
            raise OSError(errno.EACCES, _OWN)
        return counted(found)

    def counted(found: Any) -> socket.socket:
        return network().meter.open(*found[:3], host=found[4][0])

    def connector(**how: Any) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(
            resolver=NameResolver(), limit=_MOST_CONNECTIONS, ttl_dns_cache=_CACHED_NAMES_S, **how
        )

    def session(using: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        cookies = aiohttp.CookieJar(unsafe=True)  # those of servers without a name, too
        return aiohttp.ClientSession(
            timeout=_TIMEOUT, auto_decompress=False, connector=using, cookie_jar=cookies, read_bufsize=2**16
        )

    straight, through_proxy = connector(socket_factory=guarded), connector(socket_factory=counted)
    async with session(straight) as direct, session(through_proxy) as proxied:
        yield Upstream(direct, proxied, network, own_ports)


def own_reason(url: str) -> str:
    """Return why nothing is fetched from `url`, which leads to this device."""
    return f"{shown_url(url)[:200]} is {_OWN}: streams do not come from there (see streams.own_ports)"
