"""Completes all assets of a release on the device: copies chunks from older assets, and fetches the others.

What arrives goes to `sync.device.store.media_intake`, which makes it durable in groups.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Coroutine, Mapping
from pathlib import Path
from random import Random
from typing import Any

from sync.device.download_plan import SPAN_BYTES, Copy, LocalContent, copies, downloads, missing_assets
from sync.device.origin_client import OriginClient
from sync.device.range_fetcher import SpanFetcher
from sync.device.store.chunk_catalog import ChunkCatalog
from sync.device.store.chunk_lists import chunk_places
from sync.device.store.content_store import ContentStore
from sync.device.store.media_intake import DownloadProgress, MediaIntake
from sync.device.store.partial_file import PartialFile
from sync.errors import CorruptContent, NotFound, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.durable_files import read_at
from sync.runtime.os_messages import os_reason
from sync.runtime.threads import in_thread
from sync.trust.acceptance import check_index
from sync.wire.chunk_index import Index, one_chunk_index
from sync.wire.content_paths import index_path
from sync.wire.release import INDEX_CAP_BYTES, Asset, Release

INDEXES_AT_ONCE = 8
SHORTEST_SPAN_BYTES = 256 * 1024
_SPAN_TARGET_S = 8.0

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
    """Completes releases, one at a time."""

    def __init__(
        self,
        client: OriginClient,
        fetcher: SpanFetcher,
        store: ContentStore,
        catalog: ChunkCatalog,
        clock: Clock,
        rng: Random,
        reserve_bytes: int,
    ) -> None:
        self._client = client
        self._fetcher = fetcher
        self._store = store
        self._catalog = catalog
        self._clock = clock
        self._rng = rng
        self._reserve_bytes = reserve_bytes
        self._intake = MediaIntake(store.media, catalog, clock)
        self._span_bytes = SPAN_BYTES

    def progress(self) -> DownloadProgress:
        """Return the progress of the present release; both numbers are 0 when it is complete."""
        return self._intake.progress()

    async def missing(self, release: Release) -> tuple[Asset, ...]:
        """Return the assets of `release` that are missing.

        One whose bytes match another chunk list than the release names, and that was not hashed as a whole yet, is.
        """
        whole = await in_thread(self._store.media.whole, release.assets)
        lists, named = await self._catalog.unproven(), {asset.sha256: asset.index for asset in release.assets}
        doubtful = {name for name, chunk_list in lists.items() if named.get(name, chunk_list) != chunk_list}
        return missing_assets(release, whole - doubtful)

    async def download(self, release: Release, should_stop: Callable[[], bool]) -> bool:
        """Complete `release`, also with chunks of other assets; return True when no asset is missing.

        Returns early soon after `should_stop` is true. What arrived until then is durable.

        Raises:
            OriginUnreachable, OriginRefused, CorruptContent: some content could not be fetched; the rest is stored.
            StorageFull, StorageBroken: no room, or the disk failed.
        """
        wanted = await self.missing(release)
        self._intake.forget_all_but({asset.sha256 for asset in release.assets} if wanted else ())
        if wanted:
            indexes = await self._indexes(wanted)
            await self._begin(wanted, indexes)
            await self._copy(indexes)
            await self._intake.commit()
            parts = dict(self._intake.parts)
            local = LocalContent(
                frozenset(indexes.keys() - parts.keys()), {name: part.verified() for name, part in parts.items()}
            )
            spans = downloads(release, indexes, local, self._rng, longest_bytes=self._span_bytes)
            if spans:
                await self._adapt_span_length(self._fetch(self._fetcher.fetch(spans, parts, should_stop=should_stop)))
        complete = not wanted or not await self.missing(release)
        if complete:
            self._intake.forget_all_but(())
        return complete

    async def _indexes(self, wanted: Collection[Asset]) -> dict[str, Index]:
        """Return the chunk list of each asset. Several are fetched at a time, because each takes a round trip."""
        slots = asyncio.Semaphore(INDEXES_AT_ONCE)

        async def fetch(asset: Asset) -> Index:
            async with slots:
                return await self._index(asset)

        tasks = [asyncio.create_task(fetch(asset)) for asset in wanted]
        try:
            found = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return {asset.sha256: index for asset, index in zip(wanted, found, strict=True)}

    async def _index(self, asset: Asset) -> Index:
        index = one_chunk_index(asset) or self._store.index(asset.index)
        if index is not None:
            return index
        raw = await self._client.document(index_path(asset.index), INDEX_CAP_BYTES)
        index = check_index(raw, asset)
        await in_thread(self._store.save_index, asset.index, raw)
        return index

    async def _begin(self, wanted: Collection[Asset], indexes: Mapping[str, Index]) -> None:
        existing = self._store.media.parts()
        need = sum(index.size_bytes for sha256, index in indexes.items() if sha256 not in existing)
        free = self._store.free_bytes()
        if need and need + self._reserve_bytes > free:
            raise ReleaseDoesNotFit(need, free, self._reserve_bytes)
        await self._intake.begin({asset.sha256: (asset.index, indexes[asset.sha256]) for asset in wanted})

    async def _copy(self, indexes: Mapping[str, Index]) -> None:
        parts = self._intake.parts
        for copy in await in_thread(self._copies, indexes):
            try:
                await in_thread(_copy, copy, self._store.asset_path(copy.source), parts[copy.asset])
            except (CorruptContent, NotFound) as error:  # the source is damaged; the chunk is fetched instead
                log.warning("asset=%s is damaged and is not copied from: %s", copy.source, error)

    def _copies(self, indexes: Mapping[str, Index]) -> tuple[Copy, ...]:
        """Return what any complete asset on this device has, whether a release still names it or not."""
        parts = self._intake.parts
        complete = self._store.media.assets() - parts.keys()  # a file that is too short is fetched anew
        local = LocalContent(complete, {name: part.verified() for name, part in parts.items()})
        wanted = {chunk.sha256 for index in indexes.values() for chunk in local.missing_chunks(index)}
        places = chunk_places(self._store.index_folder, wanted, complete)
        return copies(tuple(indexes.values()), places, local)

    async def _fetch(self, fetching_spans: Coroutine[Any, Any, None]) -> None:
        fetching = asyncio.create_task(fetching_spans)
        saving = asyncio.create_task(self._intake.commit_in_groups())
        try:
            await asyncio.wait((fetching, saving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (fetching, saving):
                task.cancel()
            ended = await asyncio.gather(saving, fetching, return_exceptions=True)
            await self._intake.commit()
        for fault in ended:
            if isinstance(fault, Exception):
                raise fault

    async def _adapt_span_length(self, fetch: Coroutine[Any, Any, None]) -> None:
        """Await `fetch`, then set the span length so that a span takes about 8 s. Long requests delay all else."""
        started, before = self._clock.monotonic(), self.progress().done_bytes
        try:
            await fetch
        finally:
            took_s, received = self._clock.monotonic() - started, self.progress().done_bytes - before
            if took_s >= _SPAN_TARGET_S:
                self._span_bytes = max(SHORTEST_SPAN_BYTES, min(SPAN_BYTES, int(received / took_s * _SPAN_TARGET_S)))


def megabytes(size_bytes: int) -> str:
    """Return a number of bytes in MB (10^6 bytes), rounded up, as text."""
    return f"{-(-size_bytes // 1_000_000):,} MB"


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
