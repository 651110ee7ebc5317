"""Completes all assets of a release on the device: copies chunks from older assets, and has the others fetched.

What arrives goes to `sync.device.store.media_intake`, which makes it durable in groups. No asset waits for another one:
each is begun when its chunk list is here, and admitted when it is whole.
"""

import asyncio
import logging
import math
import os
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import AsyncExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sync.device.download_plan import (
    Copy,
    FetchOrder,
    LocalContent,
    copies,
    missing_assets,
    priority_groups,
    release_order,
)
from sync.device.store.chunk_catalog import ChunkCatalog
from sync.device.store.chunk_lists import chunk_places
from sync.device.store.content_store import BALLAST_BYTES, ContentStore
from sync.device.store.media_intake import DownloadProgress, MediaIntake
from sync.device.store.partial_file import PartialFile
from sync.device.transfer.asset_state import Fetch
from sync.device.transfer.spans import spans
from sync.device.transfer.transfer import ContentTransfer
from sync.errors import CorruptContent, NotFound, SignageError, StorageBroken, StorageFull
from sync.formatting import megabytes
from sync.runtime.clock import Clock
from sync.runtime.durable_files import is_of_one_file, read_at
from sync.runtime.os_messages import os_reason
from sync.runtime.threads import in_thread
from sync.runtime.waiting import first_of
from sync.trust.acceptance import check_index
from sync.wire.chunk_index import Index, one_chunk_index
from sync.wire.release import Asset, Release

FIRST_ASSETS = 500
"""The transfer begins once so many are ready to be fetched; the others are made ready meanwhile."""

log = logging.getLogger(__name__)


class ReleaseDoesNotFit(StorageFull):
    """A release does not fit on the disk: `missing_bytes` more must be free."""

    def __init__(self, need_bytes: int, free_bytes: int, reserve_bytes: int) -> None:
        self.missing_bytes = need_bytes + reserve_bytes - free_bytes
        super().__init__(
            f"the release needs {megabytes(need_bytes)} more; {megabytes(free_bytes)} are free, of which "
            f"{megabytes(reserve_bytes)} must stay free: {megabytes(self.missing_bytes)} are missing; "
            "show less on this channel or install a larger disk"
        )


