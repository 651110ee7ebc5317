"""What lies in which space: things are moved into another one, lent to one, and taken back."""

from aiohttp import web

from sync.errors import NotFound
from sync.http.bodies import json_answer
from sync.http.operations import InSpaces, Operation
from sync.origin.store.spaces.moving import LendingStore, LentThing, SpaceThing
from sync.roles import Role
from sync.wire.value_types import Identifier, Name, Wire


class LentView(Wire):
    """A playlist or media that a space may use and not change, though it lies in another one."""

    kind: SpaceThing
    id: Identifier
    name: Name
    space: Identifier


class LentList(Wire):
    """What is lent; after a move, what was lent by it, so that everything goes on showing what it showed."""

    lent: list[LentView]


class LendingRoutes:
    """Serves moves and lending."""

    def __init__(self, store: LendingStore) -> None:
        self._store = store

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        lent, one = "/v1/spaces/{id}/lent", "/v1/spaces/{id}/lent/{kind}/{thing}"
        seen, lender, mover = InSpaces(Role.VIEWER), InSpaces(Role.PUBLISHER), InSpaces(Role.ADMINISTRATOR)
        put, into = "Put a thing into a space", "/v1/spaces/{id}/things/{kind}/{thing}"
        return (
            Operation("PUT", into, self._move, put, mover, None, LentList),
            Operation("GET", lent, self._list, "What is lent to a space", seen, None, LentList),
            Operation("PUT", one, self._lend, "Lend a playlist or media to a space", lender, status=204),
            Operation("DELETE", one, self._take_back, "Take back what was lent", lender, status=204),
        )

    async def _move(self, request: web.Request) -> web.Response:
        return _answer(await self._store.move(*_thing(request), request.match_info["id"]))

    async def _list(self, request: web.Request) -> web.Response:
        return _answer(await self._store.lent_to(request.match_info["id"]))

    async def _lend(self, request: web.Request) -> web.Response:
        await self._store.lend(*_thing(request), request.match_info["id"])
        return web.Response(status=204)

    async def _take_back(self, request: web.Request) -> web.Response:
        await self._store.take_back(*_thing(request), request.match_info["id"])
        return web.Response(status=204)


def _thing(request: web.Request) -> tuple[SpaceThing, str]:
    kind = request.match_info["kind"]
    if kind not in list(SpaceThing):
        raise NotFound(f"there are no {kind} in spaces, but {', '.join(SpaceThing)}")
    return SpaceThing(kind), request.match_info["thing"]


def _answer(lent: list[LentThing]) -> web.Response:
    shown = [LentView(kind=one.kind, id=one.id, name=one.name, space=one.space) for one in lent]
    return json_answer(LentList(lent=shown))
