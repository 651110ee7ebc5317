"""A planning with a clearer on it, in a world where weeks pass: the files are as old as the clock says."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sync.origin.planning.plans import PlaylistDraft, PlaylistItem, ScheduleDraft
from sync.origin.retention.cleaner import Cleaner
from sync.origin.retention.policy import RetentionRule
from sync.origin.retention.scanner import ContentScanner, Figures
from sync.origin.store.devices import DeviceStore, add_device
from sync.origin.store.retention import RetentionStore
from sync.wire.release import Release
from tests.fakes import FakeClock
from tests.origin.planning_origin import PlanningOrigin, open_planning_origin

DAY_S = 86_400.0
GRACE_S = 7 * DAY_S


@dataclass
class ContentShelf:
    """The planning, its clock, and what the clearer told."""

    planning: PlanningOrigin
    clock: FakeClock
    clearer: Cleaner
    told: list[tuple[Figures, int]] = field(default_factory=list)

    async def show(self, *media: str) -> str:
        """Publish a release of just these media on `main`, taking in those that are new; return its hash."""
        known = {row.id for row in await self.planning.media.list_all()}
        for one in media:
            if one not in known:
                await self.planning.ready(one)
        draft = PlaylistDraft(name="Lobby", items=tuple(PlaylistItem(media=one) for one in media))
        held = await self.planning.playlists.find_by_name("Lobby")
        if held is None:
            playlist = (await self.planning.playlists.create(draft)).id
            await self.planning.schedules.create("main", ScheduleDraft(default_playlist=playlist))
        else:
            await self.planning.playlists.replace(held.id, draft, version=held.version)
        return (await self.planning.publisher.publish("main")).record.sha256

    async def delete(self, *media: str) -> None:
        for one in media:
            await self.planning.media.remove(one, version=None)

    async def device(self, *, preparing: str | None = None, release: str | None = None) -> None:
        """Have a device of `main` whose last heartbeat said this."""
        facts = {"name": "window", "channel_id": "main", "token_hash": "0" * 64, "paired_ms": 0}
        async with self.planning.database.writing() as connection:
            await add_device(connection, id="window", **facts)
        heartbeat = {"release": release, "preparing": preparing}
        await DeviceStore(self.planning.database).save_heartbeat("window", heartbeat, 0)

    def names(self, kind: str) -> set[str]:
        """Return what lies in a folder of the content tree."""
        return {path.name.removesuffix(".json") for path in (self.planning.files.content / kind).iterdir()}

    async def clear_and_check(self) -> Figures:
        figures = await self.clearer.clear()
        self.check()
        return figures

    def check(self) -> None:
        """No release in the tree names an asset or a chunk list that is gone."""
        for release in self.releases().values():
            assert {asset.sha256 for asset in release.assets} <= self.names("assets")
            assert {asset.index for asset in release.assets} <= self.names("index")

    def releases(self) -> dict[str, Release]:
        return {
            name: Release.model_validate_json((self.planning.files.content / f"releases/{name}.json").read_bytes())
            for name in self.names("releases")
        }


def asset_of(media: str) -> str:
    """Return the name of what `PlanningOrigin.ready` makes of a media."""
    return hashlib.sha256(media.encode() * 100).hexdigest()


@asynccontextmanager
async def open_shelf(
    folder: Path, clock: FakeClock | None = None, *, previous: int = 1, url: str | None = None
) -> AsyncIterator[ContentShelf]:
    clock = clock or FakeClock(datetime.now(UTC))
    told: list[tuple[Figures, int]] = []
    async with open_planning_origin(folder, clock, url=url) as planning:
        store = RetentionStore(planning.database, clock)
        survey = ContentScanner(store, planning.files, RetentionRule(previous, int(GRACE_S * 1000)), clock)
        clearer = Cleaner(
            survey,
            store,
            planning.media,
            planning.files,
            clock,
            dry_run=False,
            looked=lambda figures, cleared: told.append((figures, cleared)),
        )
        yield ContentShelf(planning, clock, clearer, told)
