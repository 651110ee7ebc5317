"""What people change of their own account: password, second factor, recovery codes. Each repeats the password."""

import logging

import segno
from aiohttp import web
from pydantic import Field

from sync.errors import Conflict, Rejected
from sync.http.bodies import json_answer, read_json
from sync.http.operations import Access, InSpaces, Operation
from sync.origin.api.people.cookies import browser_hash
from sync.origin.api.people.people_routes import PersonView, view
from sync.origin.api.people.session_routes import BODY_BYTES, Code, Password
from sync.origin.http.auth import caller_of
from sync.origin.http.origin_memory import Caller
from sync.origin.login.accounts import PeopleAccounts
from sync.origin.login.log_in import LogIn
from sync.origin.people.names import new_password
from sync.origin.people.second_factor import (
    app_address,
    bare_code,
    is_secret,
    matching_step,
    new_recovery_codes,
    new_secret,
)
from sync.origin.store.people.people import PeopleStore
from sync.roles import Role
from sync.runtime.clock import Clock, unix_ms
from sync.trust.signing import token_hash
from sync.wire.value_types import Request, Token, Wire

log = logging.getLogger(__name__)


class AccountView(Wire):
    """One's own account; `recovery_codes` is how many are left."""

    person: PersonView
    recovery_codes: int


class PasswordChange(Request):
    """Another password; all other sessions end."""

    current: Password = Field(repr=False)
    password: Password = Field(repr=False)


class PasswordByCode(Request):
    """A password, set by a one-time code."""

    code: Token = Field(repr=False)
    password: Password = Field(repr=False)


class OwnPassword(Request):
    """One's password, repeated."""

    password: Password = Field(repr=False)


class OfferedApp(Wire):
    """A secret for an authenticator app, as text, address and picture (an SVG as a `data:` address).

    Nothing is stored until a code of the app is sent back with it.
    """

    secret: str = Field(repr=False)
    address: str = Field(repr=False)
    picture: str = Field(repr=False)


class AppToUse(Request):
    """The secret that an app took in, the code that it shows, and the password of the account."""

    password: Password = Field(repr=False)
    secret: Code = Field(repr=False)
    code: Code = Field(repr=False)


class RecoveryCodes(Wire):
    """Codes that replace a lost app, each once. They are shown only now."""

    recovery_codes: list[str] = Field(repr=False)


class AccountRoutes:
    """Serves one's own account."""

    def __init__(self, people: PeopleStore, accounts: PeopleAccounts, login: LogIn, clock: Clock) -> None:
        self._people = people
        self._accounts = accounts
        self._login = login
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations; they are for people with an account, whatever their role."""
        own, anyone, factor = "/v1/account", InSpaces(Role.VIEWER), "/v1/account/second-factor"
        by_code, offer = "Set a password by a one-time code", "A new secret for an authenticator app"
        use, codes = "Log in with codes of an app from now on", f"{own}/recovery-codes"
        return (
            Operation("POST", f"{own}/reset", self._by_code, by_code, Access.OPEN, PasswordByCode, status=204),
            Operation("GET", own, self._show, "One's own account", anyone, None, AccountView),
            Operation(
                "PUT", f"{own}/password", self._change, "Change the password", anyone, PasswordChange, status=204
            ),
            Operation("POST", factor, self._offer, offer, anyone, None, OfferedApp),
            Operation("PUT", factor, self._use_app, use, anyone, AppToUse, RecoveryCodes),
            Operation(
                "POST", f"{factor}/removal", self._drop, "Log in without codes again", anyone, OwnPassword, status=204
            ),
            Operation("POST", codes, self._renew, "New recovery codes", anyone, OwnPassword, RecoveryCodes),
        )

    async def _by_code(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PasswordByCode, cap_bytes=BODY_BYTES)
        await self._accounts.set_password(asked.code, asked.password)
        return web.Response(status=204)

    async def _show(self, request: web.Request) -> web.Response:
        person = await self._people.get(person_of(request).id)
        return json_answer(AccountView(person=view(person), recovery_codes=person.recovery_codes))

    async def _change(self, request: web.Request) -> web.Response:
        caller, asked = person_of(request), await read_json(request, PasswordChange, cap_bytes=BODY_BYTES)
        account = await self._login.check_own(caller.id, asked.current)
        fresh = await self._login.hash(new_password(asked.password, account.person.name))
        browser = browser_hash(request) or ""
        old = account.password_hash or ""
        await self._people.change_password(caller.id, old, fresh, session=caller.proof, browser=browser)
        log.info("person=%s changed the password", caller.id)
        return web.Response(status=204)

    async def _offer(self, request: web.Request) -> web.Response:
        secret = new_secret()
        address = app_address(secret, person_of(request).name)
        picture = segno.make(address, micro=False).svg_data_uri(scale=4, border=4, light="#fff")
        return json_answer(OfferedApp(secret=secret, address=address, picture=picture))

    async def _use_app(self, request: web.Request) -> web.Response:
        caller, asked = person_of(request), await read_json(request, AppToUse, cap_bytes=BODY_BYTES)
        account = await self._login.check_own(caller.id, asked.password)
        if not is_secret(asked.secret):
            raise Rejected("this is no secret that was offered here", fields={"secret": "is not one of this origin"})
        step = matching_step(asked.secret, asked.code, unix_ms(self._clock.now()), account.app_step)
        if step is None:
            raise Rejected(
                "this is not the code that the app shows now; is the clock of the phone right?",
                fields={"code": "is wrong, or was used already"},
            )
        sealed = self._login.seal.close(asked.secret, caller.id)
        return await self._set(caller, account.password_hash or "", sealed, step)

    async def _drop(self, request: web.Request) -> web.Response:
        caller, asked = person_of(request), await read_json(request, OwnPassword, cap_bytes=BODY_BYTES)
        account = await self._login.check_own(caller.id, asked.password)
        old = account.password_hash or ""
        await self._people.set_second_factor(caller.id, old, None, account.app_step, ())
        log.info("person=%s removed the second factor", caller.id)
        return web.Response(status=204)

    async def _renew(self, request: web.Request) -> web.Response:
        caller, asked = person_of(request), await read_json(request, OwnPassword, cap_bytes=BODY_BYTES)
        account = await self._login.check_own(caller.id, asked.password)
        if account.app_secret is None:
            raise Conflict("recovery codes replace an authenticator app: set one up first")
        return await self._set(caller, account.password_hash or "", account.app_secret, account.app_step)

    async def _set(self, caller: Caller, password_hash: str, secret: str, step: int) -> web.Response:
        codes = new_recovery_codes()
        hashes = [token_hash(bare_code(code)) for code in codes]
        await self._people.set_second_factor(caller.id, password_hash, secret, step, hashes)
        log.info("person=%s has a second factor and new recovery codes", caller.id)
        return json_answer(RecoveryCodes(recovery_codes=list(codes)))


def person_of(request: web.Request) -> Caller:
    """Return who calls.

    Raises:
        Conflict: it is a key, which has no account.
    """
    caller = caller_of(request)
    if not caller.is_person:
        raise Conflict("you are logged in with a key, which has no account: make one, and log in with its password")
    return caller
