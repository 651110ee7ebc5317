"""Logging in by a passkey, and one's own passkeys: seen, added, named, removed."""

import logging
from collections.abc import Iterator, Set
from typing import Annotated, Any

from aiohttp import hdrs, web
from pydantic import Field

from sync.errors import Conflict, Unauthenticated
from sync.http.bodies import json_answer, read_json
from sync.http.forwarded import client_of, is_secure, proxy_header
from sync.http.listening_socket import network_of
from sync.http.operations import Access, InSpaces, Operation
from sync.origin.api.people.account_routes import OwnPassword, person_of
from sync.origin.api.people.cookies import challenged_token, set_challenged
from sync.origin.api.people.page_sessions import PageSessions, Whoami
from sync.origin.api.people.session_routes import BODY_BYTES
from sync.origin.login.passkey_log_in import PasskeyLogIn
from sync.origin.people.relying_party import NoParty, RelyingParty, Unfit, relying_party
from sync.origin.store.people.passkeys import Passkey
from sync.origin.store.people.sessions import Means, OpenedBy
from sync.roles import Role
from sync.runtime.clock import instant
from sync.trust.signing import new_token, token_hash
from sync.wire.value_types import Identifier, Instant, Name, Request, Wire

log = logging.getLogger(__name__)

_ANSWER_BYTES = 32 * 1024  # an authenticator may add a certificate

Credential = Annotated[dict[str, Any], Field(repr=False)]
"""What the browser returned, as `PublicKeyCredential.toJSON()` writes it."""


class WaysIn(Wire):
    """In which ways one can log in at this address, beside name and password, and keys.

    `passkeys`: whether browsers allow them here. If not, `unfit` is why: `loopback_address`, `ip_address`, `no_tls` or
    `unknown_name`; `advice` is what to do, in English. `provider` is what a provider of identities is called, null if
    there is none; `console`: pages at this address alone can log in by it.
    """

    passkeys: bool
    unfit: Unfit | None = None
    advice: str | None = None
    provider: str | None = None
    console: str | None = None


class PasskeyQuestion(Wire):
    """What the browser is to be asked, once and soon: the JSON of the options of `navigator.credentials`."""

    options: dict[str, Any]


class PasskeyAnswer(Request):
    """What the browser returned."""

    credential: Credential


class PasskeyToAdd(Request):
    """What the browser returned, and a name for the passkey: of the device or key that holds it."""

    name: Name
    credential: Credential


class PasskeyName(Request):
    """Another name of a passkey."""

    name: Name


class PasskeyView(Wire):
    """A passkey; `host` is the name of the console that it works under, `used_at` is null if it never was.

    `can_sync`: it may be on several devices of the person; `is_synced`: it is kept outside the device, too.
    """

    id: Identifier
    name: Name
    host: str
    created_at: Instant
    used_at: Instant | None
    can_sync: bool
    is_synced: bool


class PasskeyList(Wire):
    """One's own passkeys, the oldest first."""

    passkeys: list[PasskeyView]


