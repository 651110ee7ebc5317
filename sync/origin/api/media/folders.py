"""Folders of media over HTTP, at `/v1/media/folders`."""

from collections.abc import Callable

from aiohttp import hdrs, web

from sync.http.bodies import json_answer, read_json, read_query, requested_version
from sync.http.forwarded import location
from sync.http.operations import InSpaces, Operation
from sync.origin.api.lists import SEEN, ListPage, SpaceQuery, list_operation
from sync.origin.persistence.lists import MEDIA_FOLDERS
from sync.origin.planning.media.edits import FolderChange, FolderDraft
from sync.origin.store.media.folders import MediaFolder, MediaFolderStore
from sync.roles import Role


class MediaFolderList(ListPage):
    """A page of folders."""

    folders: tuple[MediaFolder, ...]


class MediaFolderRoutes:
    """Serves folders. Calls `changed("media", id)` with the id of a folder after each stored change."""

    def __init__(self, store: MediaFolderStore, changed: Callable[[str, str], None]) -> None:
        self._store = store
        self._changed = changed

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        many, one, write = "/v1/media/folders", "/v1/media/folders/{id}", InSpaces(Role.EDITOR)
        view, if_match, moved = MediaFolder, (hdrs.IF_MATCH,), "Rename or move a folder, with all inside it"
        listed, where = "Folders of media, each after the one above it", (hdrs.LOCATION,)
        make, what = self._create, "Make a folder"
        return (
            list_operation(many, listed, MEDIA_FOLDERS, MediaFolderList, self._store.page, access=SEEN),
            Operation("POST", many, make, what, write, FolderDraft, view, 201, query=SpaceQuery, answer_headers=where),
            Operation("GET", one, self._get, "A folder of media", SEEN, answer=view),
            Operation("PATCH", one, self._change, moved, write, FolderChange, view, headers=if_match),
            Operation("DELETE", one, self._remove, "Delete an empty folder", write, status=204, headers=if_match),
        )

    async def _create(self, request: web.Request) -> web.Response:
        space = read_query(request, SpaceQuery).space
        made = await self._store.create(await read_json(request, FolderDraft), space)
        self._changed("media", made.id)
        answer = json_answer(made, status=201, version=made.version)
        answer.headers["Location"] = location(request, f"/v1/media/folders/{made.id}")
        return answer

    async def _get(self, request: web.Request) -> web.Response:
        found = await self._store.get(request.match_info["id"])
        return json_answer(found, version=found.version)

    async def _change(self, request: web.Request) -> web.Response:
        change = await read_json(request, FolderChange)
        made = await self._store.change(request.match_info["id"], change, version=requested_version(request))
        self._changed("media", made.id)
        return json_answer(made, version=made.version)

    async def _remove(self, request: web.Request) -> web.Response:
        folder = request.match_info["id"]
        await self._store.remove(folder, version=requested_version(request))
        self._changed("media", folder)
        return web.Response(status=204)
