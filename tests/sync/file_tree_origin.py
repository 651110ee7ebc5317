"""A publisher and an HTTP server for tests: signs a content tree, serves it on loopback, with faults on demand."""

import asyncio
import base64
import hashlib
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from aiohttp import web

from sync.runtime.clock import SystemClock
from sync.trust.signing import SigningKey, sign_envelope
from sync.wire.chunk_index import MIB, Chunk, Index, dump_index
from sync.wire.content_paths import asset_path, index_path, release_path, root_path, timestamp_path
from sync.wire.release import (
    ROOT_DOMAIN,
    TIMESTAMP_DOMAIN,
    Asset,
    Item,
    MediaKind,
    Playlist,
    Release,
    Root,
    SigningRole,
    Timestamp,
)

EPOCH = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CHANNEL = "main"
CHUNK = 64 * 1024


def cut_into(content: bytes, length: int = CHUNK) -> Index:
    """Return the chunk list with small chunks, so that tests have many of them."""
    chunks = []
    for number, offset in enumerate(range(0, len(content), length)):
        piece = content[offset : offset + length]
        chunks.append(Chunk(number, offset, len(piece), hashlib.sha256(piece).hexdigest()))
    return Index(hashlib.sha256(content).hexdigest(), len(content), tuple(chunks))


