"""The keys of people and programs, for administrators. A key is shown only when it is made."""

import logging

from aiohttp import web
from pydantic import Field

from sync.http.bodies import json_answer, read_json
from sync.http.operations import Operation
from sync.origin.api.people.session_routes import BODY_BYTES
from sync.origin.api.people.space_rights import GivenRights, is_empty, rights_of, shown_rights
from sync.origin.http.auth import make_key
from sync.origin.store.people.keys import Key, KeyStore
from sync.roles import Role
from sync.runtime.clock import Clock, instant
from sync.wire.value_types import Identifier, Instant, Name, Request, Token, Wire

log = logging.getLogger(__name__)


class KeyView(Wire):
    """A key without its secret; `role` is for everything, None: there are only `rights` in spaces."""

    id: Identifier
    name: Name
    role: Role | None
    rights: GivenRights = Field((), exclude_if=is_empty)
    created_at: Instant


class KeyList(Wire):
    """All keys, oldest first."""

    keys: list[KeyView]


class NewKey(Request):
    """A key to be made: whose it is, and what it is for: `role` for everything, `rights` in spaces, or both."""

    name: Name
    role: Role | None = None
    rights: GivenRights = ()


class MadeKey(Wire):
    """The key that was made, and its token, which is shown only now and stored nowhere."""

    key: KeyView
    token: Token = Field(repr=False)


class KeyRoutes:
    """Serves keys."""

    def __init__(self, keys: KeyStore, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations, all for administrators."""
        many, role, end = "/v1/keys", Role.ADMINISTRATOR, "Make a key invalid and end its sessions"
        return (
            Operation("GET", many, self._list, "All keys", role, None, KeyList),
            Operation("POST", many, self._add, "Make a key", role, NewKey, MadeKey, 201),
            Operation("DELETE", f"{many}/{{id}}", self._remove, end, role, status=204),
        )

    async def _list(self, request: web.Request) -> web.Response:
        return json_answer(KeyList(keys=[_view(key) for key in await self._keys.list_all()]))

    async def _add(self, request: web.Request) -> web.Response:
        asked = await read_json(request, NewKey, cap_bytes=BODY_BYTES)
        key, token = await make_key(self._keys, self._clock, asked.name, asked.role, rights_of(asked.rights))
        return json_answer(MadeKey(key=_view(key), token=token), status=201)

    async def _remove(self, request: web.Request) -> web.Response:
        key = await self._keys.remove(request.match_info["id"])
        log.info("key=%s revoked", key.id)
        return web.Response(status=204)


def _view(key: Key) -> KeyView:
    rights, created_at = shown_rights(key.in_spaces), instant(key.created_ms)
    return KeyView(id=key.id, name=key.name, role=key.role, rights=rights, created_at=created_at)
