"""Hands files over to the nginx before the origin: it sends what `X-Accel-Redirect` names, the origin only allows it.

Who may read a file, and which one a request means, stays with the origin: the header names a file of ours below a
location that nginx marks as `internal`. config/nginx.conf has both sides.
"""

from collections.abc import Mapping

from aiohttp import hdrs, web

from sync.http.conditional import conditional
from sync.http.forwarded import proxy_header

X_ACCEL_REDIRECT = "X-Accel-Redirect"


class HandedOver:
    """Answers for files below the folder that nginx knows as `location`; without a location there are none."""

    def __init__(self, location: str = "") -> None:
        self._location = location

    def answer(self, request: web.Request, path: str, headers: Mapping[str, str]) -> web.StreamResponse | None:
        """Return an answer that has nginx send the file `path` of the folder, or what replaces it (304).

        None: the request did not come through a trusted proxy, or has a condition (`If-Match`) that nginx would judge
        by an ETag of its own. A player on this machine that asks the origin itself is no proxy.
        """
        if not self._location or not proxy_header(request, "X-Forwarded-For") or hdrs.IF_MATCH in request.headers:
            return None
        answer = web.Response(headers=headers)
        answer.headers[X_ACCEL_REDIRECT] = self._location + path
        return conditional(request, answer)
