"""Compresses text answers (gzip) for those who ask for it: lists of the API, CSV, and the files of the console.

What is left as it is: content, whose bytes devices count; short answers, which would become longer; and answers to
pairings, which hold a token. Whoever can have a secret compressed together with a text of his own could guess it from
the length (BREACH). The cookie of a page is in no body, and is not sent with requests from other sites.
"""

import gzip
from functools import lru_cache

from aiohttp import hdrs, web

from sync.http.conditional import CODED
from sync.http.problems import Handler
from sync.runtime.threads import in_thread

LEAST_BYTES = 1024
_AS_THEY_ARE = ("/content/", "/v1/pairings")
_TEXTS = frozenset(
    {"application/json", "image/svg+xml", "text/css", "text/csv", "text/html", "text/javascript", "text/plain"}
)
_LONG_BYTES = 64 * 1024
"""A longer body is compressed in a thread: 1 MiB takes 20 ms."""
_LEVEL = 6


@web.middleware
async def compress(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Compress the answer to a GET or HEAD, if it is a text of some length and the caller accepts that.

    The ETag of a compressed answer is another one: `conditional` knows both for the same.
    """
    answer = await handler(request)
    if request.method not in (hdrs.METH_GET, hdrs.METH_HEAD) or request.path.startswith(_AS_THEY_ARE):
        return answer
    if answer.status == web.HTTPNotModified.status_code:
        answer.headers.setdefault(hdrs.VARY, hdrs.ACCEPT_ENCODING)
    if not isinstance(answer, web.Response) or answer.prepared or answer.status != web.HTTPOk.status_code:
        return answer
    body = answer.body
    if not isinstance(body, bytes) or len(body) < LEAST_BYTES or answer.content_type not in _TEXTS:
        return answer
    answer.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
    if accepts_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
        answer.body = await in_thread(_compressed, body) if len(body) > _LONG_BYTES else _kept(body)
        answer.headers[hdrs.CONTENT_ENCODING] = "gzip"
        if (tag := answer.headers.get(hdrs.ETAG)) is not None:
            answer.headers[hdrs.ETAG] = f'{tag[:-1]}{CODED}"'
    return answer


def accepts_gzip(accepted: str) -> bool:
    """Return whether an `Accept-Encoding` (RFC 9110, 12.5.3) allows gzip; a weight that is no number is 0."""
    weights: dict[str, float] = {}
    for entry in accepted.lower().split(","):
        coding, _, parameter = entry.partition(";")
        name, _, weight = parameter.strip().partition("=")
        try:
            weights[coding.strip()] = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)


_kept = lru_cache(maxsize=64)(_compressed)  # the files of the console, and what many ask for again and again
