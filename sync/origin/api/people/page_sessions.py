"""Opens the session of a page that logged in, in whichever way."""

import secrets
from typing import Literal

from aiohttp import hdrs, web
from pydantic import Field

from sync.http.bodies import json_answer
from sync.http.forwarded import client_of
from sync.origin.api.people.cookies import (
    BROWSER_S,
    SESSION_S,
    browser_hash,
    session_hash,
    set_browser,
    set_session,
)
from sync.origin.api.people.space_rights import GivenRights, is_empty, shown_rights
from sync.origin.store.people.people import Person
from sync.origin.store.people.sessions import Means, Session, SessionStore, TokenHolder
from sync.roles import Rights, Role
from sync.runtime.clock import Clock, unix_ms
from sync.trust.signing import new_token, token_hash
from sync.wire.value_types import Identifier, Name, Wire, printable

_LONGEST_BROWSER = 200  # characters of what a browser calls itself


class Whoami(Wire):
    """Who is logged in: the roles that include others name those too; `access` is what there was before roles.

    `account` is the id of the account; a key has none. `everything` is the role that is given for everything, null if
    none is; `rights` are those in spaces. `roles` has all of them, wherever they count; with `only_in_spaces` none of
    them is for everything.
    """

    name: Name
    access: Literal["read", "write"]
    roles: list[Role]
    account: Identifier | None = None
    everything: Role | None = None
    rights: GivenRights = Field((), exclude_if=is_empty)
    only_in_spaces: bool = Field(False, exclude_if=is_empty)


class PageSessions:
    """Opens sessions, and has browsers be known."""

    def __init__(self, sessions: SessionStore, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def open_for(
        self, request: web.Request, person: Person, means: Means, lasts_s: int = SESSION_S
    ) -> web.Response:
        """Open the session of a person, whose browser is known from now on.

        Raises:
            Unauthenticated: the means do not count any more.
        """
        holder = TokenHolder(person.id, person.name, person.rights, is_person=True)
        answer = await self.open(request, holder, means, lasts_s)
        await self._know_browser(request, answer, person.id)
        return answer

    async def open(
        self, request: web.Request, holder: TokenHolder, means: Means, lasts_s: int = SESSION_S
    ) -> web.Response:
        """Open a session; the one that the browser had before ends, whoever began it.

        Raises:
            Unauthenticated: the means do not count any more.
        """
        token, now_ms = new_token(), unix_ms(self._clock.now())
        session = Session(
            hash=token_hash(token),
            id=secrets.token_hex(8),
            created_ms=now_ms,
            seen_ms=now_ms,
            expires_ms=now_ms + lasts_s * 1000,
            client=client_of(request, request.app),
            browser=printable(request.headers.get(hdrs.USER_AGENT, ""), _LONGEST_BROWSER),
            opened_by=means.by,
            opened_with=means.passkey,
        )
        await self._sessions.open(session, holder, means)
        if (before := session_hash(request)) is not None:
            await self._sessions.close(before)
        answer = json_answer(whoami(holder.name, holder.rights, holder.id if holder.is_person else None))
        set_session(request, answer, token)
        return answer

    async def known_browser(self, request: web.Request) -> str | None:
        """Return the hash of the cookie of a browser in which somebody logged in before; None: it is not known."""
        found = browser_hash(request)
        is_known = found and await self._sessions.knows_browser(found, None, unix_ms(self._clock.now()))
        return found if is_known else None

    async def _know_browser(self, request: web.Request, answer: web.Response, person: str) -> None:
        now_ms, known = unix_ms(self._clock.now()), browser_hash(request)
        if known is None or not await self._sessions.knows_browser(known, person, now_ms):
            token = new_token()
            await self._sessions.add_browser(token_hash(token), person, now_ms, now_ms + BROWSER_S * 1000)
            set_browser(request, answer, token)


def whoami(name: str, rights: Rights, account: str | None) -> Whoami:
    """Return who is logged in as pages see it; `account` is None for a key."""
    access: Literal["read", "write"] = "read" if rights.somewhere == [Role.VIEWER] else "write"
    return Whoami(
        name=name,
        access=access,
        roles=rights.somewhere,
        account=account,
        everything=rights.for_everything,
        rights=shown_rights(rights.in_spaces),
        only_in_spaces=not rights.allowed,
    )
