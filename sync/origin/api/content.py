"""Serves the content tree to devices, as nginx or a bucket would: by exact names only, and never through a symlink.

Everything but the timestamp is named by its hash (a root by its number) and never changes, so it may be cached for
ever. Devices trust only hashes; ranges and ETags are for them and for caches in between. Small files come from memory,
large ones by `sendfile`, or nginx sends them (`sync.origin.http.handed_over`). Nothing here is compressed: devices
count the bytes that come, and media are compressed already. aiohttp's `FileResponse` is not used: its ETag is made of
time and size, which differ between mirrors of the same bytes.
"""

import asyncio
import os
import re
from collections.abc import Callable
from typing import BinaryIO

from aiohttp import hdrs, web

from sync.errors import NotFound, StorageBroken
from sync.http.conditional import conditional, requested_range
from sync.http.operations import Access, Operation
from sync.http.problems import Handler, problem
from sync.origin.http.handed_over import HandedOver
from sync.origin.http.small_files import SmallFiles, open_regular
from sync.origin.persistence.data_folder import DataFolder
from sync.wire.content_paths import asset_path, bookings_path, index_path, release_path, root_path, timestamp_path

IMMUTABLE = "public, max-age=31536000, immutable"

_HASH = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RANGES = (hdrs.RANGE, hdrs.IF_RANGE)
_TOLD = (hdrs.ETAG, hdrs.CACHE_CONTROL, hdrs.ACCEPT_RANGES, hdrs.CONTENT_RANGE)
_BYTES = "application/octet-stream"
_JSON = "application/json"


class ContentRoutes:
    """Serves what devices download. It is open to everyone: it is signed and holds nothing secret."""

    def __init__(self, files: DataFolder, handed_over: HandedOver | None = None) -> None:
        self._tree = f"{files.content}/"
        self._small = SmallFiles()
        self._handed_over = handed_over or HandedOver()

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations: one for each kind of file."""
        roots = self._immutable(_NUMBER, ".json", lambda n: root_path(int(n)), _JSON)
        kinds: tuple[tuple[str, str, Handler, str], ...] = (
            ("assets", "A media file, whole or by range", self._immutable(_HASH, "", asset_path, _BYTES), _BYTES),
            ("bookings", "Bookings of a release", self._immutable(_HASH, "", bookings_path, _JSON), _JSON),
            ("index", "The chunk list of a media file", self._immutable(_HASH, "", index_path, _BYTES), _BYTES),
            ("releases", "A release", self._immutable(_HASH, ".json", release_path, _JSON), _JSON),
            ("roots", "A root: the keys that devices trust", roots, _JSON),
        )
        immutable = (
            Operation(
                "GET",
                f"/content/{folder}/{{name}}",
                handler,
                what,
                Access.OPEN,
                answer=media_type,
                headers=_RANGES,
                answer_headers=_TOLD,
                also=(206,),
            )
            for folder, what, handler, media_type in kinds
        )
        path, what = "/content/channels/{name}/timestamp.json", "The signed timestamp of a channel"
        timestamp = Operation(
            "GET", path, self._timestamp, what, Access.OPEN, answer=_JSON, answer_headers=(hdrs.ETAG,)
        )
        return (*immutable, timestamp)

    async def timestamp_hash(self, channel: str) -> str | None:
        """Return the hash of a channel's timestamp as it is served now; None: there is none that can be read."""
        try:
            small = await self._small.read(self._tree + timestamp_path(channel))
        except (NotFound, StorageBroken):  # who asks for the file itself is told more
            return None
        return None if small is None else small.etag.strip('"')

    def _immutable(self, pattern: re.Pattern[str], suffix: str, path_of: Callable[[str], str], kind: str) -> Handler:
        """Serve files that never change. Their name is their ETag."""

        async def serve(request: web.Request) -> web.StreamResponse:
            name = _checked_name(request, pattern, suffix)
            headers: dict[str, str] = {hdrs.CONTENT_TYPE: kind, hdrs.CACHE_CONTROL: IMMUTABLE, hdrs.ETAG: f'"{name}"'}
            headers[hdrs.ACCEPT_RANGES] = "bytes"
            path = path_of(name)
            small = await self._small.read(self._tree + path)
            if small is not None:
                return _send_small(request, headers, small.content)
            if (answer := self._handed_over.answer(request, path, headers)) is not None:
                return answer
            with await asyncio.to_thread(open_regular, self._tree + path) as file:
                return await send_file(request, headers, file)

        return serve

    async def _timestamp(self, request: web.Request) -> web.StreamResponse:
        small = await self._small.read(self._tree + timestamp_path(_checked_name(request, _CHANNEL, "")))
        if small is None:
            raise StorageBroken("the timestamp of this channel is damaged: publish it again")
        headers = {hdrs.CONTENT_TYPE: _JSON, hdrs.CACHE_CONTROL: "no-cache", hdrs.ETAG: small.etag}
        return web.Response(body=small.content, headers=headers)


def _checked_name(request: web.Request, pattern: re.Pattern[str], suffix: str) -> str:
    """Return the requested name without its suffix; what is not exactly such a name is not found."""
    requested = request.match_info["name"]
    bare = requested.removesuffix(suffix)
    if bare + suffix != requested or pattern.fullmatch(bare) is None:
        raise NotFound("there is no such file")
    return bare


def _send_small(request: web.Request, headers: dict[str, str], content: bytes) -> web.StreamResponse:
    """Return the answer with `content`, or what the request leaves of it."""
    answer = web.Response(headers=headers)
    told, sent = _tell(request, answer, len(content))
    answer.body = content[sent.start : sent.stop]
    return told


async def send_file(request: web.Request, headers: dict[str, str], file: BinaryIO) -> web.StreamResponse:
    """Send a file, or what the request leaves of it, without reading it: the kernel copies it to the socket.

    `headers` has its ETag.
    """
    answer = web.StreamResponse(headers=headers)
    told, sent = _tell(request, answer, os.fstat(file.fileno()).st_size)
    if told is answer:
        answer.content_length = len(sent)
        await answer.prepare(request)
        if request.method != hdrs.METH_HEAD and request.transport is not None:
            await _send_bytes(request.transport, file, sent.start, len(sent))
    return told


def _tell(request: web.Request, answer: web.StreamResponse, size: int) -> tuple[web.StreamResponse, range]:
    """Return `answer`, or what replaces it because of the conditions or the range of the request, and what is sent."""
    if (replaced := conditional(request, answer)) is not answer:
        return replaced, range(0)
    asked = requested_range(request, answer.headers[hdrs.ETAG], size)
    if asked is None:
        return answer, range(size)
    if not asked:
        return _unsatisfiable(request, size), asked
    answer.set_status(206)
    answer.headers[hdrs.CONTENT_RANGE] = f"bytes {asked.start}-{asked.stop - 1}/{size}"
    return answer, asked


async def _send_bytes(transport: asyncio.Transport, file: BinaryIO, start: int, count: int) -> None:
    """Send part of a file. A client that disconnects asks again for the rest, so that is not logged."""
    if transport.is_closing() or count == 0:
        return
    try:
        await asyncio.get_running_loop().sendfile(transport, file, start, count)
    except ConnectionError:
        transport.abort()


def _unsatisfiable(request: web.Request, size: int) -> web.Response:
    detail = f"there are {size} bytes: ask for a range that begins within them"
    answer = problem(416, "range-not-satisfiable", "Range not satisfiable", detail, request.path)
    answer.headers.update({hdrs.CONTENT_RANGE: f"bytes */{size}", hdrs.ACCEPT_RANGES: "bytes"})
    return answer
