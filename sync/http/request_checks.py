"""Checks the first lines of a request before anything else looks at it: version, method, and the host it names."""

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web

from sync.http.problems import Handler, problem

_HOST = re.compile(r"([A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+(%\w+)?\])(:[0-9]{0,5})?")
_MOST_KNOWN = 64  # names and addresses of this program
_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"


@web.middleware
async def check_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what aiohttp lets pass and RFC 9110 and 9112 do not, and close the connection.

    That is another version of HTTP, a tunnel, a `Host` that is none, and a body in more codings than in chunks.
    `OPTIONS *` asks for the methods of the server as a whole.
    """
    if request.version not in (HttpVersion10, HttpVersion11):
        return _refused(request, 505, "HTTP version not supported", "send HTTP/1.1")
    if request.method == hdrs.METH_CONNECT:
        return _refused(request, 501, "Not implemented", "this is no proxy: it opens no tunnels")
    if request.headers.get(hdrs.TRANSFER_ENCODING, "chunked").strip().lower() != "chunked":
        return _refused(request, 501, "Not implemented", "chunked is the only Transfer-Encoding")
    if _HOST.fullmatch(request.headers.get(hdrs.HOST, "")) is None:
        return _refused(request, 400, "Bad request", "the Host header is not a host with an optional port")
    if request.method == hdrs.METH_OPTIONS and request.path == "*":
        return web.Response(status=204, headers={hdrs.ALLOW: _METHODS})
    return await handler(request)


def host_name(request: web.Request) -> str:
    """Return the name or address that the request was sent to, in lower case, without its port."""
    return _name_of(request.host)


@lru_cache(maxsize=_MOST_KNOWN)
def _name_of(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


@lru_cache(maxsize=_MOST_KNOWN)
def is_address(name: str) -> bool:
    """Return whether a host is an IP address: no name server can make that point elsewhere."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _refused(request: web.Request, status: int, title: str, detail: str) -> web.Response:
    answer = problem(status, title.lower().replace(" ", "-"), title, detail, request.path)
    answer.force_close()
    return answer
