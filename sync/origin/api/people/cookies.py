"""The cookies of the console: of the session, of a browser in which somebody logged in, and of one that is about to.

Scripts cannot read them, other sites cannot have them sent, and behind a proxy they count below its path only: from the
folder of the address that sets them. So what opens a session is right below `/v1/`.
"""

from aiohttp import hdrs, web

from sync.http.forwarded import cookie_path, is_secure
from sync.origin.http.auth import COOKIE
from sync.trust.signing import token_hash

SESSION_S = 7 * 86_400
BROWSER_COOKIE = "signage_browser"
BROWSER_S = 90 * 86_400
CHALLENGE_COOKIE = "signage_challenge"
CHALLENGE_S = 3_600


def set_session(request: web.Request, answer: web.StreamResponse, token: str) -> None:
    """Have the browser send the token of a session from now on, in place of the one that it has."""
    _set(request, answer, COOKIE, token, SESSION_S)
    if not cookie_path(request) and COOKIE in request.cookies:
        _forget_cookie_of_host(answer)


def end_session(request: web.Request, answer: web.StreamResponse) -> None:
    """Have the browser forget the session."""
    _set(request, answer, COOKIE, "", 0)
    if not cookie_path(request):
        _forget_cookie_of_host(answer)


def set_browser(request: web.Request, answer: web.StreamResponse, token: str) -> None:
    """Have the browser be known from now on."""
    _set(request, answer, BROWSER_COOKIE, token, BROWSER_S)


def set_challenged(request: web.Request, answer: web.StreamResponse, token: str) -> None:
    """Have the browser be known as the one that was asked something, so that no other one may answer."""
    _set(request, answer, CHALLENGE_COOKIE, token, CHALLENGE_S)


def challenged_token(request: web.Request) -> str | None:
    """Return the cookie of a browser that was asked something; None if it was not, or long ago."""
    return request.cookies.get(CHALLENGE_COOKIE)


def session_hash(request: web.Request) -> str | None:
    """Return the hash of the session's cookie, None if there is none."""
    return _hash(request, COOKIE)


def browser_hash(request: web.Request) -> str | None:
    """Return the hash of the browser's cookie, None if there is none."""
    return _hash(request, BROWSER_COOKIE)


def _hash(request: web.Request, name: str) -> str | None:
    cookie = request.cookies.get(name)
    return None if cookie is None else token_hash(cookie)


def _set(request: web.Request, answer: web.StreamResponse, name: str, value: str, seconds: int) -> None:
    secure, path = is_secure(request), cookie_path(request)
    answer.set_cookie(name, value, max_age=seconds, path=path, httponly=True, samesite="Strict", secure=secure)


def _forget_cookie_of_host(answer: web.StreamResponse) -> None:
    """Have the browser drop a cookie for all of the host, which came without the proxy or from an older version."""
    answer.headers.add(hdrs.SET_COOKIE, f"{COOKIE}=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict")
