"""Serves the content tree to devices, as nginx or a bucket would: by exact names only, and never through a symlink.

Everything but the timestamp is named by its hash (a root by its number) and never changes, so it may be cached for
ever. Devices trust only hashes; ranges and ETags are for them and for caches in between. aiohttp's `FileResponse` is
not used: its ETag is made of time and size, which differ between mirrors of the same bytes.
"""

import asyncio
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from aiohttp import hdrs, web

from sync.errors import NotFound, StorageBroken
from sync.http.bodies import file_answer
from sync.http.conditional import conditional, requested_range
from sync.http.operations import Access, Operation
from sync.http.problems import Handler, problem
from sync.origin.persistence.data_folder import DataFolder
from sync.runtime.os_messages import os_reason
from sync.wire.content_paths import asset_path, bookings_path, index_path, release_path, root_path, timestamp_path
from sync.wire.release import TIMESTAMP_CAP_BYTES

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

    def __init__(self, files: DataFolder) -> None:
        self._tree = files.content

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

    def _immutable(self, pattern: re.Pattern[str], suffix: str, path_of: Callable[[str], str], kind: str) -> Handler:
        """Serve files that never change. Their name is their ETag."""

        async def serve(request: web.Request) -> web.StreamResponse:
            name = _checked_name(request, pattern, suffix)
            headers: dict[str, str] = {hdrs.CONTENT_TYPE: kind, hdrs.CACHE_CONTROL: IMMUTABLE, hdrs.ETAG: f'"{name}"'}
            file = await asyncio.to_thread(_open, self._tree / path_of(name))
            try:
                return await _answer_file(request, file, headers)
            finally:
                file.close()

        return serve

    async def _timestamp(self, request: web.Request) -> web.StreamResponse:
        path = self._tree / timestamp_path(_checked_name(request, _CHANNEL, ""))
        raw = await asyncio.to_thread(_read_timestamp, path)
        return file_answer(raw, _JSON)


def _checked_name(request: web.Request, pattern: re.Pattern[str], suffix: str) -> str:
    """Return the requested name without its suffix; what is not exactly such a name is not found."""
    requested = request.match_info["name"]
    bare = requested.removesuffix(suffix)
    if bare + suffix != requested or pattern.fullmatch(bare) is None:
        raise NotFound("there is no such file")
    return bare


def _open(path: Path) -> BinaryIO:
    try:
        file = open(path, "rb", opener=_without_links)  # noqa: SIM115  # Path.open takes no opener
    except FileNotFoundError as error:
        raise NotFound("there is no such file") from error
    except OSError as error:  # also for a symlink
        raise StorageBroken(f"{path.name} cannot be read: {os_reason(error)}") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise StorageBroken(f"{path.name} is not a file")
    return file


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _read_timestamp(path: Path) -> bytes:
    with _open(path) as file:
        return file.read(TIMESTAMP_CAP_BYTES)


async def _answer_file(request: web.Request, file: BinaryIO, headers: dict[str, str]) -> web.StreamResponse:
    size = os.fstat(file.fileno()).st_size
    answer = web.StreamResponse(headers={**headers, hdrs.ACCEPT_RANGES: "bytes"})
    if (replaced := conditional(request, answer)) is not answer:
        return replaced
    asked = requested_range(request, headers[hdrs.ETAG], size)
    sent = range(size) if asked is None else asked
    if asked is not None:
        if not asked:
            return _unsatisfiable(request, size)
        answer.set_status(206)
        answer.headers[hdrs.CONTENT_RANGE] = f"bytes {sent.start}-{sent.stop - 1}/{size}"
    answer.content_length = len(sent)
    await answer.prepare(request)
    if request.method != hdrs.METH_HEAD and request.transport is not None:
        await _send_bytes(request.transport, file, sent.start, len(sent))
    return answer


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
