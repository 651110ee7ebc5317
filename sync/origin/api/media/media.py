"""Media over HTTP at `/v1/media`: uploaded files and network streams, their progress and their result."""

import asyncio
import os
from collections.abc import Callable

from aiohttp import hdrs, web
from pydantic import Field

from sync.errors import Conflict, NotFound
from sync.http.bodies import file_answer, json_answer, read_json, read_query, requested_version
from sync.http.operations import InSpaces, Operation
from sync.origin.api.content import send_file
from sync.origin.api.lists import SEEN, ListPage, SpaceQuery, list_operation
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.lists import MEDIA
from sync.origin.planning.media.edits import MediaBatch, MediaChange
from sync.origin.store.media.edits import MediaEditStore
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.media_rows import MediaRow, MediaState
from sync.roles import Role
from sync.runtime.clock import instant
from sync.wire.release import Asset, MediaKind
from sync.wire.stream_url import ShownUrl, StreamUrl, stream_title
from sync.wire.value_types import Identifier, Instant, Name, Request, Sha256, Wire, is_none
from sync.words.media import MEDIA_PROBLEMS
from sync.words.sentences import Told


class MediaView(Wire):
    """One media. `progress` is in percent; `problem` tells the person who sent it why it failed, or what was mended.

    `problem_told` has the code and the values of each of its sentences.
    """

    id: str
    name: str
    state: MediaState
    progress: int = Field(ge=0, le=100)
    problem: str | None
    problem_told: tuple[Told, ...] = ()
    retryable: bool  # it failed, and the uploaded file is still here
    source_sha256: Sha256
    source_bytes: int
    asset: Asset | None
    url: ShownUrl | None  # of a stream
    folder: str | None
    tags: tuple[str, ...]
    same_as: str | None  # the first media of the same bytes, or of the same address, if that is another one
    thumbnail: str | None  # its path
    preview: str | None = None  # of a film: the path of a small one for browsers; it is there a little later
    version: int
    created_at: Instant
    updated_at: Instant
    space: Identifier | None = Field(None, exclude_if=is_none)


class MediaList(ListPage):
    """A page of media."""

    media: tuple[MediaView, ...]


class StreamRequest(Request):
    """The address of a network stream; without a name it is called like its host."""

    url: StreamUrl
    name: Name | None = None


