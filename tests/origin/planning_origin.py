"""An origin for planning and publishing on real files and a real database, with media that need no pipeline."""

import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sync.http.operations import Access, InSpaces, Needed, mount
from sync.http.problems import problem_middleware
from sync.origin.api.content import ContentRoutes
from sync.origin.api.devices import DeviceRoutes
from sync.origin.api.media.uses import MediaUseRoutes
from sync.origin.api.plans.documents import CAMPAIGN_KIND, PLAYLIST_KIND, PlanDocumentRoutes
from sync.origin.api.plans.schedules import ScheduleRoutes
from sync.origin.api.releases.booking_routes import BookingRoutes
from sync.origin.api.releases.changes_routes import ChangesRoutes
from sync.origin.api.releases.on_air_routes import OnAirRoutes
from sync.origin.api.releases.preview_routes import PreviewRoutes
from sync.origin.api.releases.publication_routes import PublicationRoutes
from sync.origin.api.releases.release_routes import ReleaseRoutes
from sync.origin.api.releases.showing_routes import ShowingRoutes
from sync.origin.live.screens import Screens
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.publishing.keyring import Keyring
from sync.origin.publishing.preview.channel_programmes import ChannelProgrammes
from sync.origin.publishing.publisher import Publisher
from sync.origin.retention.policy import RetentionRule
from sync.origin.store.campaigns import CampaignStore
from sync.origin.store.devices import DeviceStore
from sync.origin.store.drafts.readiness import ReadinessStore
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.replacement import MediaReplacementStore, PlanStores
from sync.origin.store.media.uses import MediaUseStore
from sync.origin.store.playlists import PlaylistStore
from sync.origin.store.proof.identity_doubts import IdentityDoubtStore
from sync.origin.store.publications import PublicationStore
from sync.origin.store.ready_plans import ReadyPlans
from sync.origin.store.releases import ReleaseStore
from sync.origin.store.schedules import ScheduleStore
from sync.roles import Role
from sync.runtime.clock import Clock
from sync.wire.chunk_index import dump_index, index_file
from sync.wire.content_paths import asset_path, index_path
from sync.wire.release import Asset, MediaKind
from tests.origin.empty_database import lay_database

VALID_FOR_S = 86_400.0
PREVIOUS = 1
GRACE_MS = 7 * 86_400_000

Client = TestClient[web.Request, web.Application]


@dataclass
class PlanningOrigin:
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

    @property
    def replacements(self) -> MediaReplacementStore:
        plans = PlanStores(self.playlists, self.campaigns, self.schedules)
        return MediaReplacementStore(self.database, plans)

    async def queue_media(self, media_id: str, name: str | None = None) -> str:
        data = media_id.encode()
        await self.media.queue(media_id, name or f"{media_id}.jpg", hashlib.sha256(data).hexdigest(), len(data))
        return media_id

    async def fail_media(self, media_id: str, why: str) -> str:
        await self.queue_media(media_id)
        await self.media.claim()
        await self.media.mark_failed(media_id, why)
        return media_id

    async def make_media(self, media_id: str, *, data: bytes | None = None, video: bool = False) -> str:
        """Add a ready media; its bytes and chunk list are in the content tree."""
        await self.queue_media(media_id)
        await self.media.claim()
        assert await self.media.mark_ready(media_id, self.put_asset(data or media_id.encode() * 100, video=video))
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
async def open_planning_origin(folder: Path, clock: Clock, *, url: str | None = None) -> AsyncIterator[PlanningOrigin]:
    files = DataFolder(folder)
    files.prepare()
    keyring = Keyring(folder, files, clock)
    keyring.prepare()
    changes: list[tuple[str, str]] = []
    lay_database(folder)
    async with open_origin_database(url or f"sqlite+aiosqlite:///{folder / 'origin.db'}", clock=clock) as database:
        releases = ReleaseStore(database)
        yield PlanningOrigin(
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


async def _open_to_all(request: web.Request, access: Needed) -> None:
    assert isinstance(access, Access | Role | InSpaces)


@asynccontextmanager
async def serve_planning(planning: PlanningOrigin) -> AsyncIterator[Client]:
    """Serve the routes for planning and publishing on a loopback socket."""

    def changed(topic: str, id: str) -> None:
        planning.changes.append((topic, id))

    store: Any = DeviceStore(planning.database)
    live: Any = SimpleNamespace(screens=Screens(planning.clock))
    devices = DeviceRoutes(store, IdentityDoubtStore(planning.database), store, live=live, clock=planning.clock)
    ready = ReadyPlans(planning.database)
    routes = (
        BookingRoutes(planning.releases, planning.campaigns, planning.clock),
        PlanDocumentRoutes(PLAYLIST_KIND, planning.playlists, changed, ready=ready.playlist),
        ScheduleRoutes(planning.schedules, changed, planning.publisher.warn_schedule, ready=ready.schedule),
        PlanDocumentRoutes(
            CAMPAIGN_KIND, planning.campaigns, changed, planning.publisher.warn_campaign, ready=ready.campaign
        ),
        ReleaseRoutes(
            planning.publisher,
            planning.releases,
            ReadinessStore(planning.database),
            RetentionRule(PREVIOUS, GRACE_MS),
            changed,
        ),
        PreviewRoutes(planning.publisher, planning.releases, devices.views, planning.clock),
        ShowingRoutes(planning.publisher, planning.releases, planning.playlists, planning.clock),
        ChangesRoutes(planning.publisher, planning.releases, ReadinessStore(planning.database), planning.clock),
        OnAirRoutes(
            ChannelProgrammes(planning.publisher, planning.releases),
            planning.releases,
            planning.schedules,
            planning.clock,
        ),
        PublicationRoutes(
            PublicationStore(planning.database, planning.clock), planning.schedules, changed, planning.clock
        ),
        ContentRoutes(planning.files),
        MediaUseRoutes(MediaUseStore(planning.database), planning.replacements, planning.files, changed),
    )
    app = web.Application(middlewares=[problem_middleware], client_max_size=1024 * 1024)
    mount(app, [operation for group in routes for operation in group.operations()], _open_to_all)
    async with TestClient(TestServer(app)) as client:
        yield client


async def request_json(
    client: Client, method: str, path: str, body: Any = None, *, etag: str | None = None
) -> tuple[int, Any]:
    """Send JSON; return status and document."""
    headers = {} if etag is None else {"If-Match": etag}
    async with client.request(method, path, json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None) if answer.status != 204 else None
