"""Playlists over HTTP: list, make, read, replace and remove, each change atomic with its items."""

from collections.abc import Callable

from aiohttp import web

from sync.origin.plans import PlaylistDraft, StoredPlaylist
from sync.origin.store.playlists import PlaylistStore, PlaylistSummary
from sync.web import Access, Operation, give, if_match, must_match, read_json
from sync.wire import Wire

BODY_CAP_BYTES = 8 * 1024 * 1024  # 10,000 items with long titles


class PlaylistList(Wire):
    """All playlists by name, without their items."""

    playlists: tuple[PlaylistSummary, ...]


class Playlists:
    """What people do with playlists; `changed("playlists", id)` follows each committed change."""

    def __init__(self, store: PlaylistStore, changed: Callable[[str, str], None]) -> None:
        self._store = store
        self._changed = changed

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be called."""
        many, one = "/v1/playlists", "/v1/playlists/{id}"
        draft, stored = PlaylistDraft, StoredPlaylist
        return (
            Operation("GET", many, self._list, "All playlists", Access.READ, gives=PlaylistList),
            Operation("POST", many, self._make, "Make a playlist", Access.WRITE, draft, stored, 201),
            Operation("GET", one, self._read, "A playlist with its items", Access.READ, gives=stored),
            Operation("PUT", one, self._replace, "Replace a playlist and its items", Access.WRITE, draft, stored),
            Operation("DELETE", one, self._remove, "Remove a playlist", Access.WRITE, status=204),
        )

    async def _list(self, request: web.Request) -> web.Response:
        return give(PlaylistList(playlists=await self._store.every()))

    async def _make(self, request: web.Request) -> web.Response:
        draft = await read_json(request, PlaylistDraft, cap_bytes=BODY_CAP_BYTES)
        made = await self._store.make(draft)
        self._changed("playlists", made.id)
        answer = give(made, status=201, version=made.version)
        answer.headers["Location"] = f"/v1/playlists/{made.id}"
        return answer

    async def _read(self, request: web.Request) -> web.Response:
        found = await self._store.get(request.match_info["id"])
        return give(found, version=found.version)

    async def _replace(self, request: web.Request) -> web.Response:
        version = must_match(request)
        draft = await read_json(request, PlaylistDraft, cap_bytes=BODY_CAP_BYTES)
        kept = await self._store.replace(request.match_info["id"], draft, version=version)
        self._changed("playlists", kept.id)
        return give(kept, version=kept.version)

    async def _remove(self, request: web.Request) -> web.Response:
        playlist_id = request.match_info["id"]
        await self._store.remove(playlist_id, version=if_match(request))
        self._changed("playlists", playlist_id)
        return web.Response(status=204)
