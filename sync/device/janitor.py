"""Maintains the store: repairs small files, compares the catalogue with the files, removes what no release needs."""

import contextlib
import logging
import math
from collections.abc import Callable, Mapping

from sync.device.download_plan import evictions
from sync.device.store.chunk_catalog import ChunkCatalog
from sync.device.store.chunk_lists import listed_assets
from sync.device.store.content_store import ContentStore
from sync.device.store.device_key import head_file, key_file
from sync.device.store.media_files import WrongName
from sync.device.store.membership import repair_membership
from sync.errors import StorageBroken, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.threads import in_idle_thread, in_thread
from sync.runtime.waiting import first_of
from sync.wire.release import Asset, Release

FIRST_SCRUB_S = 600.0
"""When an asset is hashed again after a start. Memory cards lose data, and nobody notices before it is shown."""

SCRUB_BYTES_S = 128 * 1024
"""How much is hashed again on average: 7 GB in 16 hours."""

SUSPECT_AGAIN_S = 600.0
"""For so long an asset that was suspect and intact is not hashed because of another suspicion."""

LOOK_EVERY_S = 60.0
REPAIR_EVERY_S = 30.0

log = logging.getLogger(__name__)


class Janitor:
    """The maintenance beside the downloads. `run` is a service; what it finds damaged it reports with `lost`."""

    def __init__(
        self,
        store: ContentStore,
        catalog: ChunkCatalog,
        clock: Clock,
        reserve_bytes: int,
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._reserve_bytes = reserve_bytes
        self._lost = lost
        self._scrub_s = clock.monotonic() + FIRST_SCRUB_S
        self._cleared_s: dict[str, float] = {}  # when suspects were found intact
        self._wrong: set[str] = set()  # assets that the origin names wrongly: they are reported once

    async def run(self) -> None:
        """Compare the files with the catalogue each minute and hash what nobody vouches for, until cancelled.

        What is suspect is hashed at once. All play meanwhile: each file got its name only after it was verified.

        Raises:
            StorageBroken: the catalogue fails.
        """
        await first_of(self._look_for_ever(), self._check_suspects_for_ever())

    async def _look_for_ever(self) -> None:
        while True:
            with contextlib.suppress(StorageFull):  # whoever writes content makes room
                await self._catalog.restore()
                for asset, chunk_list in (await self._look()).items():
                    await self._hash(asset, chunk_list)
                await self._scrub()
                if await in_thread(self._store.free_bytes_for_content) < 2 * self._reserve_bytes:
                    await self.evict()
            await self._clock.sleep(LOOK_EVERY_S)

    async def _check_suspects_for_ever(self) -> None:
        while True:
            self._store.media.check_wanted.clear()
            with contextlib.suppress(StorageFull):
                await self._check_suspects()
            await self._store.media.check_wanted.wait()

    async def _check_suspects(self) -> None:
        """Hash what is suspect as fast as possible: it may be on the screen."""
        media, unproven = self._store.media, await self._catalog.unproven() if self._store.media.suspects else {}
        missed = {sha256 for sha256 in media.missed if not media.has(sha256)}
        media.missed.clear()
        if missed and (gone := missed & (await self._catalog.stamps()).keys()):  # the others are being fetched
            await self._catalog.delete(gone)
            self._lost()
        while media.suspects:
            media.suspects.pop(sha256 := next(iter(media.suspects)))
            cleared_s = self._cleared_s.get(sha256, -math.inf)
            if media.has(sha256) and self._clock.monotonic() - cleared_s >= SUSPECT_AGAIN_S:
                await self._hash(sha256, unproven.get(sha256, ""), at_once=True)
                if media.has(sha256):
                    self._cleared_s[sha256] = self._clock.monotonic()
                    media.intact.add(sha256)
                    media.damaged.discard(sha256)

    async def _look(self) -> dict[str, str]:
        """Return what to hash, each with the chunk list that it has, if that is known.

        Those come first that somebody wrote to, then those that the catalogue does not know.
        """
        known, unproven = await self._catalog.stamps(), await self._catalog.unproven()
        found = await in_thread(self._store.media.stamps)
        if gone := known.keys() - found.keys():
            await self._catalog.delete(gone)
        if by_older_version := {name: found[name] for name, stamp in known.items() if not stamp and name in found}:
            await self._catalog.mark_stamped(by_older_version)
        active = await in_thread(self._store.active)
        assets = active.release.assets if active is not None else ()
        if active is not None and (active.sequence == 0 or not all(_is_whole(one, found) for one in assets)):
            self._lost()
        lists = {asset.sha256: asset.index for asset in assets} | unproven
        changed = [name for name, stamp in known.items() if stamp and found.get(name, stamp) != stamp]
        others = sorted((found.keys() - known.keys()) | (unproven.keys() & found.keys() - self._wrong))
        return {name: lists.get(name, "") for name in (*sorted(changed), *others)}

    async def _hash(self, sha256: str, chunk_list: str, *, at_once: bool = False) -> None:
        """Hash an asset as a whole. A damaged one becomes a partial file, so that it is downloaded again."""
        stamp, started_s = self._store.media.stamp(sha256), self._clock.monotonic()
        run = in_thread if at_once else in_idle_thread
        try:
            whole = await run(self._recheck, sha256, chunk_list)
        except WrongName as error:
            self._wrong.add(sha256)
            log.error("%s: publish it again at the origin", error)
            return
        if whole:
            await self._catalog.mark_hashed({sha256: stamp}, self._clock.now())
        else:
            log.warning("asset=%s was damaged on disk and is downloaded again", sha256)
            try:
                await self._catalog.delete((sha256,))
            finally:  # also if the disk is full: it must not be shown
                await in_thread(self._store.media.take_off, sha256, stamp)
            self._lost()
        if not at_once:
            await self._clock.sleep(self._clock.monotonic() - started_s)  # half of a processor is enough

    def _recheck(self, sha256: str, chunk_list: str) -> bool:
        return self._store.media.recheck(sha256, self._store.index(chunk_list) if chunk_list else None)

    async def _scrub(self) -> None:
        """Hash the asset again whose turn it is, if the time has come. All take their turn, whatever restarts."""
        if self._clock.monotonic() < self._scrub_s:
            return
        if (sha256 := await self._catalog.hashed_first(self._clock.now())) is not None:
            size_bytes = int(self._store.media.stamp(sha256).partition(":")[0] or 0)
            await self._hash(sha256, (await self._catalog.unproven()).get(sha256, ""))
            self._scrub_s = self._clock.monotonic() + size_bytes / SCRUB_BYTES_S

    async def evict(self) -> None:
        """Delete what nobody needs: partial files and documents at once, assets once room is short, the oldest first.

        What neither the active, the previous nor the pending release names may be named again, or have chunks that a
        later release has too. It stays, with its chunk list, while twice the reserve is free.
        """
        await self._evict(2 * self._reserve_bytes - await in_thread(self._store.free_bytes_for_content))

    async def _evict(self, missing_bytes: float) -> bool:
        """Delete what nobody needs, and as many assets that no release names as it takes; return False if none."""
        kept = await in_thread(self._kept)
        if kept is None:
            return False
        media, releases = self._store.media, [release for release in kept.values() if release]
        needed = {asset.sha256 for release in releases for asset in release.assets}
        local = await in_thread(media.sizes)
        evicted = evictions(local, needed, await self._catalog.assets(), missing_bytes)
        unneeded = await in_thread(media.parts) - needed
        deleted = False
        if gone := (*evicted, *(unneeded - local.keys())):
            await self._catalog.delete(gone)
            if self._is_another_pending(kept):
                return False  # it may name them
            deleted = await in_thread(media.remove, gone)
            log.info("evicted=%s assets that no release needs", len(gone))
        spare = local.keys() - set(evicted) - needed
        media.spare_bytes = sum(local[sha256] for sha256 in spare)
        lists = await in_thread(listed_assets, self._store.index_folder)
        named = {asset.index for release in releases for asset in release.assets}
        held = {name for name, asset in lists.items() if asset in spare}
        if not self._is_another_pending(kept):
            await in_thread(self._store.delete_documents_except, kept, frozenset(named | held))
        return deleted

    def _is_another_pending(self, kept: Mapping[str, object]) -> bool:
        """Tell whether another release was accepted meanwhile."""
        return (pending := self._store.pending()) is not None and pending not in kept

    def _kept(self) -> dict[str, Release | None] | None:
        """Return the releases that stay, by name; None while it is unknown what is needed: then nothing is deleted."""
        pointer = self._store.pointer()
        if pointer is None:
            return None
        pending = self._store.pending()
        kept = {name: self._store.release(name) for name in (pointer.release, pointer.previous, pending) if name}
        if (active := kept[pointer.release]) is None:
            return None
        # What they will name is not known before they are here. Those of a release that another one follows never come.
        is_last = pending in (None, pointer.release)
        return None if is_last and self._store.releases.missing_bookings(active, self._clock.now()) else kept

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


def _is_whole(asset: Asset, stamps: Mapping[str, str]) -> bool:
    return stamps.get(asset.sha256, "").startswith(f"{asset.size_bytes}:")


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
            for file in (key_file(self._store), head_file(self._store)):
                await in_thread(file.repair)
        except (StorageBroken, StorageFull) as error:
            log.debug("not all files can be repaired: %s", error)
