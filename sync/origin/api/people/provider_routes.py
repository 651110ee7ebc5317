"""Logging in by the provider of identities: the console sends a browser there, and tells what it came back with."""

import logging
from typing import Annotated

from aiohttp import hdrs, web
from pydantic import Field

from sync.errors import NotFound, Unauthenticated
from sync.http.bodies import json_answer, read_json
from sync.http.forwarded import client_of
from sync.http.listening_socket import network_of
from sync.http.operations import Access, Operation
from sync.origin.api.people.cookies import challenged_token, set_challenged
from sync.origin.api.people.page_sessions import PageSessions, Whoami
from sync.origin.api.people.session_routes import BODY_BYTES
from sync.origin.login.provider_log_in import ProviderLogIn
from sync.origin.store.people.sessions import Means, OpenedBy
from sync.roles import Role
from sync.trust.signing import new_token
from sync.wire.value_types import Request, Wire

_ANSWER_BYTES = 32 * 1024

log = logging.getLogger(__name__)

Told = Annotated[str, Field(max_length=4096)]


class ProviderAddress(Wire):
    """Where to send the browser."""

    address: str


class ProviderAnswer(Request):
    """What the browser came back with, in the query of the console's address."""

    code: Told = Field(repr=False)
    state: Told = Field(repr=False)
    iss: Told | None = None


class SubjectToLink(Request):
    """Whom the provider names by this subject (`sub`); a refused log-in tells it."""

    subject: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]


class ProviderRoutes:
    """Serves log-in by a provider; without one there is none."""

    def __init__(self, provider: ProviderLogIn | None, pages: PageSessions, session_s: int) -> None:
        self._provider = provider
        self._pages = pages
        self._session_s = session_s

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        path, cookie = "/v1/session-by-provider", (hdrs.SET_COOKIE,)
        begin, done = "Where to send the browser, so that somebody logs in by the provider", "Log a page in by it"
        question, link, admin = f"{path}/question", "/v1/people/{id}/identity", Role.ADMINISTRATOR
        return (
            Operation("POST", question, self._begin, begin, Access.OPEN, None, ProviderAddress, answer_headers=cookie),
            Operation("POST", path, self._log_in, done, Access.OPEN, ProviderAnswer, Whoami, answer_headers=cookie),
            Operation("PUT", link, self._link, "Link an account to the provider", admin, SubjectToLink, status=204),
            Operation("DELETE", link, self._unlink, "Link an account to the provider no more", admin, status=204),
        )

    async def _begin(self, request: web.Request) -> web.Response:
        provider, token = self._usable(), challenged_token(request) or new_token()
        network, known = network_of(client_of(request, request.app)), await self._pages.known_browser(request)
        address = await provider.begin(token, network=network, known=known)
        answer = json_answer(ProviderAddress(address=address))
        set_challenged(request, answer, token)
        return answer

    async def _log_in(self, request: web.Request) -> web.Response:
        provider, asked = self._usable(), await read_json(request, ProviderAnswer, cap_bytes=_ANSWER_BYTES)
        token = challenged_token(request)
        if token is None:
            raise Unauthenticated("this browser was not sent to the provider, or long ago: press the button once more")
        person, subject = await provider.check(asked.code, asked.state, asked.iss, token)
        log.info("person=%s logged a page in by the provider", person.id)
        return await self._pages.open_for(request, person, Means(OpenedBy.PROVIDER, subject), self._session_s)

    async def _link(self, request: web.Request) -> web.Response:
        asked = await read_json(request, SubjectToLink, cap_bytes=BODY_BYTES)
        await self._usable().link(request.match_info["id"], asked.subject)
        return web.Response(status=204)

    async def _unlink(self, request: web.Request) -> web.Response:
        await self._usable().unlink(request.match_info["id"])
        return web.Response(status=204)

    def _usable(self) -> ProviderLogIn:
        if self._provider is None:
            raise NotFound("this origin has no provider of identities: oidc.issuer names one")
        return self._provider
