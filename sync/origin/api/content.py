"""Serves the content tree to devices, as nginx or a bucket would: by exact names only, and never through a symlink.

Everything but the timestamp is named by its hash (a root by its number) and never changes, so it may be cached for
ever. Devices trust only hashes; ranges and ETags are for them and for caches in between. aiohttp's `FileResponse` is
not used: its ETag is made of time and size, which differ between mirrors of the same bytes.
"""

import asyncio
import hashlib
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from aiohttp import hdrs, web

from sync.errors import NotFound, StorageBroken
from sync.http.operations import Access, Operation
from sync.http.problems import Handler, problem
from sync.origin.persistence.data_folder import DataFolder
from sync.runtime.os_messages import os_reason
from sync.wire.content_paths import asset_path, index_path, release_path, root_path, timestamp_path
from sync.wire.release import TIMESTAMP_CAP_BYTES

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"

_HASH = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_READ = (hdrs.RANGE, hdrs.IF_RANGE, hdrs.IF_NONE_MATCH)
_BYTES = "application/octet-stream"
_JSON = "application/json"


class ContentRoutes:
    """Serves what devices download. It is open to everyone: it is signed and holds nothing secret."""

    def __init__(self, files: DataFolder) -> None:
        self._tree = files.content

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations: each kind of file with GET and HEAD."""
        kinds: tuple[tuple[str, str, Handler], ...] = (
            ("assets/{name}", "A media file, whole or by range", self._immutable(_HASH, "", asset_path, _BYTES)),
            ("index/{name}", "The chunk list of a media file", self._immutable(_HASH, "", index_path, _BYTES)),
            ("releases/{name}", "A release", self._immutable(_HASH, ".json", release_path, _JSON)),
            (
                "roots/{name}",
                "A root: the keys that devices trust",
                self._immutable(_NUMBER, ".json", lambda n: root_path(int(n)), _JSON),
            ),
            ("channels/{name}/timestamp.json", "The signed timestamp of a channel", self._timestamp),
        )
        return tuple(
            Operation(method, f"/content/{path}", handler, what, Access.OPEN, headers=_READ)
            for path, what, handler in kinds
            for method in ("GET", "HEAD")
        )

    def _immutable(self, pattern: re.Pattern[str], suffix: str, path_of: Callable[[str], str], kind: str) -> Handler:
        """Serve files that never change. Their name is their ETag."""

        async def serve(request: web.Request) -> web.StreamResponse:
            name = _checked_name(request, pattern, suffix)
            headers: dict[str, str] = {hdrs.CONTENT_TYPE: kind, hdrs.CACHE_CONTROL: IMMUTABLE, hdrs.ETAG: f'"{name}"'}
            file = await asyncio.to_thread(_open, self._tree / path_of(name))
            try:
                if _is_cached(request, name):
                    return web.Response(status=304, headers=headers)
                return await _answer_file(request, file, headers)
            finally:
                file.close()

        return serve

    async def _timestamp(self, request: web.Request) -> web.StreamResponse:
        path = self._tree / timestamp_path(_checked_name(request, _CHANNEL, ""))
        raw = await asyncio.to_thread(_read_timestamp, path)
        tag = hashlib.sha256(raw).hexdigest()
        headers = {hdrs.CONTENT_TYPE: _JSON, hdrs.CACHE_CONTROL: REVALIDATE, hdrs.ETAG: f'"{tag}"'}
        if _is_cached(request, tag):
            return web.Response(status=304, headers=headers)
        return web.Response(body=raw, headers=headers)


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


def _is_cached(request: web.Request, tag: str) -> bool:
    known = request.if_none_match or ()
    return any(etag.value in (tag, "*") for etag in known)


async def _answer_file(request: web.Request, file: BinaryIO, headers: dict[str, str]) -> web.StreamResponse:
    size, ranged = os.fstat(file.fileno()).st_size, _range(request, headers[hdrs.ETAG])
    headers[hdrs.ACCEPT_RANGES] = "bytes"
    start, stop, _ = (ranged or slice(None)).indices(size)
    if ranged is not None:
        headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{stop - 1}/{size}"
        if start >= stop:
            return _unsatisfiable(request, size)
    answer = web.StreamResponse(status=200 if ranged is None else 206, headers=headers)
    answer.content_length = stop - start
    await answer.prepare(request)
    if request.method != hdrs.METH_HEAD and request.transport is not None:
        await _send_bytes(request.transport, file, start, stop - start)
    return answer


async def _send_bytes(transport: asyncio.Transport, file: BinaryIO, start: int, count: int) -> None:
    """Send part of a file. A client that disconnects asks again for the rest, so that is not logged."""
    if transport.is_closing() or count == 0:
        return
    try:
        await asyncio.get_running_loop().sendfile(transport, file, start, count)
    except ConnectionError:
        transport.abort()


def _range(request: web.Request, tag: str) -> slice | None:
    """Return the requested range; None for the whole file, also if `If-Range` names other bytes.

    A range that cannot be parsed becomes an empty one, which cannot be satisfied.
    """
    if hdrs.RANGE not in request.headers or request.headers.get(hdrs.IF_RANGE, tag) != tag:
        return None
    try:
        return request.http_range
    except ValueError:
        return slice(0, 0)


def _unsatisfiable(request: web.Request, size: int) -> web.Response:
    detail = f"ask for one range of bytes inside 0-{size - 1}"
    answer = problem(416, "range-not-satisfiable", "Range not satisfiable", detail, request.path)
    answer.headers.update({hdrs.CONTENT_RANGE: f"bytes */{size}", hdrs.ACCEPT_RANGES: "bytes"})
    return answer
