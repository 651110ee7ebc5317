"""Refuses requests that a foreign page makes a browser send: under another name (DNS rebinding) or from another origin.

Rebinding needs a name, so addresses are always allowed and names only when listed. A write and a WebSocket must come
from a page of this very host and port, because browsers send a same-site cookie from every port of the host. Behind a
proxy that replaces `Host` the browser's own word counts (`Sec-Fetch-Site`).
"""

from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from sync.errors import Forbidden
from sync.http.forwarded import is_own_page
from sync.http.request_checks import host_name, is_address

_READS = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})


def allowed_names(host: str, extra: tuple[str, ...]) -> frozenset[str]:
    """Return the host names that are allowed, in lower case: localhost, its own, and those listed in the settings."""
    return frozenset(name.lower() for name in ("localhost", host, *extra) if name)


def check_host(allowed: frozenset[str]) -> Middleware:
    """Return a middleware that refuses other host names than `allowed` (or plain addresses), and foreign pages."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = host_name(request)
        if name not in allowed and not is_address(name):
            raise Forbidden(f"{name!r} is not a name of this origin; add it to server.allowed_hosts")
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and _is_write_or_socket(request) and not _is_page_of(origin, request):
            raise Forbidden(
                f"a page of {origin[:200]} may not act here, at {request.host}; "
                "if a proxy stands before this origin, have it pass on the Host header as it came, or name it in "
                "server.trusted_proxies and have it set X-Forwarded-Host"
            )
        return await handler(request)

    return check


def is_own_address(url: str, request: web.Request, allowed: frozenset[str]) -> bool:
    """Return whether `url` may be an address of this origin: by its name in the settings, or in this very request.

    Addresses without a name always may: whether they are ours cannot be told behind a proxy.
    """
    try:
        name = (urlsplit(url).hostname or "").lower()
    except ValueError:
        return False
    return name in allowed or name == host_name(request) or is_address(name)


def _is_page_of(origin: str, request: web.Request) -> bool:
    try:
        return is_own_page(request, urlsplit(origin).netloc)
    except ValueError:  # not a URL
        return False


def _is_write_or_socket(request: web.Request) -> bool:
    upgrade = request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"
    return upgrade or request.method not in _READS
