"""Serves the console's own files, under a policy that lets the page load and call nothing but this origin."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from sync.http.bodies import file_answer
from sync.http.conditional import conditional
from sync.http.operations import OPERATION

CONSOLE = Path(__file__).with_name("page")
WEB = Path(__file__).with_name("web")

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".ftl": "text/plain; charset=utf-8",
}
_IMPORT_MAP = re.compile(rb'<script type="importmap">(.*?)</script>', re.DOTALL)


def add_console(app: web.Application) -> None:
    """Route `/`, `/console/` and each file of the console that is there; nothing else is ever looked up on the disk."""
    _add_folder(app, CONSOLE, "/")
    _add_folder(app, WEB, "/console/")
    app.router.add_get("/console", _to_folder)


def has_libraries() -> bool:
    """Tell whether what the console uses in browsers is there (`script/libraries` brings it)."""
    return (WEB / "libraries" / "made-from").is_file()


def _add_folder(app: web.Application, folder: Path, prefix: str) -> None:
    policy = policy_of((folder / "index.html").read_bytes())
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TYPES:
            place = path.relative_to(folder).as_posix()
            app.router.add_get(prefix if place == "index.html" else f"{prefix}{place}", _serve(path, policy))


def policy_of(page: bytes) -> str:
    """Return the content security policy of a page; of scripts in it only the import map is allowed, by its hash."""
    found = _IMPORT_MAP.search(page)
    inside = f" 'sha256-{base64.b64encode(hashlib.sha256(found[1]).digest()).decode()}'" if found else ""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self'{inside}",
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


async def _to_folder(request: web.Request) -> web.StreamResponse:
    """Send `/console` to `/console/`, by a relative address: a proxy may put both below a path."""
    request[OPERATION] = "console"
    return web.Response(status=308, headers={hdrs.LOCATION: "console/"})


def _serve(path: Path, policy: str) -> Handler:
    read = cache(path.read_bytes)  # once: a page of another version must not speak to this API

    async def serve(request: web.Request) -> web.StreamResponse:
        request[OPERATION] = "console"
        answer = conditional(request, file_answer(read(), _TYPES[path.suffix]))
        answer.headers["Content-Security-Policy"] = policy  # also on 304: a browser puts its headers on what it keeps
        return answer

    return serve


async def harden(request: web.Request, response: web.StreamResponse) -> None:
    """Add to every answer what keeps a browser from guessing types or telling other sites about us."""
    response.headers.setdefault(hdrs.X_CONTENT_TYPE_OPTIONS, "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
