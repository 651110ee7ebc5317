"""Finds out who calls: people by key or by the cookie of a page that logged in, devices by their token.

Tokens are looked up by their hash, so neither the database nor the time of an answer reveals anything about them.
"""

import logging
import secrets
from collections.abc import Iterable

from aiohttp import hdrs, web

from sync.errors import Forbidden, Unauthenticated
from sync.http.forwarded import client_of
from sync.http.listener import hold_by_token
from sync.http.operations import UNGUARDED, Access, InSpaces, Needed
from sync.origin.audit.actor import Actor, ActorKind, set_actor
from sync.origin.http.origin_memory import Caller, OriginMemory
from sync.origin.store.drafts.ready_versions import keep_drafts
from sync.origin.store.people.keys import Key, KeyStore
from sync.origin.store.spaces.caller_rights import ALL, act_with
from sync.roles import EVERYTHING, Right, Role, refusal
from sync.runtime.clock import Clock, unix_ms
from sync.trust.signing import new_token, token_hash

COOKIE = "signage_session"
DRAFT = "draft"
"""A parameter of what saves a plan: whether it stays a draft, though who saves it may publish it."""

_NO = frozenset({"0", "off", "f", "false", "n", "no"})
"""What says no in a query, in small letters: what pydantic takes for false."""

FIRST_KEY = "first"

log = logging.getLogger(__name__)


_CALLER = web.RequestKey("caller", Caller)


class Gatekeeper:
    """Identifies callers and guards operations."""

    def __init__(self, memory: OriginMemory) -> None:
        self._memory = memory

    async def guard(self, request: web.Request, access: Needed) -> None:
        """Allow the caller of an operation or raise. After that `caller_of` returns who it is.

        Raises:
            Unauthenticated: there is no valid token or cookie.
            Forbidden: the caller is known and may not do this.
        """
        address = client_of(request, request.app)
        set_actor(Actor(ActorKind.UNKNOWN, "", "", address))  # not who sent the last request of this connection
        act_with(ALL)  # a connection serves many, one after the other
        keep_drafts(False)
        if access in UNGUARDED:
            return
        caller = await self.identify(request)
        if (reason := _refused(caller, access)) is not None:
            raise Forbidden(f"{caller.name} may not do this: {reason}", asks=_asks(caller, access))
        request[_CALLER] = caller
        set_actor(actor_of(caller, address))
        if not caller.is_device:
            act_with(caller.rights)
            keep_drafts(request.query.get(DRAFT, "false").lower() not in _NO)
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


def caller_of(request: web.Request) -> Caller:
    """Return the caller that the guard allowed."""
    return request[_CALLER]


def actor_of(caller: Caller, address: str) -> Actor:
    """Return who acts while a caller's request is answered."""
    kind = ActorKind.DEVICE if caller.is_device else ActorKind.PERSON if caller.is_person else ActorKind.KEY
    return Actor(kind, caller.id, caller.name, address)


def _refused(caller: Caller, needed: Needed) -> str | None:
    """Return why a known caller may not do what needs this; None: it may."""
    if needed is Access.ANY_TOKEN:
        needed = Access.DEVICE if caller.is_device else InSpaces(Role.VIEWER)
    if not isinstance(needed, Role | InSpaces):
        return None if caller.is_device else "it needs a device's token"
    if caller.is_device:
        return "it is for people, and this is a device"
    rights = caller.rights
    if isinstance(needed, InSpaces):
        return None if needed.role in rights.somewhere else refusal(rights, needed.role, anywhere=True)
    return None if rights.allow(needed) else refusal(rights, needed)


def _asks(caller: Caller, needed: Needed) -> list[tuple[str, str]]:
    if caller.is_device or not isinstance(needed, Role | InSpaces):
        return []
    return [((needed.role if isinstance(needed, InSpaces) else needed).value, EVERYTHING)]


async def make_key(
    keys: KeyStore, clock: Clock, name: str, role: Role | None, in_spaces: Iterable[Right] = ()
) -> tuple[Key, str]:
    """Make a key with a role for everything (None: without), and roles in spaces. The token is returned only now.

    Raises:
        Conflict: a key has this name already.
        Rejected: there is no such space, or it would have no role at all.
    """
    token, rights = new_token(), frozenset(in_spaces)
    key = Key(id=secrets.token_hex(8), name=name, role=role, created_ms=unix_ms(clock.now()), in_spaces=rights)
    await keys.add(key, token_hash(token))
    log.info("key=%s role=%s made", key.id, role)
    return key, token


async def make_first_key(keys: KeyStore, clock: Clock) -> str | None:
    """Make a key with all rights if there is no key yet; return its token, to be printed once, else None."""
    token = new_token()
    key = Key(id=FIRST_KEY, name=FIRST_KEY, role=Role.ADMINISTRATOR, created_ms=unix_ms(clock.now()))
    return token if await keys.add_first(key, token_hash(token)) else None