class PasskeyRoutes:
    """Serves passkeys; `names` are the host names of the settings, `provider` its label and the console's address."""

    def __init__(
        self, passkeys: PasskeyLogIn, pages: PageSessions, names: Set[str], provider: tuple[str, str] | None
    ) -> None:
        self._passkeys = passkeys
        self._pages = pages
        self._names = names
        self._provider = provider

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations; passkeys are one's own, whatever one's role."""
        return (*self._for_logging_in(), *self._for_ones_own())

    def _for_logging_in(self) -> Iterator[Operation]:
        log_in, cookie = "/v1/session-by-passkey", (hdrs.SET_COOKIE,)
        begin, done = "What to ask the browser, so that somebody logs in by a passkey", "Log a page in by a passkey"
        yield Operation("GET", "/v1/session/ways", self._ways, "How one can log in here", Access.OPEN, None, WaysIn)
        yield Operation(
            "POST", f"{log_in}/question", self._begin, begin, Access.OPEN, None, PasskeyQuestion, answer_headers=cookie
        )
        yield Operation("POST", log_in, self._log_in, done, Access.OPEN, PasskeyAnswer, Whoami, answer_headers=cookie)

    def _for_ones_own(self) -> Iterator[Operation]:
        own, one, anyone = "/v1/account/passkeys", "/v1/account/passkeys/{id}", InSpaces(Role.VIEWER)
        begin, cookie = "What to ask the browser, so that one has another passkey", (hdrs.SET_COOKIE,)
        question = f"{own}/question"
        yield Operation("GET", own, self._list, "One's own passkeys", anyone, None, PasskeyList)
        yield Operation(
            "POST", question, self._begin_adding, begin, anyone, OwnPassword, PasskeyQuestion, answer_headers=cookie
        )
        yield Operation("POST", own, self._add, "Add a passkey", anyone, PasskeyToAdd, PasskeyView, 201)
        yield Operation("PATCH", one, self._rename, "Name a passkey", anyone, PasskeyName, status=204)
        yield Operation("POST", f"{one}/removal", self._remove, "Remove a passkey", anyone, OwnPassword, status=204)

    async def _ways(self, request: web.Request) -> web.Response:
        party = self._party(request)
        label, console = (None, None) if self._provider is None else self._provider
        ways = WaysIn(passkeys=True, provider=label, console=console)
        if isinstance(party, NoParty):
            ways = ways.model_copy(update={"passkeys": False, "unfit": party.reason, "advice": party.advice})
        return json_answer(ways)

    async def _begin(self, request: web.Request) -> web.Response:
        party, token = self._usable_party(request), challenged_token(request) or new_token()
        network, known = network_of(client_of(request, request.app)), await self._pages.known_browser(request)
        options = await self._passkeys.begin(party, network=network, known=known, browser=token_hash(token))
        return _question(request, options, token)

    async def _log_in(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PasskeyAnswer, cap_bytes=_ANSWER_BYTES)
        party, token = self._usable_party(request), challenged_token(request)
        if token is None:
            raise Unauthenticated("this browser was not asked anything, or long ago: press the button once more")
        person, passkey = await self._passkeys.check(asked.credential, party, token_hash(token))
        log.info("person=%s logged a page in by passkey=%s", person.id, passkey)
        return await self._pages.open_for(request, person, Means(OpenedBy.PASSKEY, passkey))

    async def _list(self, request: web.Request) -> web.Response:
        found = await self._passkeys.passkeys.of(person_of(request).id)
        return json_answer(PasskeyList(passkeys=[_view(one) for one in found]))

    async def _begin_adding(self, request: web.Request) -> web.Response:
        person, asked = person_of(request).id, await read_json(request, OwnPassword, cap_bytes=BODY_BYTES)
        party, token = self._usable_party(request), challenged_token(request) or new_token()
        options = await self._passkeys.begin_adding(person, asked.password, party, token_hash(token))
        return _question(request, options, token)

    async def _add(self, request: web.Request) -> web.Response:
        person, asked = person_of(request).id, await read_json(request, PasskeyToAdd, cap_bytes=_ANSWER_BYTES)
        party, browser = self._usable_party(request), token_hash(challenged_token(request) or "")
        return json_answer(
            _view(await self._passkeys.add(person, asked.name, asked.credential, party, browser)), status=201
        )

    async def _rename(self, request: web.Request) -> web.Response:
        person, asked = person_of(request).id, await read_json(request, PasskeyName, cap_bytes=BODY_BYTES)
        await self._passkeys.passkeys.rename(request.match_info["id"], person, asked.name)
        return web.Response(status=204)

    async def _remove(self, request: web.Request) -> web.Response:
        caller, asked = person_of(request), await read_json(request, OwnPassword, cap_bytes=BODY_BYTES)
        await self._passkeys.remove(caller.id, request.match_info["id"], asked.password, session=caller.proof)
        return web.Response(status=204)

    def _party(self, request: web.Request) -> RelyingParty | NoParty:
        """Return whom passkeys are for at the address that the browser asked, as far as it can be believed."""
        forwarded = proxy_header(request, "X-Forwarded-Host").partition(",")[0].strip()
        return relying_party(forwarded or request.host, is_secure(request), self._names)

    def _usable_party(self, request: web.Request) -> RelyingParty:
        party = self._party(request)
        if isinstance(party, NoParty):
            raise Conflict(f"passkeys cannot be used at this address: {party.advice}")
        return party


def _question(request: web.Request, options: dict[str, Any], token: str) -> web.Response:
    answer = json_answer(PasskeyQuestion(options=options))
    set_challenged(request, answer, token)
    return answer


def _view(one: Passkey) -> PasskeyView:
    return PasskeyView(
        id=one.id,
        name=one.name,
        host=one.host,
        created_at=instant(one.created_ms),
        used_at=None if one.used_ms is None else instant(one.used_ms),
        can_sync=one.can_sync,
        is_synced=one.is_synced,
    )