class MediaRoutes:
    """Serves media. Calls `wake()` when the pipeline has work, and `changed("media", id)` after each stored change."""

    def __init__(
        self,
        store: MediaStore,
        edits: MediaEditStore,
        files: DataFolder,
        *,
        wake: Callable[[], None],
        changed: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._edits = edits
        self._files = files
        self._wake = wake
        self._changed = changed

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        many, one, read, write = "/v1/media", "/v1/media/{id}", SEEN, InSpaces(Role.EDITOR)
        view, if_match, jpeg = MediaView, (hdrs.IF_MATCH,), "image/jpeg"
        streams, new_stream = f"{many}/streams", "Add a network stream"
        edit = "Rename, move or tag a media"
        picture = f"{one}/thumbnail"
        return (
            list_operation(many, "Media, newest first", MEDIA, MediaList, self._store.page, self.view, SEEN),
            Operation("POST", streams, self._add_stream, new_stream, write, StreamRequest, view, 201, query=SpaceQuery),
            Operation("GET", one, self._get, "One media", read, answer=view),
            Operation("PATCH", one, self._change, edit, write, MediaChange, view, headers=if_match),
            Operation("PATCH", many, self._change_many, "Move and tag many media", write, MediaBatch, status=204),
            Operation("POST", f"{one}/retry", self._retry, "Process a media again", write, None, view, 202),
            Operation(
                "GET", picture, self._thumbnail, "Its thumbnail (JPEG)", read, answer=jpeg, answer_headers=(hdrs.ETAG,)
            ),
            self._preview_operation(),
        )

    def _preview_operation(self) -> Operation:
        path, what = "/v1/media/{id}/preview", "A small film for browsers (H.264), whole or by range"
        asked, told = (hdrs.RANGE, hdrs.IF_RANGE), (hdrs.ETAG, hdrs.ACCEPT_RANGES, hdrs.CONTENT_RANGE)
        mp4 = "video/mp4"
        return Operation(
            "GET", path, self._preview, what, SEEN, answer=mp4, headers=asked, answer_headers=told, also=(206,)
        )

    def view(self, row: MediaRow) -> MediaView:
        """Return a row as the API shows it."""
        return MediaView(
            id=row.id,
            name=row.name,
            state=row.state,
            progress=row.progress,
            problem=row.problem,
            problem_told=MEDIA_PROBLEMS.all_told(row.problem) if row.problem else (),
            retryable=row.state is MediaState.FAILED and self._files.source_path(row.id).exists(),
            source_sha256=row.source_sha256,
            source_bytes=row.source_bytes,
            asset=row.asset,
            url=row.url,
            folder=row.folder,
            tags=row.tags,
            same_as=row.same_as,
            thumbnail=f"/v1/media/{row.id}/thumbnail" if row.asset is not None else None,
            preview=f"/v1/media/{row.id}/preview" if _is_film(row) else None,
            version=row.version,
            created_at=instant(row.created_ms),
            updated_at=instant(row.updated_ms),
            space=row.space,
        )

    async def _get(self, request: web.Request) -> web.Response:
        return self._answer(await self._store.get(request.match_info["id"]))

    async def _add_stream(self, request: web.Request) -> web.Response:
        asked = await read_json(request, StreamRequest)
        space = read_query(request, SpaceQuery).space
        media_id = await self._store.add_stream(asked.name or stream_title(asked.url), asked.url, space)
        self._changed("media", media_id)
        return self._answer(await self._store.get(media_id), status=201)

    async def _change(self, request: web.Request) -> web.Response:
        media_id, change = request.match_info["id"], await read_json(request, MediaChange)
        await self._edits.change(media_id, change, version=requested_version(request))
        self._changed("media", media_id)
        return self._answer(await self._store.get(media_id))

    async def _change_many(self, request: web.Request) -> web.Response:
        batch = await read_json(request, MediaBatch)
        await self._edits.change_many(batch)
        for media_id in dict.fromkeys(batch.media):
            self._changed("media", media_id)
        return web.Response(status=204)

    async def _retry(self, request: web.Request) -> web.Response:
        row = await self._store.get(request.match_info["id"])
        if row.state is MediaState.FAILED and not self._files.source_path(row.id).exists():
            raise Conflict("trying again would end the same way: send the file again, in another format")
        await self._store.retry(row.id)
        self._wake()
        self._changed("media", row.id)
        return self._answer(await self._store.get(row.id), status=202)

    async def _thumbnail(self, request: web.Request) -> web.Response:
        row = await self._store.get(request.match_info["id"])  # only an id we made becomes a path
        try:
            picture = await asyncio.to_thread(self._files.thumbnail_path(row.id).read_bytes)
        except FileNotFoundError as error:
            raise NotFound(f"media {row.id} has no small picture: it is {row.state}") from error
        return file_answer(picture, "image/jpeg", "private, max-age=86400")

    async def _preview(self, request: web.Request) -> web.StreamResponse:
        row = await self._store.get(request.match_info["id"])
        asset = row.asset.sha256 if row.asset is not None else ""
        try:
            file = await asyncio.to_thread(self._files.preview_path(asset).open, "rb")
        except FileNotFoundError as error:
            raise NotFound(f"media {row.id} has no small film, or not yet: it is {row.state}") from error
        with file:
            tag = f'"{asset}.{os.fstat(file.fileno()).st_mtime_ns}"'
            headers: dict[str, str] = {hdrs.CONTENT_TYPE: "video/mp4", hdrs.ETAG: tag, hdrs.ACCEPT_RANGES: "bytes"}
            headers[hdrs.CACHE_CONTROL] = "private, max-age=86400"
            return await send_file(request, headers, file)

    def _answer(self, row: MediaRow, *, status: int = 200) -> web.Response:
        return json_answer(self.view(row), status=status, version=row.version)


def _is_film(row: MediaRow) -> bool:
    return row.asset is not None and row.asset.kind is MediaKind.VIDEO
