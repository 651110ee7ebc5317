"""What stands before this program: signs of a reverse proxy in a request, and addresses that stay right behind one.

A proxy may serve this program under a path of its own (`/signage/`) and cut it off. Nothing in the request tells the
path then, so what a page or a client is to ask next is named relative to what it asked now.
"""

import posixpath

from aiohttp import HttpVersion11, hdrs, web

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
    """Return whether a reverse proxy passed the request on: by its headers, or by HTTP/1.0, which nginx speaks."""
    return request.version < HttpVersion11 or any(name in request.headers for name in _SIGNS)


def is_secure(request: web.Request) -> bool:
    """Return whether the caller uses TLS. Behind a proxy only its header tells; who forges it harms only himself."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"


def is_own_page(request: web.Request, netloc: str) -> bool:
    """Return whether a page of this program sent the request; `netloc` is host and port of its `Origin`.

    `Host` may have been replaced by a proxy. Some put it into `X-Forwarded-Host`, which no foreign page can send: it
    would need our consent (CORS). `Sec-Fetch-Site` passes through, and no page can set it: a browser compares the
    addresses that it knows. It is not sent over plain HTTP, except to loopback.
    """
    hosts = (request.headers.get(hdrs.HOST, ""), request.headers.get("X-Forwarded-Host", "").partition(",")[0].strip())
    same = request.headers.get("Sec-Fetch-Site", "").lower() == "same-origin"
    return same or netloc.lower() in (host.lower() for host in hosts if host)
