"""A planner's desk on real files and a real database: the stores, the publisher, and a way to have media ready."""

import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sync.clock import Clock
from sync.indexing import dump_index, index_file
from sync.origin.content import ContentRoutes
from sync.origin.database import OriginDatabase, open_origin_database
from sync.origin.documents import CAMPAIGNS, PLAYLISTS, PlanDocumentRoutes
from sync.origin.files import DataFolder
from sync.origin.keyring import Keyring
from sync.origin.publish import Publisher
from sync.origin.releases import ReleaseRoutes
from sync.origin.schedule import ScheduleRoutes
from sync.origin.store.campaigns import CampaignStore
from sync.origin.store.media import MediaStore
from sync.origin.store.playlists import PlaylistStore
from sync.origin.store.releases import ReleaseStore
from sync.origin.store.schedule import ScheduleStore
from sync.release import Asset, MediaKind
from sync.tree import asset_path, index_path
from sync.web import Access, mount, problem_middleware

VALID_FOR_S = 86_400.0

Client = TestClient[web.Request, web.Application]


@dataclass
class Desk:
    database: OriginDatabase
    clock: Clock
    files: DataFolder
    media: MediaStore
    playlists: PlaylistStore
    schedules: ScheduleStore
    campaigns: CampaignStore
    releases: ReleaseStore
    keyring: Keyring
    publisher: Publisher
    changes: list[tuple[str, str]] = field(default_factory=list)

    async def queued(self, media_id: str, name: str | None = None) -> str:
        data = media_id.encode()
        await self.media.queue(media_id, name or f"{media_id}.jpg", hashlib.sha256(data).hexdigest(), len(data))
        return media_id

    async def failed(self, media_id: str, why: str) -> str:
        await self.queued(media_id)
        await self.media.claim()
        await self.media.fail(media_id, why)
        return media_id

    async def ready(self, media_id: str, *, data: bytes | None = None, video: bool = False) -> str:
        """Have a media whose bytes and chunk list lie in the content tree."""
        await self.queued(media_id)
        await self.media.claim()
        assert await self.media.ready(media_id, self.put_asset(data or media_id.encode() * 100, video=video))
        return media_id

    def put_asset(self, data: bytes, *, video: bool = False) -> Asset:
        index = index_file(io.BytesIO(data), len(data))
        raw = dump_index(index)
        name = hashlib.sha256(raw).hexdigest()
        self.files.put(asset_path(index.asset), data)
        self.files.put(index_path(name), raw)
        return Asset(
            sha256=index.asset,
            size_bytes=len(data),
            index=name,
            kind=MediaKind.VIDEO if video else MediaKind.PICTURE,
            media_type="video/mp4" if video else "image/jpeg",
            width=1280,
            height=720,
            duration_ms=4000 if video else None,
        )


@asynccontextmanager
async def open_desk(folder: Path, clock: Clock, *, url: str | None = None) -> AsyncIterator[Desk]:
    files = DataFolder(folder)
    files.prepare()
    keyring = Keyring(folder, files, clock)
    keyring.prepare()
    changes: list[tuple[str, str]] = []
    async with open_origin_database(url or f"sqlite+aiosqlite:///{folder / 'origin.db'}") as database:
        releases = ReleaseStore(database)
        yield Desk(
            database=database,
            clock=clock,
            files=files,
            media=MediaStore(database, clock),
            playlists=PlaylistStore(database, clock),
            schedules=ScheduleStore(database),
            campaigns=CampaignStore(database, clock),
            releases=releases,
            keyring=keyring,
            publisher=Publisher(
                releases,
                files,
                keyring,
                clock,
                valid_for_s=VALID_FOR_S,
                changed=lambda topic, id: changes.append((topic, id)),
            ),
            changes=changes,
        )


async def _open_to_all(request: web.Request, access: Access) -> None:
    assert access in Access


@asynccontextmanager
async def serve(desk: Desk) -> AsyncIterator[Client]:
    """Serve the planning rooms on a socket of loopback."""

    def changed(topic: str, id: str) -> None:
        desk.changes.append((topic, id))

    rooms = (
        PlanDocumentRoutes(PLAYLISTS, desk.playlists, changed),
        ScheduleRoutes(desk.schedules, changed),
        PlanDocumentRoutes(CAMPAIGNS, desk.campaigns, changed),
        ReleaseRoutes(desk.publisher, desk.releases),
        ContentRoutes(desk.files),
    )
    app = web.Application(middlewares=[problem_middleware], client_max_size=1024 * 1024)
    mount(app, [operation for room in rooms for operation in room.operations()], _open_to_all)
    async with TestClient(TestServer(app)) as client:
        yield client


async def call(client: Client, method: str, path: str, body: Any = None, *, etag: str | None = None) -> tuple[int, Any]:
    """Send JSON; return status and document."""
    headers = {} if etag is None else {"If-Match": etag}
    async with client.request(method, path, json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None) if answer.status != 204 else None
