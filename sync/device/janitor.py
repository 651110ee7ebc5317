"""Maintains the store: repairs small files, compares the catalogue with the files, removes what no release needs."""

import contextlib
import logging
from collections.abc import Callable, Iterable

from sync.device.download_plan import evictions
from sync.device.store.chunk_catalog import ChunkCatalog
from sync.device.store.content_store import ContentStore
from sync.device.store.media_files import WrongName
from sync.device.store.membership import repair_membership
from sync.errors import StorageBroken, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread
from sync.wire.release import Release

SCRUB_EVERY_S = 3600.0
"""How often one asset is hashed again. Memory cards lose data, and nobody notices before the asset is shown."""

REPAIR_EVERY_S = 30.0

log = logging.getLogger(__name__)


class Janitor:
    """The maintenance between two downloads."""

    def __init__(self, store: ContentStore, catalog: ChunkCatalog, clock: Clock) -> None:
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._scrubbed = clock.monotonic()
        self._to_scrub: list[str] = []

    async def reconcile(self) -> None:
        """Make the catalogue match the files: hash what is not known or was written to, forget what is gone."""
        known, media = await self._catalog.stamps(), self._store.media
        found = {sha256: media.stamp(sha256) for sha256 in media.assets()}
        if gone := known.keys() - found.keys():
            await self._catalog.delete(gone)
        by_older_version = {name: found[name] for name, stamp in known.items() if not stamp and name in found}
        if by_older_version:
            await self._catalog.mark_hashed(by_older_version, self._clock.now())
        changed = [name for name, stamp in found.items() if known.get(name, None) not in ("", stamp)]
        for sha256 in sorted(changed):
            if await self._is_whole(sha256):
                await self._catalog.mark_hashed({sha256: found[sha256]}, self._clock.now())

    async def scrub(self) -> None:
        """Hash what was not hashed as a whole yet, and one asset again if an hour has passed since the last one."""
        for sha256, chunk_list in (await self._catalog.unproven()).items():
            stamp = self._store.media.stamp(sha256)
            if await self._is_whole(sha256, chunk_list):
                await self._catalog.mark_hashed({sha256: stamp}, self._clock.now())
        if self._clock.monotonic() - self._scrubbed < SCRUB_EVERY_S:
            return
        self._scrubbed = self._clock.monotonic()
        self._to_scrub = self._to_scrub or sorted(self._store.media.assets())
        if self._to_scrub and self._store.has_asset(sha256 := self._to_scrub.pop()):
            await self._is_whole(sha256)

    async def _is_whole(self, sha256: str, chunk_list: str = "") -> bool:
        """Hash an asset again. A damaged one is deleted, so that it is downloaded again."""
        index = self._store.index(chunk_list) if chunk_list else None
        try:
            if await in_thread(self._store.media.recheck, sha256, index):
                return True
        except WrongName as error:
            log.error("%s: publish it again at the origin", error)
            return False
        log.warning("asset=%s was damaged on disk and is downloaded again", sha256)
        await self._catalog.delete((sha256,))
        return False

    async def evict(self) -> None:
        """Delete all content that neither the active, the previous nor the pending release names."""
        pointer = self._store.pointer()
        names = {pointer.release, pointer.previous} if pointer else set()
        kept = await in_thread(self._releases, names | {self._store.pending()})
        if pointer is None or kept[pointer.release] is None:
            return  # the active release is unknown: delete nothing
        releases = [release for release in kept.values() if release]
        local = await in_thread(self._store.media.assets) | await in_thread(self._store.media.parts)
        evicted = evictions(local, releases, await self._catalog.assets())
        if evicted:
            await self._catalog.delete(evicted)
            await in_thread(self._store.media.remove, evicted)
            log.info("evicted=%s assets that no release needs", len(evicted))
        indexes = frozenset(asset.index for release in releases for asset in release.assets)
        await in_thread(self._store.delete_documents_except, frozenset(kept), indexes)

    def _releases(self, names: Iterable[str | None]) -> dict[str, Release | None]:
        return {name: self._store.release(name) for name in names if name}

    async def make_room(self, missing_bytes: int = 0) -> bool:
        """Delete the ballast, so that the database can write again, then delete what no release needs.

        If that is not enough for `missing_bytes`, the previous release is dropped, provided that it frees enough. It
        only serves when the document of the active release is damaged, and to copy chunks from. Returns True if it was
        dropped: the caller can try again at once.
        """
        await in_thread(self._store.delete_ballast)
        with contextlib.suppress(StorageFull):  # the caller has reported it
            await self.evict()
            if 0 < missing_bytes <= self._spare_bytes():
                await in_thread(self._store.drop_previous)
                log.warning("the previous release is dropped to make room for the next one")
                await self.evict()
                return True
        return False

    def _spare_bytes(self) -> int:
        """Return the bytes of the assets that only the previous release needs."""
        pointer = self._store.pointer()
        active = self._store.release(pointer.release) if pointer else None
        previous = self._store.release(pointer.previous) if pointer and pointer.previous else None
        if active is None or previous is None:  # without the active one's document the previous one is played
            return 0
        pending = self._store.pending()
        releases = (active, self._store.release(pending) if pending else None)
        kept = {asset.sha256 for release in releases if release for asset in release.assets}
        spare = self._store.media.assets() - kept
        return sum(asset.size_bytes for asset in previous.assets if asset.sha256 in spare)


class FileRepair:
    """A service: repairs what says what plays, what is trusted and who this device is, also where no origin is asked.

    `mended` is called when content is back.
    """

    def __init__(self, store: ContentStore, clock: Clock, mended: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._mended = mended

    async def run(self) -> None:
        """Repair every half minute, until cancelled."""
        while True:
            await self._clock.sleep(REPAIR_EVERY_S)
            await self.repair()

    async def repair(self) -> None:
        """Repair once. What cannot be repaired waits; the status names the file."""
        try:
            await in_thread(self._store.make_folders)
            if await in_thread(self._store.repair):
                self._mended()
            await in_thread(repair_membership, self._store)
        except (StorageBroken, StorageFull) as error:
            log.debug("not all files can be repaired: %s", error)
