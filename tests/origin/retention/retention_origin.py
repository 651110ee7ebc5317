"""A planning origin with a cleaner, under a clock that tests move by weeks."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import ScheduleDraft
from sync.origin.retention.cleaner import Cleaner
from sync.origin.retention.policy import RetentionRule
from sync.origin.retention.scanner import ContentScanner, Figures
from sync.origin.store.devices import add_device
from sync.origin.store.heartbeats.heartbeats import HeartbeatStore
from sync.origin.store.media.media_rows import MediaState
from sync.origin.store.media.retention import RetentionStore
from sync.wire.release import Release
from tests.fakes import FakeClock
from tests.origin.planning_origin import PlanningOrigin, open_planning_origin

DAY_S = 86_400.0
GRACE_S = 7 * DAY_S


@dataclass
class RetentionOrigin:
    """The parts a test may reach; `scans` has the figures and the deleted bytes of each scan."""

    planning: PlanningOrigin
    clock: FakeClock
    cleaner: Cleaner
    scans: list[tuple[Figures, int]] = field(default_factory=list)

    async def publish(self, *media: str) -> str:
        """Publish a release of just these media on `main`, creating those that are new; return its hash."""
        known = {row.id for row in await self.planning.media.in_states(*MediaState)}
        for media_id in media:
            if media_id not in known:
                await self.planning.make_media(media_id)
        draft = PlaylistDraft(name="Lobby", items=tuple(PlaylistItem(media=media_id) for media_id in media))
        stored = await self.planning.playlists.find_by_name("Lobby")
        if stored is None:
            playlist = (await self.planning.playlists.create(draft)).id
            await self.planning.schedules.create("main", ScheduleDraft(default_playlist=playlist))
        else:
            await self.planning.playlists.replace(stored.id, draft, version=stored.version)
        return (await self.planning.publisher.publish("main")).record.sha256

    async def delete(self, *media: str) -> None:
        for media_id in media:
            await self.planning.replacements.remove([media_id])

    async def device(self, *, preparing: str | None = None, release: str | None = None) -> None:
        """Add a device of `main` with this last heartbeat."""
        facts = {"name": "window", "channel_id": "main", "token_hash": "0" * 64, "paired_ms": 0}
        async with self.planning.database.writing() as connection:
            await add_device(connection, id="window", **facts)
        heartbeat = {"release": release, "preparing": preparing}
        HeartbeatStore(self.planning.database).hold("window", heartbeat, 0)

    def names(self, kind: str) -> set[str]:
        """Return the names in a folder of the content tree, without suffix."""
        return {path.name.removesuffix(".json") for path in (self.planning.files.content / kind).iterdir()}

    async def clear_and_check(self) -> Figures:
        figures = await self.cleaner.clear()
        self.check()
        return figures

    def check(self) -> None:
        """Assert that no release in the tree refers to an asset or a chunk list that is missing."""
        for release in self.releases().values():
            assert {asset.sha256 for asset in release.assets} <= self.names("assets")
            assert {asset.index for asset in release.assets} <= self.names("index")

    def releases(self) -> dict[str, Release]:
        return {
            name: Release.model_validate_json((self.planning.files.content / f"releases/{name}.json").read_bytes())
            for name in self.names("releases")
        }


def asset_of(media: str) -> str:
    """Return the hash of the asset that `PlanningOrigin.ready` makes for a media."""
    return hashlib.sha256(media.encode() * 100).hexdigest()


@asynccontextmanager
async def open_retention_origin(
    folder: Path, clock: FakeClock | None = None, *, previous: int = 1, url: str | None = None
) -> AsyncIterator[RetentionOrigin]:
    clock = clock or FakeClock(datetime.now(UTC))
    scans: list[tuple[Figures, int]] = []
    async with open_planning_origin(folder, clock, url=url) as planning:
        store = RetentionStore(planning.database, clock)
        scanner = ContentScanner(store, planning.files, RetentionRule(previous, int(GRACE_S * 1000)), clock)
        cleaner = Cleaner(
            scanner,
            store,
            planning.media,
            planning.files,
            clock,
            dry_run=False,
            scanned=lambda figures, deleted_bytes: scans.append((figures, deleted_bytes)),
        )
        yield RetentionOrigin(planning, clock, cleaner, scans)