class Publisher:
    """Writes a content tree, each file before the ones that name it, as an origin does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root_key = SigningKey.generate()
        self.key = SigningKey.generate()
        self.sequence = 0
        self.root = b""
        self.release = ""
        self.sign_root(1, self.root_key)

    def sign_root(self, version: int, *signers: SigningKey, expires_at: datetime | None = None) -> bytes:
        keys = {key.id: base64.b64encode(key.public).decode() for key in (self.root_key, self.key)}
        root = Root(
            version=version,
            expires_at=expires_at or EPOCH + timedelta(days=3650),
            keys=keys,
            root=SigningRole(keys=(self.root_key.id,)),
            timestamp=SigningRole(keys=(self.key.id,)),
        )
        raw = sign_envelope(ROOT_DOMAIN, root.model_dump_json().encode(), *signers)
        self.write(root_path(version), raw)
        if version == 1:
            self.root = raw
        return raw

    def write(self, path: str, content: bytes) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".new")
        temporary.write_bytes(content)
        temporary.replace(target)

    def asset(self, content: bytes, chunk: int = CHUNK, *, index: Index | None = None) -> Asset:
        index = index or cut_into(content, chunk)
        raw = dump_index(index)
        name = hashlib.sha256(raw).hexdigest()
        self.write(asset_path(index.asset), content)
        self.write(index_path(name), raw)
        return Asset(
            sha256=index.asset,
            size_bytes=len(content),
            index=name,
            kind=MediaKind.PICTURE,
            media_type="image/png",
            width=16,
            height=9,
        )

    def publish(self, *contents: bytes, chunk: int = CHUNK) -> tuple[Asset, ...]:
        assets = tuple(self.asset(content, chunk) for content in contents)
        self.publish_release(release_of(assets))
        return assets

    def publish_release(self, release: Release) -> str:
        self.sequence += 1
        self.release = self.write_release(release.model_dump_json().encode())
        self.sign(self.sequence, self.release)
        return self.release

    def write_release(self, raw: bytes) -> str:
        name = hashlib.sha256(raw).hexdigest()
        self.write(release_path(name), raw)
        return name

    def sign(
        self,
        sequence: int,
        release: str,
        *,
        key: SigningKey | None = None,
        issued_at: datetime = EPOCH,
        expires_at: datetime | None = None,
        channel: str = CHANNEL,
        at: str = CHANNEL,
    ) -> None:
        path = self.folder / release_path(release)
        timestamp = Timestamp(
            channel=channel,
            sequence=sequence,
            release=release,
            release_bytes=path.stat().st_size,
            issued_at=issued_at,
            expires_at=expires_at or EPOCH + timedelta(days=3650),
        )
        raw = sign_envelope(TIMESTAMP_DOMAIN, timestamp.model_dump_json().encode(), key or self.key)
        self.write(timestamp_path(at), raw)


def release_of(assets: tuple[Asset, ...], channel: str = CHANNEL) -> Release:
    """Return a release with one playlist that shows these assets in order."""
    items = tuple(
        Item(id=f"item-{n}", title=f"Item {n}", asset=asset.sha256, duration_ms=1000) for n, asset in enumerate(assets)
    )
    return Release(
        channel=channel,
        created_at=EPOCH,
        zone="UTC",
        default_playlist="all",
        playlists=(Playlist(id="all", name="All", items=items),),
        assets=assets,
    )


@dataclass
class Faults:
    """The faults of the server: each entry happens once, for requests whose path contains it."""

    cut_after: list[tuple[str, int]] = field(default_factory=list)
    flip: list[str] = field(default_factory=list)
    status: list[tuple[str, int, dict[str, str]]] = field(default_factory=list)
    replace: dict[str, bytes] = field(default_factory=dict)  # for as long as the entry is there
    no_ranges: bool = False
    lie_about_range: bool = False
    trickle_bytes: int = 0  # sent once, then nothing more
    pieces: asyncio.Semaphore | None = None  # each piece of media takes one
    pace_s: float = 0.0  # between two pieces of media
    drip_s: float = 0.0  # between two bytes of media
    redirect: dict[str, str] = field(default_factory=dict)


class Origin:
    """Serves the content tree over HTTP and records all requests."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.faults = Faults()
        self.requests: list[str] = []
        self.unchanged: list[str] = []  # those that were answered with 304
        self.etag = ""  # of all documents; empty: each has its own
        self.media_bytes = 0
        self.peers: set[tuple[str, int]] = set()  # the peer addresses of all connections
        self.url = ""
        self.changed = asyncio.Condition()
        self.live: set[web.WebSocketResponse] = set()
        self.extra: Callable[[web.Application], None] = lambda app: None
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/content/{path:.*}", self._content)
        app.router.add_get("/v1/live", self._live)
        self.extra(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def stop(self) -> None:
        if self._runner is not None:
            for socket in set(self.live):
                await socket.close()
            await self._runner.cleanup()
            self._runner = None

    async def announce(self, **hint: object) -> None:
        for socket in self.live:
            await socket.send_str(json.dumps(hint))

    async def _note(self, path: str) -> None:
        self.requests.append(path)
        await self._notify()

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a request makes `condition` true."""
        async with self.changed, asyncio.timeout(60):
            await self.changed.wait_for(condition)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.live.add(socket)
        await self._note("/v1/live")
        async for _ in socket:
            pass
        self.live.discard(socket)
        return socket

    async def _content(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        await self._note(path)
        for entry in self.faults.status:
            if entry[0] in path:
                self.faults.status.remove(entry)
                return web.Response(status=entry[1], headers=entry[2])
        for fragment, target in self.faults.redirect.items():
            if fragment in path:
                raise web.HTTPFound(target)
        file = self.publisher.folder / path
        if path in self.faults.replace:
            content = self.faults.replace[path]
        elif file.is_file():
            content = file.read_bytes()
        else:
            return web.Response(status=404)
        if path.startswith("assets/"):
            return await self._media(request, path, content)
        return self._document(request, path, content)

    def _document(self, request: web.Request, path: str, content: bytes) -> web.Response:
        tag = self.etag or f'"{hashlib.sha256(content).hexdigest()}"'
        if request.headers.get("If-None-Match") == tag:
            self.unchanged.append(path)
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=content, headers={"ETag": tag})

    async def _media(self, request: web.Request, path: str, content: bytes) -> web.StreamResponse:
        if request.transport is not None:
            self.peers.add(request.transport.get_extra_info("peername"))
        wanted = request.http_range
        first, last = wanted.start or 0, (wanted.stop or len(content)) - 1
        if self.faults.no_ranges:
            first, last, headers, status = 0, len(content) - 1, {}, 200
        else:
            headers, status = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}, 206
        if self.faults.lie_about_range:
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content) + 1}"
        body = bytearray(content[first : last + 1])
        if match := next((f for f in self.faults.flip if f in path), None):
            self.faults.flip.remove(match)
            body[len(body) // 2] ^= 0x40
        return await self._send(request, path, bytes(body), status, headers)

    async def _send(
        self, request: web.Request, path: str, body: bytes, status: int, headers: dict[str, str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={**headers, "Content-Length": str(len(body))})
        await response.prepare(request)
        cut = next((entry for entry in self.faults.cut_after if entry[0] in path), None)
        if cut is not None:
            self.faults.cut_after.remove(cut)
            body = body[: cut[1]]
        if self.faults.trickle_bytes:
            body = body[: self.faults.trickle_bytes]
        source = io.BytesIO(body)
        while piece := source.read(1 if self.faults.drip_s else CHUNK):
            if self.faults.pieces is not None:
                await self.faults.pieces.acquire()
            self.media_bytes += len(piece)
            await response.write(piece)
            if pause_s := self.faults.drip_s or self.faults.pace_s:
                await SystemClock().sleep(pause_s)
                await self._notify()
        if self.faults.trickle_bytes:
            await asyncio.Event().wait()  # until the client closes the connection
        if cut is not None and request.transport is not None:
            request.transport.close()
        return response


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Origin]:
    """Serve a new, empty tree."""
    origin = Origin(Publisher(folder))
    await origin.start()
    try:
        yield origin
    finally:
        await origin.stop()


def noise(seed: int, length: int = 2 * MIB) -> bytes:
    """Return bytes that do not repeat."""
    return Random(seed).randbytes(length)
