"""Where media are used, over HTTP."""

from aiohttp import web

from sync.http.bodies import json_answer
from sync.http.operations import Operation
from sync.origin.planning.media.uses import MediaUses
from sync.origin.store.media.uses import MediaUseStore
from sync.roles import Role


class MediaUseRoutes:
    """Serves what uses a media."""

    def __init__(self, store: MediaUseStore) -> None:
        self._store = store

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        path, what = "/v1/media/{id}/uses", "Where a media is used, and what its removal takes along"
        return (Operation("GET", path, self._uses, what, Role.VIEWER, answer=MediaUses),)

    async def _uses(self, request: web.Request) -> web.Response:
        return json_answer(await self._store.of(request.match_info["id"]))
