"""A desk with a clearer on it, in a world where weeks pass: the files are as old as the clock says."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sync.origin.clearing import Cleaner
from sync.origin.plans import PlaylistDraft, PlaylistItem, ScheduleDraft
from sync.origin.retention import RetentionRule
from sync.origin.store.devices import DeviceStore, add_device
from sync.origin.store.retention import RetentionStore
from sync.origin.survey import ContentScanner, Figures
from sync.release import Release
from tests.fakes import FakeClock
from tests.origin.planning.desk import Desk, open_desk

DAY_S = 86_400.0
GRACE_S = 7 * DAY_S


@dataclass
class Shelf:
    """The desk, its clock, and what the clearer told."""

    desk: Desk
    clock: FakeClock
    clearer: Cleaner
    told: list[tuple[Figures, int]] = field(default_factory=list)

    async def show(self, *media: str) -> str:
        """Publish a release of just these media on `main`, taking in those that are new; return its hash."""
        known = {row.id for row in await self.desk.media.every()}
        for one in media:
            if one not in known:
                await self.desk.ready(one)
        draft = PlaylistDraft(name="Lobby", items=tuple(PlaylistItem(media=one) for one in media))
        held = await self.desk.playlists.named("Lobby")
        if held is None:
            playlist = (await self.desk.playlists.make(draft)).id
            await self.desk.schedules.make("main", ScheduleDraft(default_playlist=playlist))
        else:
            await self.desk.playlists.replace(held.id, draft, version=held.version)
        return (await self.desk.publisher.publish("main")).record.sha256

    async def delete(self, *media: str) -> None:
        for one in media:
            await self.desk.media.remove(one, version=None)

    async def device(self, *, preparing: str | None = None, release: str | None = None) -> None:
        """Have a device of `main` whose last heartbeat said this."""
        facts = {"name": "window", "channel_id": "main", "token_hash": "0" * 64, "paired_ms": 0}
        async with self.desk.database.writing() as connection:
            await add_device(connection, id="window", **facts)
        await DeviceStore(self.desk.database).beat("window", {"release": release, "preparing": preparing}, 0)

    def names(self, kind: str) -> set[str]:
        """Return what lies in a folder of the content tree."""
        return {path.name.removesuffix(".json") for path in (self.desk.files.content / kind).iterdir()}

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
            name: Release.model_validate_json((self.desk.files.content / f"releases/{name}.json").read_bytes())
            for name in self.names("releases")
        }


def asset_of(media: str) -> str:
    """Return the name of what `Desk.ready` makes of a media."""
    return hashlib.sha256(media.encode() * 100).hexdigest()


@asynccontextmanager
async def open_shelf(
    folder: Path, clock: FakeClock | None = None, *, previous: int = 1, url: str | None = None
) -> AsyncIterator[Shelf]:
    clock = clock or FakeClock(datetime.now(UTC))
    told: list[tuple[Figures, int]] = []
    async with open_desk(folder, clock, url=url) as desk:
        store = RetentionStore(desk.database, clock)
        survey = ContentScanner(store, desk.files, RetentionRule(previous, int(GRACE_S * 1000)), clock)
        clearer = Cleaner(
            survey,
            store,
            desk.media,
            desk.files,
            clock,
            dry_run=False,
            looked=lambda figures, cleared: told.append((figures, cleared)),
        )
        yield Shelf(desk, clock, clearer, told)
