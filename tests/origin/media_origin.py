"""An origin that only takes in media, on a real socket, a real database and a real data folder."""

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from aiohttp import web

from sync.http.operations import Needed, mount
from sync.http.problems import problem_middleware
from sync.origin.api.media.media import MediaRoutes
from sync.origin.api.media.uploads import UploadRoutes, add_tus_version
from sync.origin.api.media.uses import MediaUseRoutes
from sync.origin.ingest.pipeline import Pipeline
from sync.origin.ingest.upload_intake import Intake
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.campaigns import CampaignStore
from sync.origin.store.media.edits import MediaEditStore
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.media_rows import MediaRow, MediaState
from sync.origin.store.media.replacement import MediaReplacementStore, PlanStores
from sync.origin.store.media.uploads import UploadStore
from sync.origin.store.media.uses import MediaUseStore
from sync.origin.store.playlists import PlaylistStore
from sync.origin.store.schedules import ScheduleStore
from sync.runtime.clock import Clock, SystemClock
from sync.words.media import MEDIA_PROBLEMS
from tests.origin.empty_database import lay_database

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {**TUS, "Content-Type": "application/offset+octet-stream"}


def metadata_header(**values: str | bytes) -> str:
    """Return an Upload-Metadata header."""
    raw = {k: v.encode() if isinstance(v, str) else v for k, v in values.items()}
    return ",".join(f"{key} {base64.b64encode(value).decode()}" for key, value in raw.items())


def checksum_header(algorithm: str, data: bytes) -> str:
    """Return an Upload-Checksum header."""
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


async def allow(request: web.Request, access: Needed) -> None:
    """Let everybody in; access is tested elsewhere."""


async def wait_until(condition: Callable[[], Awaitable[Any]], *, within_s: float = 120.0) -> Any:
    """Return the first true answer of `condition`, which is asked every 20 ms."""
    clock = SystemClock()
    deadline = clock.monotonic() + within_s
    while not (answer := await condition()):
        assert clock.monotonic() < deadline, f"not within {within_s} s"
        await clock.sleep(0.02)
    return answer


def child_processes(*names: str) -> list[psutil.Process]:
    """Return the running child processes with one of these names."""
    return [child for child in psutil.Process().children(recursive=True) if _name_of(child) in names]


def _name_of(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:  # it ended after it was listed
        return ""


@dataclass
class MediaOrigin:
    """The parts a test may reach; `changes` has each reported change as topic and id."""

    url: str
    http: aiohttp.ClientSession
    files: DataFolder
    database: OriginDatabase
    uploads: UploadStore
    media: MediaStore
    intake: Intake
    pipeline: Pipeline
    settings: OriginConfiguration
    changes: list[tuple[str, str]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_until_processed(self, media_id: str) -> MediaRow:
        """Wait until a media is ready or failed and nothing is left of the work on it, and return it."""

        async with asyncio.timeout(60):
            while True:
                self.changed.clear()
                row = await self.media.get(media_id)
                ended = row.state in (MediaState.READY, MediaState.FAILED)
                if ended and not (self.files.work / media_id).exists():
                    told = MEDIA_PROBLEMS.all_told(row.problem) if row.problem else ()
                    assert all(one.code for one in told), f"give this a code in sync/words/media.py: {row.problem}"
                    return row
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.changed.wait(), 0.02 if ended else 1.0)

    async def process_file(self, path: Path) -> MediaRow:
        """Put a local file through the pipeline."""
        return await self.wait_until_processed(await self.intake.ingest_file(path, path.name))

    def asset_file(self, row: MediaRow) -> Path:
        """Return the file of a ready media's asset."""
        assert row.asset is not None, row.problem
        return self.files.content / "assets" / row.asset.sha256

    async def create_upload(self, size: int, **headers: str) -> str:
        """Create an upload over HTTP; return its URL."""
        async with self.http.post(
            f"{self.url}/v1/uploads", headers={**TUS, "Upload-Length": str(size), **headers}
        ) as answer:
            assert answer.status == 201, await answer.text()
            return self.url + answer.headers["Location"]

    async def send_chunk(self, url: str, offset: int, data: Any, **headers: str) -> aiohttp.ClientResponse:
        """Send one chunk."""
        async with self.http.patch(
            url, data=data, headers={**CHUNK, "Upload-Offset": str(offset), **headers}
        ) as answer:
            await answer.read()
            return answer

    async def upload_offset(self, url: str) -> int:
        """Return the offset of an upload, over HTTP."""
        async with self.http.head(url, headers=TUS) as answer:
            assert answer.status == 200
            return int(answer.headers["Upload-Offset"])


def settings_for(data_dir: Path, **sections: Any) -> OriginConfiguration:
    """Return settings for a test; `sections` override them."""
    document: dict[str, Any] = {
        "storage": {"data_dir": data_dir, "reserve_bytes": 0},
        "pipeline": {"retry_first_s": 0.01, "longest_s": 60, "priority": "normal"},
    }
    for name, values in sections.items():
        document[name] = {**document.get(name, {}), **values}
    return OriginConfiguration.model_validate(document)


@asynccontextmanager
async def open_media_origin(
    data_dir: Path, *, clock: Clock | None = None, run_pipeline: bool = True, **sections: Any
) -> AsyncIterator[MediaOrigin]:
    """Serve uploads and media on `data_dir`, and run the pipeline unless told otherwise."""
    settings, clock = settings_for(data_dir, **sections), clock or SystemClock()
    files = DataFolder(settings.storage.data_dir)
    files.prepare()
    lay_database(data_dir)
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_origin_database(f"sqlite+aiosqlite:///{data_dir}/origin.db"))
        uploads = UploadStore(database, clock, expire_after_s=settings.uploads.expire_after_s)
        media = MediaStore(database, clock)
        changes: list[tuple[str, str]] = []
        news = asyncio.Event()

        def changed(topic: str, name: str) -> None:
            changes.append((topic, name))
            news.set()

        pipeline = Pipeline(media, files, settings, clock, changed=changed)
        intake = Intake(uploads, media, files, settings, clock, queued=pipeline.wake, changed=changed)
        plans = PlanStores(PlaylistStore(database, clock), CampaignStore(database, clock), ScheduleStore(database))
        routes = (
            UploadRoutes(intake),
            MediaRoutes(media, MediaEditStore(database, clock), files, wake=pipeline.wake, changed=changed),
            MediaUseRoutes(MediaUseStore(database), MediaReplacementStore(database, plans), files, changed),
        )
        url = await stack.enter_async_context(_listen(routes))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        if run_pipeline:
            await stack.enter_async_context(_running(pipeline.run))
        yield MediaOrigin(url, http, files, database, uploads, media, intake, pipeline, settings, changes, news)


@asynccontextmanager
async def _listen(routes: tuple[UploadRoutes, MediaRoutes, MediaUseRoutes]) -> AsyncIterator[str]:
    app = web.Application(middlewares=[problem_middleware])
    mount(app, [operation for group in routes for operation in group.operations()], allow)
    app.on_response_prepare.append(add_tus_version)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _running(run: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(run())
    try:
        yield
    finally:
        if task.done():
            task.result()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
