"""What stands before this program: signs of a reverse proxy in a request, and addresses that stay right behind one.

A proxy may serve this program under a path of its own (`/signage/`) and cut it off. Nothing in the request tells the
path then, so what a page or a client is to ask next is named relative to what it asked now.

Anybody can send `X-Forwarded-For`, `-Proto` and `-Host`. They are believed only where `TRUSTED_PROXIES` has the peer.
`Forwarded` (RFC 7239) is never read: a proxy that sets the one kind passes on the other as its caller sent it.
"""

import posixpath
from collections.abc import Collection, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp import HttpVersion11, hdrs, web

IpAddress = IPv4Address | IPv6Address
Networks = Collection[IPv4Network | IPv6Network]

TRUSTED_PROXIES: web.AppKey[Networks] = web.AppKey("trusted_proxies", Collection)
"""The networks of an application whose word about the caller is believed; without them nobody's is."""

_MOST_KNOWN = 1024  # addresses; who asks again is known, and strangers with many cost no memory
_SIGNS = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")


def location(request: web.Request, path: str) -> str:
    """Return `path`, which begins with `/`, for a `Location` header; relative if a proxy passed the request on.

    RFC 9110 (10.2.2) and tus 1.0 allow both. Without a proxy it is the path itself, as older clients expect.
    """
    if not is_behind_proxy(request):
        return path
    return posixpath.relpath(path, posixpath.dirname(request.path))


def cookie_path(request: web.Request) -> str:
    """Return the path of a cookie that `/v1/` sets; empty behind a proxy.

    Without a path it counts below the folder of the address that set it, as the browser knows it (`/signage/v1`), so
    that programs that share a host do not log each other's pages out.
    """
    return "" if is_behind_proxy(request) else "/"


def is_behind_proxy(request: web.Request) -> bool:
    """Return whether a reverse proxy seems to have passed the request on; forging that changes only one's own answer.

    Its signs are its headers, and HTTP/1.0, which nginx speaks.
    """
    return request.version < HttpVersion11 or any(name in request.headers for name in _SIGNS)


def is_secure(request: web.Request) -> bool:
    """Return whether the caller uses TLS; behind a trusted proxy its header tells."""
    return request.secure or proxy_header(request, "X-Forwarded-Proto").lower() == "https"


def client_of(request: web.Request, app: web.Application) -> str:
    """Return the address of the caller: of the peer, or the one that trusted proxies name; empty if it is not known."""
    forwarded = request.headers.getall("X-Forwarded-For", [])
    return client_address(request.remote or "", forwarded, app.get(TRUSTED_PROXIES, ()))


def client_address(peer: str, forwarded: Sequence[str], trusted: Networks) -> str:
    """Return the last address before the trusted proxies, from the peer and the headers `X-Forwarded-For`.

    Each proxy adds the address of its own peer at the end. What stands before the first one that is not trusted may be
    made up, and so may everything before an entry that is no address.
    """
    client = peer
    for entry in reversed(",".join(forwarded).split(",")) if forwarded else ():
        found = _address(entry)
        if found is None or not is_trusted(client, trusted):
            break
        client = str(found)
    return client


def is_trusted(address: str, trusted: Networks) -> bool:
    """Return whether an address is in one of the networks."""
    return _is_trusted(address, tuple(trusted))


@lru_cache(maxsize=_MOST_KNOWN)
def _is_trusted(address: str, trusted: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    found = _address(address)
    return found is not None and any(found in network for network in trusted)


def is_from_this_machine(request: web.Request) -> bool:
    """Return whether the caller is on this machine, and not a proxy that passes on requests from outside."""
    found = _address(request.remote or "")
    return found is not None and found.is_loopback and not is_behind_proxy(request)


def _address(entry: str) -> IpAddress | None:
    """Return the address of an entry such as `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`."""
    bare = entry.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare.partition("%")[0])  # a zone of a link (`fe80::1%eth0`) is of no use elsewhere
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def proxy_header(request: web.Request, name: str) -> str:
    """Return a header that a trusted proxy sent, else nothing."""
    trusted = is_trusted(request.remote or "", request.app.get(TRUSTED_PROXIES, ()))
    return request.headers.get(name, "") if trusted else ""


def is_own_page(request: web.Request, netloc: str) -> bool:
    """Return whether a page of this program sent the request; `netloc` is host and port of its `Origin`.

    `Host` may have been replaced by a proxy. Some put it into `X-Forwarded-Host`. `Sec-Fetch-Site` passes through, and
    no page can set it: a browser compares the addresses that it knows. It is not sent over plain HTTP, except to
    loopback.
    """
    hosts = (request.headers.get(hdrs.HOST, ""), proxy_header(request, "X-Forwarded-Host").partition(",")[0].strip())
    same = request.headers.get("Sec-Fetch-Site", "").lower() == "same-origin"
    return same or netloc.lower() in (host.lower() for host in hosts if host)
