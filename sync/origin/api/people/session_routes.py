"""Logging in and out, and the sessions of who is logged in."""

import logging
import secrets
from contextlib import suppress
from typing import Annotated, Literal, Self

from aiohttp import hdrs, web
from pydantic import ConfigDict, Field, model_validator

from sync.errors import StorageBroken, StorageFull, Unauthenticated
from sync.http.bodies import json_answer, read_json
from sync.http.forwarded import client_of
from sync.http.listening_socket import network_of
from sync.http.operations import Access, Operation
from sync.origin.api.people.cookies import (
    BROWSER_S,
    SESSION_S,
    browser_hash,
    end_session,
    session_hash,
    set_browser,
    set_session,
)
from sync.origin.http.auth import caller_of
from sync.origin.login.log_in import LogIn
from sync.origin.people.names import LONGEST_NAME, LONGEST_PASSWORD
from sync.origin.store.people.sessions import Session, SessionStore, TokenHolder
from sync.roles import Rights, Role
from sync.runtime.clock import Clock, instant, unix_ms
from sync.trust.signing import new_token, token_hash
from sync.wire.value_types import Identifier, Instant, Name, Request, Wire, printable

BODY_BYTES = 8 * 1024  # of all that has a password in it
_LONGEST_BROWSER = 200  # characters of what a browser calls itself

log = logging.getLogger(__name__)

Password = Annotated[str, Field(max_length=LONGEST_PASSWORD)]
Code = Annotated[str, Field(max_length=40)]


class Login(Request):
    """A key; or the name and password of an account, and a code if it has a second factor."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    token: Annotated[str, Field(max_length=512)] = Field(default="", repr=False)
    name: Annotated[str, Field(max_length=4 * LONGEST_NAME)] = ""
    password: Password = Field(default="", repr=False)
    code: Code = Field(default="", repr=False)

    @model_validator(mode="after")
    def _has_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("is empty: give a key as token, or name and password")
        return self


class Whoami(Wire):
    """Who is logged in: the roles that include others name those too; `access` is what there was before roles.

    `account` is the id of the account; a key has none.
    """

    name: Name
    access: Literal["read", "write"]
    roles: list[Role]
    account: Identifier | None = None


class OpenSession(Wire):
    """A page that is logged in: since when, from which address, and how its browser calls itself."""

    id: Identifier
    created_at: Instant
    seen_at: Instant
    expires_at: Instant
    client: str
    browser: str
    is_this: bool


class OpenSessions(Wire):
    """Where somebody is logged in."""

    sessions: list[OpenSession]


class SessionRoutes:
    """Serves log-in, log-out and sessions."""

    def __init__(self, login: LogIn, sessions: SessionStore, clock: Clock) -> None:
        self._login = login
        self._sessions = sessions
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations; each sees and ends only what is the caller's own."""
        one, many, cookie = "/v1/session", "/v1/sessions", (hdrs.SET_COOKIE,)
        seen, ended = "Where one is logged in", "End a session of one's own"
        return (
            Operation("POST", one, self._log_in, "Log a page in", Access.OPEN, Login, Whoami, answer_headers=cookie),
            Operation("GET", one, self._whoami, "Who is logged in", Role.VIEWER, None, Whoami),
            Operation("DELETE", one, self._log_out, "Log the page out", Access.OPEN, status=204),
            Operation("GET", many, self._list, seen, Role.VIEWER, None, OpenSessions),
            Operation("DELETE", f"{many}/{{id}}", self._end, ended, Role.VIEWER, status=204),
        )

    async def _log_in(self, request: web.Request) -> web.Response:
        login = await read_json(request, Login, cap_bytes=BODY_BYTES)
        return await (self._with_key(request, login.token) if login.token else self._with_password(request, login))

    async def _with_key(self, request: web.Request, token: str) -> web.Response:
        proof = token_hash(token.strip())
        holder = await self._sessions.of_key(proof)
        if holder is None:
            raise Unauthenticated("This key is not valid. `signage-origin keys add` makes one.")
        log.info("key=%s logged a page in", holder.id)
        return await self._open(request, holder, None)

    async def _with_password(self, request: web.Request, login: Login) -> web.Response:
        network, browser = network_of(client_of(request, request.app)), browser_hash(request)
        account = await self._login.check(login.name, login.password, login.code, network=network, browser=browser)
        person = account.person
        log.info("person=%s logged a page in", person.id)
        holder = TokenHolder(person.id, person.name, person.role, is_person=True)
        answer = await self._open(request, holder, account.password_hash)
        await self._know_browser(request, answer, person.id)
        return answer

    async def _open(self, request: web.Request, holder: TokenHolder, password_hash: str | None) -> web.Response:
        """Open a session; the one that the browser had before ends, whoever began it."""
        token, now_ms = new_token(), unix_ms(self._clock.now())
        session = Session(
            hash=token_hash(token),
            id=secrets.token_hex(8),
            created_ms=now_ms,
            seen_ms=now_ms,
            expires_ms=now_ms + SESSION_S * 1000,
            client=client_of(request, request.app),
            browser=printable(request.headers.get(hdrs.USER_AGENT, ""), _LONGEST_BROWSER),
        )
        await self._sessions.open(session, holder, password_hash=password_hash)
        if (before := session_hash(request)) is not None:
            await self._sessions.close(before)
        answer = json_answer(_whoami(holder.name, Rights.of(holder.role), holder.id if holder.is_person else None))
        set_session(request, answer, token)
        return answer

    async def _know_browser(self, request: web.Request, answer: web.Response, person: str) -> None:
        now_ms, known = unix_ms(self._clock.now()), browser_hash(request)
        if known is None or not await self._sessions.knows_browser(known, person, now_ms):
            token = new_token()
            await self._sessions.add_browser(token_hash(token), person, now_ms, now_ms + BROWSER_S * 1000)
            set_browser(request, answer, token)

    async def _whoami(self, request: web.Request) -> web.Response:
        caller = caller_of(request)
        with suppress(StorageFull, StorageBroken):  # who calls is known all the same
            await self._sessions.seen(caller.proof, unix_ms(self._clock.now()))
        return json_answer(_whoami(caller.name, caller.rights, caller.id if caller.is_person else None))

    async def _log_out(self, request: web.Request) -> web.Response:
        if (here := session_hash(request)) is not None:
            await self._sessions.close(here)
        answer = web.Response(status=204)
        end_session(request, answer)
        return answer

    async def _list(self, request: web.Request) -> web.Response:
        caller = caller_of(request)
        found = await self._sessions.of(caller.id, caller.is_person, unix_ms(self._clock.now()))
        return json_answer(OpenSessions(sessions=[_view(one, caller.proof) for one in found]))

    async def _end(self, request: web.Request) -> web.Response:
        caller = caller_of(request)
        await self._sessions.end(request.match_info["id"], caller.id, caller.is_person)
        return web.Response(status=204)


def _whoami(name: str, rights: Rights, account: str | None) -> Whoami:
    access: Literal["read", "write"] = "read" if rights.allowed == [Role.VIEWER] else "write"
    return Whoami(name=name, access=access, roles=rights.allowed, account=account)


def _view(one: Session, here: str) -> OpenSession:
    return OpenSession(
        id=one.id,
        created_at=instant(one.created_ms),
        seen_at=instant(one.seen_ms),
        expires_at=instant(one.expires_ms),
        client=one.client,
        browser=one.browser,
        is_this=one.hash == here,
    )
