"""Preconditions and byte ranges of requests, by RFC 9110 (sections 13 and 14).

Nothing here has a date of modification, so conditions by date (`If-Modified-Since`, a date in `If-Range`) are ignored,
as the RFC demands.
"""

import re
import sys

from aiohttp import hdrs, web

from sync.http.problems import problem

READS = (hdrs.IF_MATCH, hdrs.IF_NONE_MATCH)
"""The headers that every answer with an ETag heeds."""

CODED = "-gzip"
"""The end of the ETag of an answer that is compressed: its bytes are others, what it says is the same."""

_ETAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\U0010ffff]*")')
_BYTES = re.compile(r"(\d*)-(\d*)", re.ASCII)
_MOST_DIGITS = 18  # of a position; a larger one is behind the end of every file


def conditional(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    """Return `answer`, or what replaces it because of the preconditions of a GET or HEAD: 304, or a problem with 412.

    An answer without an ETag, or one that failed, is returned as it is.
    """
    tag = answer.headers.get(hdrs.ETAG)
    if tag is None or answer.status != 200 or answer.prepared:
        return answer
    if hdrs.IF_MATCH in request.headers and not _named(request, hdrs.IF_MATCH, tag):
        detail = "the If-Match of the request names other bytes: read it again without"
        return problem(412, "precondition-failed", "Precondition failed", detail, request.path)
    if hdrs.IF_NONE_MATCH in request.headers and (held := _named(request, hdrs.IF_NONE_MATCH, tag, weak=True)):
        caching = answer.headers.get(hdrs.CACHE_CONTROL)
        return web.Response(status=304, headers={hdrs.ETAG: held} | ({hdrs.CACHE_CONTROL: caching} if caching else {}))
    return answer


def _named(request: web.Request, header: str, tag: str, *, weak: bool = False) -> str | None:
    """Return which of a list of ETags is `tag`, perhaps compressed; `weak` ones count where only a copy matters."""
    listed = ",".join(request.headers.getall(header)).strip()
    if listed == "*":
        return tag
    same = (tag, f'{tag[:-1]}{CODED}"')
    return next((found for mark, found in _ETAG.findall(listed) if found in same and (weak or not mark)), None)


def requested_range(request: web.Request, tag: str, size: int) -> range | None:
    """Return the positions that the request asks for, an empty range if they cannot be satisfied (416).

    None is the whole: without a range, with several, in another unit than bytes, with another method than GET, or if
    `If-Range` is not exactly `tag`.
    """
    unit, _, listed = ",".join(request.headers.getall(hdrs.RANGE, ())).partition("=")
    asked = [one for one in map(str.strip, listed.split(",")) if one]
    is_ranged = request.method == hdrs.METH_GET and unit.strip().lower() == "bytes" and len(asked) == 1
    if not is_ranged or request.headers.get(hdrs.IF_RANGE, tag) != tag:
        return None
    found = _BYTES.fullmatch(asked[0])
    return range(0) if found is None else _positions(found[1], found[2], size)


def _positions(first: str, last: str, size: int) -> range:
    if not first:
        return range(max(0, size - _number(last or "0")), size)
    if last and _number(last) < _number(first):
        return range(0)
    return range(_number(first), min(size, _number(last) + 1) if last else size)


def _number(digits: str) -> int:
    return int(digits) if len(digits) <= _MOST_DIGITS else sys.maxsize
