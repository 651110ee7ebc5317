"""The list of people, for administrators."""

from typing import Literal

from aiohttp import web
from pydantic import Field

from sync.http.bodies import json_answer, read_json
from sync.http.operations import Operation
from sync.origin.api.people.session_routes import BODY_BYTES, Password
from sync.origin.api.people.space_rights import GivenRights, is_empty, rights_of, shown_rights
from sync.origin.login.accounts import OneTimeCode, PeopleAccounts
from sync.origin.store.people.people import Person, RightsChange
from sync.roles import Role
from sync.runtime.clock import instant
from sync.wire.value_types import Identifier, Instant, Name, Request, Wire


class PersonView(Wire):
    """An account. Without a password nobody can log in with it until a one-time code sets one.

    `passkeys` is how many it has, `subject` whom a provider of identities knows it as.
    `role` is for everything; None: there are only `rights` in spaces.
    """

    id: Identifier
    name: Name
    role: Role | None
    rights: GivenRights = Field((), exclude_if=is_empty)
    created_at: Instant
    has_password: bool
    has_second_factor: bool
    passkeys: int = 0
    subject: str | None = None


class PersonList(Wire):
    """All accounts, by name."""

    people: list[PersonView]


class NewPerson(Request):
    """An account to be made: with a password, or with a one-time code by which the person sets one.

    `role` is for everything, `rights` are in spaces; one of both is needed.
    """

    name: Name
    role: Role | None = None
    rights: GivenRights = ()
    password: Password | None = Field(default=None, repr=False)


class PersonChange(Request):
    """What is to be different: another role, or other rights in spaces, ends the sessions.

    `role` is for everything, `none` takes it away; `rights` are in spaces, in place of all that there were.
    """

    name: Name | None = None
    role: Role | Literal["none"] | None = None
    rights: GivenRights | None = None


class OneTimeCodeView(Wire):
    """A code that sets a password once, shown only now; `fragment` is what follows the console's address in a link."""

    code: str = Field(repr=False)
    fragment: str = Field(repr=False)
    expires_at: Instant


class MadePerson(Wire):
    """The account that was made, and the code that sets its password, if it has none."""

    person: PersonView
    one_time_code: OneTimeCodeView | None


class PeopleRoutes:
    """Serves the list of people."""

    def __init__(self, accounts: PeopleAccounts) -> None:
        self._accounts = accounts

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations, all for administrators."""
        many, one, role = "/v1/people", "/v1/people/{id}", Role.ADMINISTRATOR
        again = (
            "Take password, codes, passkeys and sessions from an account; the answer has a code that sets a password"
        )
        return (
            Operation("GET", many, self._list, "All accounts", role, None, PersonList),
            Operation("POST", many, self._add, "Make an account", role, NewPerson, MadePerson, 201),
            Operation("PATCH", one, self._change, "Change the name or role", role, PersonChange, PersonView),
            Operation("DELETE", one, self._remove, "Remove an account", role, status=204),
            Operation("POST", f"{one}/reset", self._reset, again, role, None, OneTimeCodeView),
        )

    async def _list(self, request: web.Request) -> web.Response:
        return json_answer(PersonList(people=[view(one) for one in await self._accounts.people.list_all()]))

    async def _add(self, request: web.Request) -> web.Response:
        asked = await read_json(request, NewPerson, cap_bytes=BODY_BYTES)
        person, code = await self._accounts.add(asked.name, asked.role, asked.password, rights_of(asked.rights))
        shown = None if code is None else _code_view(code)
        return json_answer(MadePerson(person=view(person), one_time_code=shown), status=201)

    async def _change(self, request: web.Request) -> web.Response:
        asked = await read_json(request, PersonChange, cap_bytes=BODY_BYTES)
        person = await self._accounts.change(request.match_info["id"], asked.name, _change_of(asked))
        return json_answer(view(person))

    async def _remove(self, request: web.Request) -> web.Response:
        await self._accounts.remove(request.match_info["id"])
        return web.Response(status=204)

    async def _reset(self, request: web.Request) -> web.Response:
        return json_answer(_code_view(await self._accounts.reset(request.match_info["id"])))


def _change_of(asked: PersonChange) -> RightsChange:
    rights = None if asked.rights is None else rights_of(asked.rights)
    if asked.role == "none":
        return RightsChange(no_role=True, in_spaces=rights)
    return RightsChange(role=asked.role, in_spaces=rights)


def view(person: Person) -> PersonView:
    """Return an account as administrators see it."""
    return PersonView(
        id=person.id,
        name=person.name,
        role=person.role,
        rights=shown_rights(person.in_spaces),
        created_at=instant(person.created_ms),
        has_password=person.has_password,
        has_second_factor=person.has_second_factor,
        passkeys=person.passkeys,
        subject=person.subject,
    )


def _code_view(code: OneTimeCode) -> OneTimeCodeView:
    return OneTimeCodeView(code=code.code, fragment=code.fragment, expires_at=instant(code.expires_ms))
