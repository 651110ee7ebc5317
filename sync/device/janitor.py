"""Keeps the store square: adopts what is there, gives up what rotted, removes what no release needs."""

import contextlib
import logging
from collections.abc import Collection

from sync.device.download_plan import evictions
from sync.device.store.chunk_catalog import ChunkCatalog
from sync.device.store.content_store import ContentStore
from sync.errors import StorageFull
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread

SCRUB_EVERY_S = 3600.0
"""How often one asset is hashed again: cards rot, and zero-filled files are otherwise found months later."""

log = logging.getLogger(__name__)


class Janitor:
    """What the syncer does when it is not fetching."""

    def __init__(self, cache: ContentStore, catalog: ChunkCatalog, clock: Clock) -> None:
        self._cache = cache
        self._catalog = catalog
        self._clock = clock
        self._scrubbed = clock.monotonic()
        self._to_scrub: list[str] = []

    async def adopt(self) -> None:
        """Square the catalogue with the files: hash whole assets it has never heard of, forget those that are gone."""
        known = frozenset(await self._catalog.assets())
        found = self._cache.media.assets()
        if known - found:
            await self._catalog.forget(known - found)
        for sha256 in sorted(found - known):
            if await in_thread(self._cache.media.recheck, sha256):
                await self._catalog.complete((sha256,), self._clock.now())
            else:
                log.warning("asset=%s was damaged on disk and is fetched again", sha256)

    async def recheck(self, suspects: Collection[str]) -> None:
        """Hash these assets again; damaged ones are removed, and so fetched anew."""
        for sha256 in suspects:
            if self._cache.holds(sha256) and not await in_thread(self._cache.media.recheck, sha256):
                log.warning("asset=%s was damaged on disk and is fetched again", sha256)
                await self._catalog.forget((sha256,))

    async def scrub(self) -> None:
        """Hash one asset again if an hour has passed since the last, each in its turn."""
        if self._clock.monotonic() - self._scrubbed < SCRUB_EVERY_S:
            return
        self._scrubbed = self._clock.monotonic()
        self._to_scrub = self._to_scrub or sorted(self._cache.media.assets())
        if self._to_scrub:
            await self.recheck((self._to_scrub.pop(),))

    async def evict(self) -> None:
        """Remove what neither the active, the previous nor the pending release names."""
        pointer = self._cache.pointer()
        names = {pointer.release, pointer.previous} if pointer else set()
        kept = {name: self._cache.release(name) for name in names | {self._cache.pending()} if name}
        if pointer is None or kept[pointer.release] is None:
            return  # we do not know what plays: remove nothing
        releases = [release for release in kept.values() if release]
        held = self._cache.media.assets() | self._cache.media.parts()
        gone = evictions(held, releases, await self._catalog.assets())
        if gone:
            await self._catalog.forget(gone)
            await in_thread(self._cache.media.remove, gone)
            log.info("evicted=%s assets that no release needs", len(gone))
        indexes = frozenset(asset.index for release in releases for asset in release.assets)
        await in_thread(self._cache.keep_documents, frozenset(kept), indexes)

    async def make_room(self, missing_bytes: int = 0) -> bool:
        """Free the ballast, so that even deleting can be written, then remove what nobody needs.

        The previous release is given up if that makes room for `missing_bytes`: what is to play comes before what only
        stands in for a damaged document and saves some fetching. True: it was, so try again at once.
        """
        await in_thread(self._cache.drop_ballast)
        with contextlib.suppress(StorageFull):  # reported already, by what brought us here
            await self.evict()
            if 0 < missing_bytes <= self._spare_bytes():
                await in_thread(self._cache.give_up_previous)
                log.warning("the previous release is given up to make room for the next")
                await self.evict()
                return True
        return False

    def _spare_bytes(self) -> int:
        """Return what only the previous release needs."""
        pointer = self._cache.pointer()
        active = self._cache.release(pointer.release) if pointer else None
        previous = self._cache.release(pointer.previous) if pointer and pointer.previous else None
        if active is None or previous is None:  # without the active one's document the previous one is what plays
            return 0
        pending = self._cache.pending()
        releases = (active, self._cache.release(pending) if pending else None)
        kept = {asset.sha256 for release in releases if release for asset in release.assets}
        held = self._cache.media.assets() - kept
        return sum(asset.size_bytes for asset in previous.assets if asset.sha256 in held)
