"""Logging in and out, and the sessions of who is logged in."""

import logging
from contextlib import suppress
from typing import Annotated, Self

from aiohttp import hdrs, web
from pydantic import ConfigDict, Field, model_validator

from sync.errors import StorageBroken, StorageFull, Unauthenticated
from sync.http.bodies import json_answer, read_json
from sync.http.forwarded import client_of
from sync.http.listening_socket import network_of
from sync.http.operations import Access, InSpaces, Operation
from sync.origin.api.people.cookies import browser_hash, end_session, session_hash
from sync.origin.api.people.page_sessions import PageSessions, Whoami, whoami
from sync.origin.http.auth import caller_of
from sync.origin.login.log_in import LogIn
from sync.origin.people.names import LONGEST_NAME, LONGEST_PASSWORD
from sync.origin.store.people.sessions import Means, OpenedBy, Session, SessionStore
from sync.roles import Role
from sync.runtime.clock import Clock, instant, unix_ms
from sync.trust.signing import token_hash
from sync.wire.value_types import Identifier, Instant, Request, Wire

BODY_BYTES = 8 * 1024  # of all that has a password in it

log = logging.getLogger(__name__)

Password = Annotated[str, Field(max_length=LONGEST_PASSWORD, json_schema_extra={"format": "password"})]
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


class OpenSession(Wire):
    """A page that is logged in: since when, from which address, how its browser calls itself, and by what.

    `opened_by` is `key`, `password`, `password_code`, `passkey` or `provider`; null: an earlier version opened it.
    """

    id: Identifier
    created_at: Instant
    seen_at: Instant
    expires_at: Instant
    client: str
    browser: str
    opened_by: str | None = None
    is_this: bool


class OpenSessions(Wire):
    """Where somebody is logged in."""

    sessions: list[OpenSession]


class SessionRoutes:
    """Serves log-in, log-out and sessions."""

    def __init__(self, login: LogIn, sessions: SessionStore, pages: PageSessions, clock: Clock) -> None:
        self._login = login
        self._sessions = sessions
        self._pages = pages
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations; each sees and ends only what is the caller's own."""
        one, many, cookie, anyone = "/v1/session", "/v1/sessions", (hdrs.SET_COOKIE,), InSpaces(Role.VIEWER)
        seen, ended = "Where one is logged in", "End a session of one's own"
        return (
            Operation("POST", one, self._log_in, "Log a page in", Access.OPEN, Login, Whoami, answer_headers=cookie),
            Operation("GET", one, self._whoami, "Who is logged in", anyone, None, Whoami),
            Operation("DELETE", one, self._log_out, "Log the page out", Access.OPEN, status=204),
            Operation("GET", many, self._list, seen, anyone, None, OpenSessions),
            Operation("DELETE", f"{many}/{{id}}", self._end, ended, anyone, status=204),
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
        return await self._pages.open(request, holder, Means(OpenedBy.KEY))

    async def _with_password(self, request: web.Request, login: Login) -> web.Response:
        network, browser = network_of(client_of(request, request.app)), browser_hash(request)
        account = await self._login.check(login.name, login.password, login.code, network=network, browser=browser)
        log.info("person=%s logged a page in", account.person.id)
        by = OpenedBy.PASSWORD if account.app_secret is None else OpenedBy.PASSWORD_AND_CODE
        return await self._pages.open_for(request, account.person, Means(by, account.password_hash))

    async def _whoami(self, request: web.Request) -> web.Response:
        caller = caller_of(request)
        with suppress(StorageFull, StorageBroken):  # who calls is known all the same
            await self._sessions.seen(caller.proof, unix_ms(self._clock.now()))
        return json_answer(whoami(caller.name, caller.rights, caller.id if caller.is_person else None))

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


def _view(one: Session, here: str) -> OpenSession:
    return OpenSession(
        id=one.id,
        created_at=instant(one.created_ms),
        seen_at=instant(one.seen_ms),
        expires_at=instant(one.expires_ms),
        client=one.client,
        browser=one.browser,
        opened_by=one.opened_by,
        is_this=one.hash == here,
    )
