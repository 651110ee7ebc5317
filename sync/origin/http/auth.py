"""Finds out who calls: people by key or by the cookie of a page that logged in, devices by their token.

Tokens are looked up by their hash, so neither the database nor the time of an answer reveals anything about them.
"""

import logging
import secrets
from typing import Literal

from aiohttp import hdrs, web

from sync.errors import Forbidden, Unauthenticated
from sync.http.bodies import json_answer, read_json
from sync.http.forwarded import cookie_path, is_secure
from sync.http.listener import hold_by_token
from sync.http.operations import UNGUARDED, Access, Needed, Operation
from sync.origin.http.origin_memory import Caller, OriginMemory
from sync.origin.store.keys import Key, KeyStore
from sync.roles import Rights, Role, refusal
from sync.runtime.clock import Clock, unix_ms
from sync.trust.signing import new_token, token_hash
from sync.wire.value_types import Name, Request, Wire

COOKIE = "signage_session"
SESSION_S = 7 * 86_400
FIRST_KEY = "first"

log = logging.getLogger(__name__)


_CALLER = web.RequestKey("caller", Caller)


class Login(Request):
    """A person's key, typed into the page."""

    token: str


class Whoami(Wire):
    """Who is logged in: the roles that include others name those too; `access` is what there was before roles."""

    name: Name
    access: Literal["read", "write"]
    roles: list[Role]


class Gatekeeper:
    """Identifies callers, guards operations and keeps the sessions of pages."""

    def __init__(self, keys: KeyStore, memory: OriginMemory, clock: Clock) -> None:
        self._keys = keys
        self._memory = memory
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations that log a page in and out."""
        return (
            Operation(
                "POST",
                "/v1/session",
                self._log_in,
                "Log a page in",
                Access.OPEN,
                Login,
                Whoami,
                answer_headers=(hdrs.SET_COOKIE,),
            ),
            Operation("GET", "/v1/session", self._whoami, "Who is logged in", Role.VIEWER, None, Whoami),
            Operation("DELETE", "/v1/session", self._log_out, "Log the page out", Access.OPEN, status=204),
        )

    async def guard(self, request: web.Request, access: Needed) -> None:
        """Allow the caller of an operation or raise. After that `caller_of` returns who it is.

        Raises:
            Unauthenticated: there is no valid token or cookie.
            Forbidden: the caller is known and may not do this.
        """
        if access in UNGUARDED:
            return
        caller = await self.identify(request)
        if (reason := _refused(caller, access)) is not None:
            raise Forbidden(f"{caller.name} may not do this: {reason}")
        request[_CALLER] = caller
        hold_by_token(request, caller.proof)

    async def identify(self, request: web.Request) -> Caller:
        """Return who sent the request.

        Raises:
            Unauthenticated: there is no valid token or cookie.
        """
        scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() == "bearer" and token:
            caller = await self.caller_by_hash(token_hash(token.strip()))
        elif (cookie := request.cookies.get(COOKIE)) is not None:
            caller = await self.caller_by_hash(token_hash(cookie))
        else:
            caller = None
        if caller is None:
            raise Unauthenticated("a valid token is needed: send Authorization: Bearer TOKEN, or log in")
        return caller

    async def caller_by_hash(self, proof: str) -> Caller | None:
        """Return the caller with this token or session hash, or None if it is not (or no longer) valid."""
        return await self._memory.caller(proof)

    async def _log_in(self, request: web.Request) -> web.Response:
        login = await read_json(request, Login, cap_bytes=4096)
        key = await self._keys.by_hash(token_hash(login.token.strip()))
        if key is None:
            raise Unauthenticated("This key is not valid. `signage-origin keys add` makes one.")
        session, now_ms = new_token(), unix_ms(self._clock.now())
        expires_ms = now_ms + SESSION_S * 1000
        await self._keys.open_session(token_hash(session), key, now_ms=now_ms, expires_ms=expires_ms)
        log.info("key=%s logged a page in", key.id)
        answer = json_answer(_whoami(key.name, Rights.of(key.role)))
        secure, path = is_secure(request), cookie_path(request)
        answer.set_cookie(
            COOKIE, session, max_age=SESSION_S, path=path, httponly=True, samesite="Strict", secure=secure
        )
        if not path and COOKIE in request.cookies:
            _forget_cookie_of_host(answer)
        return answer

    async def _whoami(self, request: web.Request) -> web.Response:
        caller = caller_of(request)
        return json_answer(_whoami(caller.name, caller.rights))

    async def _log_out(self, request: web.Request) -> web.Response:
        if (cookie := request.cookies.get(COOKIE)) is not None:
            await self._keys.close_session(token_hash(cookie))
        answer = web.Response(status=204)
        answer.set_cookie(COOKIE, "", max_age=0, path=cookie_path(request), httponly=True, samesite="Strict")
        if not cookie_path(request):
            _forget_cookie_of_host(answer)
        return answer


def _forget_cookie_of_host(answer: web.Response) -> None:
    """Have the browser drop a cookie for all of the host, which came without the proxy or from an older version."""
    answer.headers.add(hdrs.SET_COOKIE, f"{COOKIE}=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict")


def caller_of(request: web.Request) -> Caller:
    """Return the caller that the guard allowed."""
    return request[_CALLER]


def _whoami(name: str, rights: Rights) -> Whoami:
    return Whoami(name=name, access="read" if rights.allowed == [Role.VIEWER] else "write", roles=rights.allowed)


def _refused(caller: Caller, needed: Needed) -> str | None:
    """Return why a known caller may not do what needs this; None: it may."""
    if isinstance(needed, Role):
        if caller.rights.allow(needed):
            return None
        return "it is for people, and this is a device" if caller.is_device else refusal(caller.rights, needed)
    if needed is Access.ANY_TOKEN or caller.is_device:
        return None
    return "it needs a device's token"


async def make_key(keys: KeyStore, clock: Clock, name: str, role: Role) -> tuple[Key, str]:
    """Make a key. The token is returned only now and stored nowhere.

    Raises:
        Conflict: a key has this name already.
    """
    token = new_token()
    key = Key(id=secrets.token_hex(8), name=name, role=role, created_ms=unix_ms(clock.now()))
    await keys.add(key, token_hash(token))
    log.info("key=%s role=%s made", key.id, role)
    return key, token


async def make_first_key(keys: KeyStore, clock: Clock) -> str | None:
    """Make a key with all rights if there is no key yet; return its token, to be printed once, else None."""
    token = new_token()
    key = Key(id=FIRST_KEY, name=FIRST_KEY, role=Role.ADMINISTRATOR, created_ms=unix_ms(clock.now()))
    return token if await keys.add_first(key, token_hash(token)) else None