class Downloader:
    """Completes releases, one at a time; another one may take over while assets that both need are under way.

    `failed` is told each fault of an asset or a source, and `recheck` called when assets are nowhere: a newer timestamp
    may name others. `order` may block.
    """

    def __init__(
        self,
        transfer: ContentTransfer,
        store: ContentStore,
        catalog: ChunkCatalog,
        clock: Clock,
        reserve_bytes: int,
        failed: Callable[[SignageError], None],
        recheck: Callable[[], None],
        order: FetchOrder = release_order,
    ) -> None:
        self._transfer = transfer
        self._queue = transfer.queue
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._reserve_bytes = reserve_bytes
        self._failed = failed
        self._recheck = recheck
        self._order = order
        self._intake = MediaIntake(store.media, catalog, clock, transfer.notify)
        self._wanted_bytes = 0

    def progress(self) -> DownloadProgress:
        """Return the progress of the present release; both numbers are 0 when it is complete."""
        found = self._intake.progress()
        return DownloadProgress(found.done_bytes, max(found.total_bytes, self._wanted_bytes))

    async def missing(self, release: Release) -> tuple[Asset, ...]:
        """Return the assets of `release` that are missing.

        One whose bytes match another chunk list than the release names, and that was not hashed as a whole yet, is.
        """
        whole = await in_thread(self._store.media.whole, release.assets)
        lists, named = await self._catalog.unproven(), {asset.sha256: asset.index for asset in release.assets}
        doubtful = {name for name, chunk_list in lists.items() if named.get(name, chunk_list) != chunk_list}
        return missing_assets(release, whole - doubtful)

    async def download(
        self, release: Release, changed: asyncio.Event, begun: Callable[[], None] = lambda: None
    ) -> bool:
        """Complete `release`, also with chunks of other assets; return True when no asset is missing.

        Calls `begun` if some are. Returns False once `changed` is set. What is under way goes on; the next call keeps
        what both releases need.

        Raises:
            StorageFull, StorageBroken: no room, or the disk failed.
        """
        async with AsyncExitStack() as on_error:
            on_error.push_async_callback(self.stop)
            complete = await self._complete(release, changed, begun)
            on_error.pop_all()
        if complete:
            self._intake.forget_all_but(())
            self._wanted_bytes = 0
        return complete

    async def _complete(self, release: Release, changed: asyncio.Event, begun: Callable[[], None]) -> bool:
        while await self._begin(release, begun) and not await self._fetch(changed):
            if changed.is_set():
                return False
        return True

    async def stop(self) -> None:
        """End all transfers. What they brought is durable."""
        await self._transfer.stop()
        try:
            await self._intake.commit()
        except SignageError as error:  # the next download finds what is missing
            log.debug("not all that arrived is durable: %s", error)

    async def _begin(self, release: Release, begun: Callable[[], None]) -> bool:
        """Plan what is missing; return False if nothing is."""
        wanted = await self.missing(release)
        dropped, order = await in_thread(self._plan, release, wanted)
        self._transfer.drop(dropped)
        if not wanted:
            return False
        begun()
        self._intake.forget_all_but({asset.sha256 for asset in release.assets})
        self._wanted_bytes = sum(asset.size_bytes for asset in wanted)
        await in_thread(self._store.media.set_wrong_sizes_aside, wanted)
        self._check_room(wanted)
        known = await in_thread(self._known_lists, sorted(wanted, key=lambda asset: order[asset.sha256]))
        first = dict(islice(known.items(), FIRST_ASSETS))
        await self._begin_parts(first)
        self._transfer.start_workers()
        await self._begin_parts({name: one for name, one in known.items() if name not in first})
        for asset in wanted:
            if asset.sha256 not in known:
                self._queue.add_list(asset.sha256)
        return True

    def _plan(self, release: Release, wanted: Collection[Asset]) -> tuple[frozenset[Fetch], dict[str, int]]:
        """Plan the order of the assets; return what is no longer wanted, and the place of each."""
        assets = {asset.sha256: asset for asset in wanted}
        groups = [[assets[name] for name in group] for group in priority_groups(self._order(release), assets.keys())]
        order = {asset.sha256: place for place, asset in enumerate(chain.from_iterable(groups))}
        return self._queue.plan(groups), order

    def _check_room(self, wanted: Collection[Asset]) -> None:
        existing = self._store.media.parts()
        need = sum(asset.size_bytes for asset in wanted if asset.sha256 not in existing)
        free = self._store.free_bytes()
        reserve = self._reserve_bytes + (0 if self._store.has_ballast() else BALLAST_BYTES)  # it is made again
        if need and need + reserve > free:
            raise ReleaseDoesNotFit(need, free, reserve)

    def _known_lists(self, wanted: Collection[Asset]) -> dict[str, tuple[str, Index]]:
        found = ((asset, one_chunk_index(asset) or self._store.index(asset.index)) for asset in wanted)
        return {asset.sha256: (asset.index, index) for asset, index in found if index is not None}

    async def _begin_parts(self, lists: Mapping[str, tuple[str, Index]]) -> None:
        """Open the files of assets whose chunk lists are here, copy what is on the disk, and ask for the rest."""
        if not lists:
            return
        await self._intake.begin(lists)
        self._hold_refused()
        parts = {name: part for name in lists if (part := self._intake.parts.get(name))}
        await in_thread(self._copy_and_ask, parts)

    def _hold_refused(self) -> None:
        """Have assets wait whose own files cannot be used; the others go on."""
        for asset, error in self._intake.take_refused().items():
            self._queue.refuse(asset, error)

    def _refuse(self, asset: str, error: StorageFull | StorageBroken) -> None:
        """Have one asset wait whose file cannot be written; raise what is a fault of the disk."""
        if not is_of_one_file(error):
            raise error
        self._queue.refuse(asset, error)

    def _copy_and_ask(self, parts: Mapping[str, PartialFile]) -> None:
        self._copy(parts)
        for name, part in parts.items():
            self._queue.add_spans(name, part, spans(name, part.missing()))

    def _copy(self, parts: Mapping[str, PartialFile]) -> None:
        """Copy what any complete asset on this device has, whether a release still names it or not."""
        complete = self._store.media.assets() - self._intake.parts.keys()  # a file that is too short is fetched anew
        local = LocalContent(complete, {name: part.verified() for name, part in parts.items()})
        indexes = [part.index for part in parts.values()]
        wanted = {chunk.sha256 for index in indexes for chunk in local.missing_chunks(index)}
        places = chunk_places(self._store.index_folder, wanted, complete)
        for copy in copies(indexes, places, local):
            try:
                _copy(copy, self._store.asset_path(copy.source), parts[copy.asset])
            except (CorruptContent, NotFound) as error:  # the source is damaged; the chunk is fetched instead
                log.warning("asset=%s is damaged and is not copied from: %s", copy.source, error)
            except (StorageFull, StorageBroken) as error:
                self._refuse(copy.asset, error)

    async def _fetch(self, changed: asyncio.Event) -> bool:
        """Fetch what is planned; return True once all is here, False once `changed` is set or a file was lost."""
        while True:
            self._transfer.changed.clear()
            since_s = self._clock.monotonic()
            await self._take_news()
            self._transfer.start_workers()
            lost = not await self._commit_if_due()
            if not lost and not self._queue.wanted():
                return True
            if lost or changed.is_set():
                return False
            if not self._transfer.changed.is_set():
                await self._wait(changed, since_s)

    async def _take_news(self) -> None:
        if lists := self._queue.take_lists():
            await self._begin_parts(await in_thread(self._save_lists, lists))
        for fault in self._queue.take_faults():
            self._failed(fault)
        if self._queue.take_recheck():
            self._recheck()

    def _save_lists(self, lists: Collection[tuple[Fetch, bytes]]) -> dict[str, tuple[str, Index]]:
        """Store the chunk lists that are right and return them; have the others fetched again."""
        saved = {}
        for fetch, raw in lists:
            asset = fetch.asset
            try:
                index = check_index(raw, asset)
                self._store.save_index(asset.index, raw)
                saved[asset.sha256] = asset.index, index
            except CorruptContent as error:
                self._queue.fail(fetch, error)
                self._queue.add_list(asset.sha256)
            except (StorageFull, StorageBroken) as error:
                self._refuse(asset.sha256, error)
        return saved

    async def _commit_if_due(self) -> bool:
        """Admit what is whole, if it is time; return False if a file was lost that was fetched already."""
        idle = not self._queue.is_active() and not self._queue.ready()
        if not idle and self._intake.due_s() > 0:
            return True
        try:
            self._queue.remove(await self._intake.commit())
        except CorruptContent as error:
            self._failed(error)
            return False
        finally:
            self._hold_refused()
        return True

    async def _wait(self, changed: asyncio.Event, since_s: float) -> None:
        """Wait until something happens, a wait ends that had not at `since_s`, or a commit is due."""
        wait_s = min(self._queue.next_s(since_s) - self._clock.monotonic(), self._intake.due_s())
        waits: list[Coroutine[Any, Any, object]] = [self._transfer.changed.wait(), changed.wait()]
        if wait_s < math.inf:
            waits.append(self._clock.sleep(wait_s))
        await first_of(*waits)


def _copy(copy: Copy, source: Path, part: PartialFile) -> None:
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            content = read_at(descriptor, copy.chunk.length, copy.offset)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CorruptContent(f"it cannot be read: {os_reason(error)}") from error
    part.write(copy.chunk, memoryview(content))
