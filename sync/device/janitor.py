"""Maintains the store: repairs small files, compares the catalogue with the files, removes what no release needs."""

import contextlib
import logging
import math
from collections.abc import Callable

from sync.device.download_plan import evictions
from sync.device.store.chunk_catalog import ChunkCatalog
from sync.device.store.chunk_lists import listed_assets
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

    def __init__(self, store: ContentStore, catalog: ChunkCatalog, clock: Clock, reserve_bytes: int) -> None:
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._reserve_bytes = reserve_bytes
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
        """Delete what nobody needs: partial files and documents at once, assets once room is short, the oldest first.

        What neither the active, the previous nor the pending release names may be named again, or have chunks that a
        later release has too. It stays, with its chunk list, while twice the reserve is free.
        """
        await self._evict(2 * self._reserve_bytes - await in_thread(self._store.free_bytes))

    async def _evict(self, missing_bytes: float) -> bool:
        """Delete what nobody needs, and as many assets that no release names as it takes; return False if none."""
        kept = await in_thread(self._kept)
        if kept is None:
            return False
        media, releases = self._store.media, [release for release in kept.values() if release]
        local = await in_thread(media.sizes)
        evicted = evictions(local, releases, await self._catalog.assets(), missing_bytes)
        unneeded = await in_thread(media.parts) - {asset.sha256 for release in releases for asset in release.assets}
        if gone := (*evicted, *(unneeded - local.keys())):
            await self._catalog.delete(gone)
            await in_thread(media.remove, gone)
            log.info("evicted=%s assets that no release needs", len(gone))
        lists = await in_thread(listed_assets, self._store.index_folder)
        named = {asset.index for release in releases for asset in release.assets}
        held = {name for name, asset in lists.items() if asset in local.keys() - set(evicted)}
        await in_thread(self._store.delete_documents_except, frozenset(kept), frozenset(named | held))
        return bool(gone)

    def _kept(self) -> dict[str, Release | None] | None:
        """Return the releases that stay, by name; None while the active one is unknown: then nothing is deleted."""
        pointer = self._store.pointer()
        names = (pointer.release, pointer.previous, self._store.pending()) if pointer else ()
        kept = {name: self._store.release(name) for name in names if name}
        return None if pointer is None or kept[pointer.release] is None else kept

    async def make_room(self, missing_bytes: int = 0) -> bool:
        """Delete the ballast, so that the database can write again, and assets that no release names.

        As many of them as `missing_bytes` takes, the oldest first; all if nobody knows how much is missing. If they
        are not enough, the previous release is dropped as well; it only serves when the document of the active release
        is damaged. If even that is not enough, nothing is deleted. Returns True if there is more room than before: the
        caller can try again at once.
        """
        await in_thread(self._store.delete_ballast)
        with contextlib.suppress(StorageFull):  # the caller has reported it
            if not missing_bytes:
                return await self._evict(math.inf)
            unnamed, previous = await in_thread(self._spare_bytes)
            if missing_bytes <= unnamed:
                return await self._evict(missing_bytes)
            if missing_bytes <= unnamed + previous:
                await in_thread(self._store.drop_previous)
                log.warning("the previous release is dropped to make room for the next one")
                return await self._evict(missing_bytes)
        return False

    def _spare_bytes(self) -> tuple[int, int]:
        """Return the bytes of the assets that no release names, and of those that only the previous one names."""
        kept, pointer = self._kept(), self._store.pointer()
        if kept is None or pointer is None:  # without the active one's document the previous one is played
            return 0, 0
        sizes = self._store.media.sizes()
        named = {name: {asset.sha256 for asset in release.assets} for name, release in kept.items() if release}
        previous = named.get(pointer.previous or "", set())
        needed = set().union(*(assets for name, assets in named.items() if name != pointer.previous))
        unnamed = sizes.keys() - needed - previous
        return sum(sizes[name] for name in unnamed), sum(sizes[name] for name in sizes.keys() & previous - needed)


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
