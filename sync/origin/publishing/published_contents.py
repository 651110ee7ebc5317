"""Knows what the releases of a channel named, also those that an earlier version of the origin published."""

import asyncio
from collections.abc import Collection

from pydantic import ValidationError

from sync.errors import StorageBroken
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.turns import DatabaseAccess
from sync.origin.planning.release_contents import KnownRelease, ShownAssets, contents_of
from sync.origin.publishing.release_serializer import read_release_files
from sync.origin.store.releases import ReleaseStore
from sync.runtime.clock import unix_ms
from sync.wire.release import Release


class PublishedContents:
    """Reads the database; what it lacks comes from the files of releases, once, as long as they are there."""

    def __init__(self, store: ReleaseStore, files: DataFolder) -> None:
        self._store = store
        self._files = files
        self._found: dict[str, tuple[str, int]] = {}  # releases that a restored database has lost: channel, creation

    async def known(
        self, releases: Collection[str], assets: Collection[str], access: DatabaseAccess | None = None
    ) -> dict[str, KnownRelease]:
        """Return those of `releases` that were ever published, with what their channels show of `assets`."""
        stored = await self._store.published(releases, access)
        for sha256 in releases:
            channel, created_ms, named = stored.get(sha256, (*self._found.get(sha256, ("", 0)), sha256 in self._found))
            if not named and (release := await asyncio.to_thread(self.read, sha256)):
                channel, created_ms, named = release.channel, unix_ms(release.created_at), True
                self._found[sha256] = (channel, created_ms)
                await self._store.remember_contents(channel, sha256, contents_of(release))
            if channel:
                stored[sha256] = (channel, created_ms, named)
        shown = await self._store.contents_of_each({row[0] for row in stored.values()}, assets, access)
        return {
            sha256: KnownRelease(channel, created_ms, shown[channel] if named else None)
            for sha256, (channel, created_ms, named) in stored.items()
        }

    async def shown(self, channels: Collection[str] | None, assets: Collection[str]) -> ShownAssets:
        """Return what releases of these channels (None: of any) ever showed of each asset, as far as that is stored."""
        return await self._store.contents(channels, assets)

    def read(self, sha256: str) -> Release | None:
        """Return a release from its file; None if that is gone or damaged. Blocks."""
        try:
            return read_release_files(self._files.content, sha256)
        except (StorageBroken, ValidationError):
            return None
