"""The list of spaces: all see theirs, administrators add and remove them."""

import secrets

from aiohttp import hdrs, web

from sync.http.bodies import json_answer, read_json
from sync.http.forwarded import location
from sync.http.operations import InSpaces, Operation
from sync.origin.store.spaces.space_table import Space, SpaceStore
from sync.roles import Role
from sync.wire.value_types import Identifier, Name, Request, Wire

_MANY, _ONE = "/v1/spaces", "/v1/spaces/{id}"


class SpaceView(Wire):
    """A space: a part of the playlists, media, campaigns, channels and devices."""

    id: Identifier
    name: Name


class SpaceList(Wire):
    """The spaces that one may see, by name."""

    spaces: list[SpaceView]


class NewSpace(Request):
    """A space to be made; without an id it gets one."""

    name: Name
    id: Identifier | None = None


class SpaceChange(Request):
    """What is to be different."""

    name: Name


class SpaceRoutes:
    """Serves the list of spaces."""

    def __init__(self, spaces: SpaceStore) -> None:
        self._spaces = spaces

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        role, told = Role.ADMINISTRATOR, (hdrs.LOCATION,)
        return (
            Operation("GET", _MANY, self._list, "The spaces that one may see", InSpaces(Role.VIEWER), None, SpaceList),
            Operation("POST", _MANY, self._add, "Make a space", role, NewSpace, SpaceView, 201, answer_headers=told),
            Operation("PATCH", _ONE, self._rename, "Rename a space", role, SpaceChange, SpaceView),
            Operation("DELETE", _ONE, self._remove, "Remove an empty space", role, status=204),
        )

    async def _list(self, request: web.Request) -> web.Response:
        return json_answer(SpaceList(spaces=[_view(one) for one in await self._spaces.list_seen()]))

    async def _add(self, request: web.Request) -> web.Response:
        asked = await read_json(request, NewSpace)
        space = Space(asked.id or secrets.token_hex(8), asked.name)
        await self._spaces.add(space)
        answer = json_answer(_view(space), status=201)
        answer.headers[hdrs.LOCATION] = location(request, f"{_MANY}/{space.id}")
        return answer

    async def _rename(self, request: web.Request) -> web.Response:
        change = await read_json(request, SpaceChange)
        return json_answer(_view(await self._spaces.rename(Space(request.match_info["id"], change.name))))

    async def _remove(self, request: web.Request) -> web.Response:
        await self._spaces.remove(request.match_info["id"])
        return web.Response(status=204)


def _view(space: Space) -> SpaceView:
    return SpaceView(id=space.id, name=space.name)
