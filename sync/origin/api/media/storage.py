"""Disk usage over HTTP at `/v1/storage`: how full the origin is, and how much of it nobody needs."""

import asyncio
from dataclasses import asdict

from aiohttp import web

from sync.http.bodies import json_answer
from sync.http.operations import Operation
from sync.origin.api.lists import SEEN
from sync.origin.http.answer_cache import AnswerCache
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.retention.cleaner import Cleaner
from sync.origin.retention.scanner import Figures
from sync.origin.store.media.seen_files import SeenFilesStore
from sync.wire.value_types import Instant, Wire

SCAN_KEPT_S = 60.0  # a scan may read a hundred thousand file names


class StorageView(Wire):
    """What is on disk. `resting`: assets that nobody needs, kept for the grace time. `over`: files to be removed.

    Uploads leave `reserve_bytes` of `free_bytes` free. Who has roles in spaces only is told of releases and assets that
    are seen there; what nobody needs is nobody's, and none is told.
    """

    at: Instant
    free_bytes: int
    reserve_bytes: int
    releases: int
    assets: int
    asset_bytes: int
    resting: int
    resting_bytes: int
    over: int
    over_bytes: int
    dry_run: bool


class StorageRoutes:
    """Serves the disk usage; all who ask within a minute share one scan."""

    def __init__(self, cleaner: Cleaner, files: DataFolder, seen: SeenFilesStore, reserve_bytes: int) -> None:
        self._cleaner = cleaner
        self._seen = seen
        self._files = files
        self._reserve_bytes = reserve_bytes
        self._scans = AnswerCache(self._scan, most=1, keep_s=SCAN_KEPT_S)

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations."""
        path = "/v1/storage"
        return (Operation("GET", path, self._show, "How full the origin is", SEEN, answer=StorageView),)

    async def _show(self, request: web.Request) -> web.Response:
        figures = await self._scans.get(())
        if (seen := await self._seen.count()) is not None:
            figures = Figures(figures.at, **asdict(seen))
        return json_answer(
            StorageView(
                free_bytes=await asyncio.to_thread(self._files.free_bytes),
                reserve_bytes=self._reserve_bytes,
                dry_run=self._cleaner.dry_run,
                **{name: getattr(figures, name) for name in Figures.__dataclass_fields__},
            )
        )

    async def _scan(self, key: tuple[()]) -> Figures:
        return await self._cleaner.report()
