"""Who may use the endpoint of the device: the token, sessions of pages, and the checks against other web sites.

On loopback everybody on the device may read. Writing always needs the token; on other addresses reading needs it too.
"""

import ipaddress
import logging
import secrets
import ssl
from collections.abc import Callable
from contextlib import suppress
from hmac import compare_digest
from pathlib import Path

from aiohttp import web

from player.settings.configuration import Configuration
from player.settings.model import EndpointSettings, Settings
from sync.errors import Forbidden, Rejected, StorageBroken, StorageFull, Unauthenticated
from sync.http.listener import hold_by_token
from sync.http.operations import UNGUARDED, Access, Needed
from sync.http.request_checks import host_name, is_address
from sync.runtime.clock import Clock
from sync.runtime.file_with_copy import FileWithCopy
from sync.runtime.os_messages import os_reason
from sync.trust.signing import new_token, token_hash

COOKIE = "signage_player"
SESSION_S = 12 * 3600.0
TOKEN_FILE = "endpoint_token"

_MOST_SESSIONS = 64
_STORE_AGAIN_S = 60.0
_SHORTEST_TOKEN = 16  # a file that was cut off must not make a token that can be guessed
_TOKEN_CAP_BYTES = 4096

log = logging.getLogger(__name__)


def is_local(host: str) -> bool:
    """Return whether only this device can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_listening(settings: Settings) -> None:
    """Refuse to listen on another address than loopback without TLS.

    Raises:
        Rejected: the certificate or the key is missing or unreadable, or they do not belong together.
    """
    tls_context(settings.endpoint)


def tls_context(endpoint: EndpointSettings) -> ssl.SSLContext | None:
    """Return the TLS context; None: plain HTTP, on loopback.

    Raises:
        Rejected: see `check_listening`.
    """
    certificate, key = endpoint.tls_certificate, endpoint.tls_key
    if certificate is None or key is None:
        missing = "endpoint.tls_certificate" if certificate is None else "endpoint.tls_key"
        if is_local(endpoint.host) and certificate is key:
            return None
        raise Rejected(
            f"listening on {endpoint.host} needs TLS: set endpoint.tls_certificate and endpoint.tls_key",
            fields={missing: "is not set"},
        )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        wrong = "they are no PEM certificate and key, or do not belong together"
        why = wrong if isinstance(error, ssl.SSLError) else os_reason(error)
        reason = f"{certificate} and {key} cannot be used: {why}"
        raise Rejected(reason, fields={"endpoint.tls_certificate": reason}) from error
    return context


class EndpointToken:
    """The token in force. One that cannot be stored is known to nobody: storing it is tried again each minute."""

    def __init__(self, folder: Path, report_problem: Callable[[str], None]) -> None:
        self._folder = folder
        self._report_problem = report_problem
        self._problem = ""
        self.value = new_token()
        self._store()

    async def run(self, clock: Clock) -> None:
        """Try to store it until that has worked; runs until cancelled."""
        while True:
            await clock.sleep(_STORE_AGAIN_S if self._problem else float("inf"))
            self._store()

    def _store(self) -> None:
        problem = ""
        try:
            self.value = read_or_make_token(self._folder)
        except (StorageBroken, StorageFull) as error:  # the endpoint can be read all the same
            problem = f"The endpoint's token cannot be stored, so nothing can be changed over the endpoint: {error}."
        if bool(problem) != bool(self._problem):
            log.log(logging.ERROR if problem else logging.INFO, "endpoint=token %s", problem or "stored")
        self._problem = problem
        self._report_problem(problem)


def read_or_make_token(folder: Path) -> str:
    """Return the token of the endpoint; make it at the first start. Only the owner can read its file.

    Raises:
        StorageBroken, StorageFull: there is no token yet and a new one cannot be stored.
    """
    file = FileWithCopy(folder / TOKEN_FILE, _parse_token, _TOKEN_CAP_BYTES, mode=0o600, can_be_deleted=True)
    token, whole = file.find().value, file.find_copy().value
    if token is not None and whole is not None and whole.startswith(token) and token != whole:
        file.save(f"{whole}\n".encode())  # the file was cut off
        return whole
    if token is not None:
        with suppress(StorageBroken, StorageFull):  # it is known, and the status names the file
            file.repair()
        return token
    token = new_token()
    file.save(f"{token}\n".encode())
    log.info("endpoint=token made, see %s", file.path)
    return token


def _parse_token(raw: bytes) -> str:
    token = raw.decode("ascii").strip()
    if len(token) < _SHORTEST_TOKEN or not token.isprintable():
        raise ValueError("not a token")
    return token


class AccessGuard:
    """Checks every request against `token`. Sessions are in memory and end with the daemon."""

    def __init__(self, token: Callable[[], str], configuration: Configuration, clock: Clock) -> None:
        self._token = token
        self._configuration = configuration
        self._clock = clock
        self._sessions: dict[str, float] = {}  # hash of the cookie: monotonic time at which it ends

    async def check(self, request: web.Request, access: Needed) -> None:
        """Return if the request is allowed.

        Raises:
            Forbidden: the host name is not one of ours, or the page belongs to another web site.
            Unauthenticated: the request needs the token.
        """
        self._refuse_other_names(request)
        _refuse_other_pages(request)
        is_authenticated = self._is_authenticated(request)
        if is_authenticated:
            hold_by_token(request, TOKEN_FILE)
        open_to_all = access in UNGUARDED or (access is Access.READ and is_local(self._endpoint.host))
        if not (open_to_all or is_authenticated):
            raise Unauthenticated(
                f"this needs the token in the file {TOKEN_FILE}: send `Authorization: Bearer …`, or log in"
            )

    def _is_authenticated(self, request: web.Request) -> bool:
        """Return whether the request has the token, or the cookie of a session."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._is_token(token.strip())
        ends_s = self._sessions.get(token_hash(request.cookies.get(COOKIE, "")))
        return ends_s is not None and self._clock.monotonic() < ends_s

    def log_in(self, token: str, response: web.Response) -> None:
        """Start a session in `response`.

        Raises:
            Unauthenticated: the token is wrong.
        """
        if not self._is_token(token):
            raise Unauthenticated("this is not the token of this device")
        now_s = self._clock.monotonic()
        open_sessions = {name: ends_s for name, ends_s in self._sessions.items() if ends_s > now_s}
        self._sessions = dict(list(open_sessions.items())[-_MOST_SESSIONS + 1 :])
        cookie = secrets.token_urlsafe(32)
        self._sessions[token_hash(cookie)] = now_s + SESSION_S
        secure = self._endpoint.tls_key is not None
        response.set_cookie(
            COOKIE, cookie, max_age=int(SESSION_S), httponly=True, samesite="Strict", secure=secure, path="/"
        )

    def log_out(self, request: web.Request, response: web.Response) -> None:
        """End the session of the request, if there is one."""
        self._sessions.pop(token_hash(request.cookies.get(COOKIE, "")), None)
        response.del_cookie(COOKIE, path="/")

    @property
    def _endpoint(self) -> EndpointSettings:
        return self._configuration.settings.endpoint

    def _is_token(self, token: str) -> bool:
        return compare_digest(token_hash(token), token_hash(self._token()))

    def _refuse_other_names(self, request: web.Request) -> None:
        """Prevent DNS rebinding: another site's name that resolves to this device. An address cannot be rebound."""
        name = host_name(request).rstrip(".")
        ours = {"localhost", self._endpoint.host, *self._endpoint.allowed_hosts}
        if name not in ours and not is_address(name):
            raise Forbidden(f"the name {name!r} is not allowed for this device: add it to endpoint.allowed_hosts")


def _refuse_other_pages(request: web.Request) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.host}":
        raise Forbidden(f"a page of {origin} may not use this device")
    site, mode = request.headers.get("Sec-Fetch-Site", "none"), request.headers.get("Sec-Fetch-Mode", "")
    if site not in ("none", "same-origin") and mode != "navigate":  # picture and script tags send no Origin header
        raise Forbidden("a page of another site may not use this device")
