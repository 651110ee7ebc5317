"""Where media are used, over HTTP; and media removed, or replaced by another one, in all these places."""

import asyncio
from collections.abc import Callable, Collection
from typing import Annotated

from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field

from sync.http.bodies import json_answer, read_json, read_query, requested_version
from sync.http.operations import InSpaces, Operation
from sync.origin.api.lists import SEEN
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.planning.media.edits import MOST_AT_ONCE
from sync.origin.planning.media.uses import MediaUses
from sync.origin.store.media.replacement import MediaReplacementStore
from sync.origin.store.media.uses import MediaUseStore
from sync.roles import Role
from sync.wire.value_types import Identifier, Request

Mark = Annotated[
    str | None, Field(max_length=64, description="the mark of the uses that were seen: if they differ, nothing is done")
]


class RemovalQuery(BaseModel):
    """Whether a media that is in use is removed from all plans, too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    with_uses: bool = False
    mark: Mark = None


class RemovalRequest(Request):
    """Media to delete together, all or none; `with_uses`: they are taken out of all plans, too."""

    media: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=MOST_AT_ONCE)]
    with_uses: bool = False


class ReplacementRequest(Request):
    """The media that comes wherever plans use another one."""

    by: Identifier
    mark: Mark = None


class MediaUseRoutes:
    """Serves what uses a media. Calls `changed(topic, id)` for each thing that a removal or replacement changed."""

    def __init__(
        self,
        uses: MediaUseStore,
        replacements: MediaReplacementStore,
        files: DataFolder,
        changed: Callable[[str, str], None],
    ) -> None:
        self._uses = uses
        self._replacements = replacements
        self._files = files
        self._changed = changed

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        removal, one, write = "/v1/media/removal", "/v1/media/{id}", InSpaces(Role.EDITOR)
        used, what = f"{one}/uses", "Where a media is used, and what its removal takes along"
        replacement, instead = f"{one}/replacement", "Replace a media wherever it is used"
        remove, if_match = "Delete a media, with its uses if that is wanted", (hdrs.IF_MATCH,)
        return (
            Operation("GET", used, self._read, what, SEEN, answer=MediaUses),
            Operation("DELETE", one, self._remove, remove, write, status=204, query=RemovalQuery, headers=if_match),
            Operation("POST", removal, self._remove_many, "Delete many media", write, RemovalRequest, status=204),
            Operation("POST", replacement, self._replace, instead, write, ReplacementRequest, MediaUses),
        )

    async def _read(self, request: web.Request) -> web.Response:
        return json_answer(await self._uses.of(request.match_info["id"]))

    async def _remove(self, request: web.Request) -> web.Response:
        media_id, query = request.match_info["id"], read_query(request, RemovalQuery)
        version, with_uses = requested_version(request), query.with_uses
        found = await self._replacements.remove([media_id], version=version, with_uses=with_uses, mark=query.mark)
        await self._tell_removed(list(found), list(found.values()))
        return web.Response(status=204)

    async def _remove_many(self, request: web.Request) -> web.Response:
        asked = await read_json(request, RemovalRequest)
        found = await self._replacements.remove(asked.media, with_uses=asked.with_uses)
        await self._tell_removed(list(found), list(found.values()))
        return web.Response(status=204)

    async def _replace(self, request: web.Request) -> web.Response:
        asked = await read_json(request, ReplacementRequest)
        changed = await self._replacements.replace(request.match_info["id"], asked.by, asked.mark)
        self._tell([changed])
        return json_answer(changed)

    async def _tell_removed(self, ids: Collection[str], uses: Collection[MediaUses]) -> None:
        for media_id in ids:
            self._changed("media", media_id)
        self._tell(uses)
        await asyncio.to_thread(self._delete_files, ids)  # a long film takes a while

    def _delete_files(self, ids: Collection[str]) -> None:
        for media_id in ids:
            self._files.thumbnail_path(media_id).unlink(missing_ok=True)
            self._files.source_path(media_id).unlink(missing_ok=True)

    def _tell(self, uses: Collection[MediaUses]) -> None:
        named = {("playlists", one.id) for each in uses for one in each.playlists}
        named |= {("campaigns", one.id) for each in uses for one in each.campaigns}
        named |= {("schedule", one.channel) for each in uses for one in each.channels}
        for topic, id in sorted(named):
            self._changed(topic, id)
