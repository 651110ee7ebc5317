"""Serves the console's own files, under a policy that lets the page load and call nothing but this origin."""

from functools import cache
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from sync.http.bodies import file_answer
from sync.http.conditional import conditional
from sync.http.operations import OPERATION

CONSOLE = Path(__file__).with_name("page")

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_TEXTS = frozenset({".html", ".css", ".js", ".svg"})


def add_console(app: web.Application) -> None:
    """Route `/` and each file of the console; nothing else is ever looked up on the disk."""
    for path in sorted(CONSOLE.rglob("*")):
        if path.suffix in _TYPES:
            route = f"/{path.relative_to(CONSOLE).as_posix()}"
            app.router.add_get("/" if route == "/index.html" else route, _serve(path))


def _serve(path: Path) -> Handler:
    media_type = f"{_TYPES[path.suffix]}; charset=utf-8" if path.suffix in _TEXTS else _TYPES[path.suffix]
    read = cache(path.read_bytes)  # once: a page of another version must not speak to this API

    async def serve(request: web.Request) -> web.StreamResponse:
        request[OPERATION] = "console"
        answer = conditional(request, file_answer(read(), media_type))
        answer.headers["Content-Security-Policy"] = _POLICY  # also on 304: a browser puts its headers on what it keeps
        return answer

    return serve


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Add to every answer what keeps a browser from guessing types or telling other sites about us."""
    response.headers.setdefault(hdrs.X_CONTENT_TYPE_OPTIONS, "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
