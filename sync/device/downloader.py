"""Brings all assets of a release onto the device: copied from older ones where possible, else fetched, then made whole.

The order of flushes is the promise: bytes durable before their bits, whole hash before the name, name before the row.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from sync.device.download_plan import SPAN_BYTES, Copy, LocalContent, copies, downloads, missing
from sync.device.origin_client import OriginClient
from sync.device.range_fetcher import SpanFetcher
from sync.device.store.chunk_catalog import ChunkCatalog
from sync.device.store.content_store import ContentStore
from sync.device.store.partial_file import PartialFile, open_part
from sync.errors import CorruptContent, SignageError, StorageBroken, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.durable_files import storage_errors
from sync.runtime.threads import in_thread
from sync.trust.acceptance import check_index
from sync.wire.chunk_index import Index
from sync.wire.content_paths import index_path
from sync.wire.release import INDEX_CAP_BYTES, Asset, Release

INDEXES_AT_ONCE = 8
GROUP_BYTES = 64 * 1024 * 1024
GROUP_S = 10.0
SHORTEST_SPAN_BYTES = 256 * 1024
_SPAN_S = 8.0
_LOOK_EVERY_S = 0.25

log = logging.getLogger(__name__)


class NoRoom(StorageFull):
    """A release does not fit: `missing_bytes` more would have to be free."""

    def __init__(self, need_bytes: int, free_bytes: int, reserve_bytes: int) -> None:
        self.missing_bytes = need_bytes + reserve_bytes - free_bytes
        super().__init__(
            f"the release needs {mb(need_bytes)} more, {mb(free_bytes)} are free and {mb(reserve_bytes)} of them stay "
            f"so: {mb(self.missing_bytes)} are missing; show less on this channel or fit a larger disk"
        )


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far the present release is: bytes verified on the device, of all that its missing assets have."""

    done_bytes: int = 0
    total_bytes: int = 0


class Downloader:
    """Makes releases whole; one at a time."""

    def __init__(
        self,
        client: OriginClient,
        bulk: SpanFetcher,
        cache: ContentStore,
        catalog: ChunkCatalog,
        clock: Clock,
        rng: Random,
        reserve_bytes: int,
    ) -> None:
        self._client = client
        self._bulk = bulk
        self._cache = cache
        self._catalog = catalog
        self._clock = clock
        self._rng = rng
        self._reserve_bytes = reserve_bytes
        self._parts: Mapping[str, PartialFile] = {}
        self._span_bytes = SPAN_BYTES

    def progress(self) -> DownloadProgress:
        """Return how far the present release is; both are 0 once it is whole."""
        total = sum(part.index.size_bytes for part in self._parts.values())
        return DownloadProgress(total - sum(c.length for part in self._parts.values() for c in part.missing()), total)

    def lacks(self, release: Release) -> bool:
        """Tell whether anything of `release` is still to come."""
        return bool(missing(release, self._cache.media.assets()))

    async def download(self, release: Release, others: tuple[Release, ...], enough: Callable[[], bool]) -> bool:
        """Bring what `release` lacks; `others` are older releases to copy from. True when all of it is whole.

        Ends early, with what came so far made durable, soon after `enough` says so.

        Raises:
            OriginUnreachable, OriginRefused, CorruptContent: not all could be had; what could is kept.
            StorageFull, StorageBroken: no room, or the disk failed.
        """
        wanted = missing(release, self._cache.media.assets())
        if wanted:
            indexes = await self._indexes(wanted)
            parts = await self._open(indexes, {asset.sha256: asset.index for asset in wanted})
            self._parts = {a.sha256: self._parts[a.sha256] for a in release.assets if a.sha256 in self._parts} | parts
            await self._copy(indexes, others, parts)
            await self._save_progress(parts)
            await self._finish(parts)
            held = LocalContent(self._cache.media.assets(), {name: part.held() for name, part in parts.items()})
            spans = downloads(release, indexes, held, self._rng, longest_bytes=self._span_bytes)
            if spans:
                await self._timed(self._fetch(self._bulk.fetch(spans, parts, enough=enough), parts))
                await self._finish(parts)
        whole = not missing(release, self._cache.media.assets())
        if whole:
            self._parts = {}
        return whole

    async def _indexes(self, wanted: Collection[Asset]) -> dict[str, Index]:
        """Return the chunk list of each asset, several fetched at once: on a far line each takes a round trip."""
        turns = asyncio.Semaphore(INDEXES_AT_ONCE)

        async def one(asset: Asset) -> Index:
            async with turns:
                return await self._index(asset)

        tasks = [asyncio.create_task(one(asset)) for asset in wanted]
        try:
            found = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return {asset.sha256: index for asset, index in zip(wanted, found, strict=True)}

    async def _index(self, asset: Asset) -> Index:
        index = self._cache.index(asset.index)
        if index is not None:
            return index
        raw = await self._client.document(index_path(asset.index), INDEX_CAP_BYTES)
        index = check_index(raw, asset)
        await in_thread(self._cache.keep_index, asset.index, raw)
        return index

    async def _open(self, indexes: Mapping[str, Index], lists: Mapping[str, str]) -> dict[str, PartialFile]:
        begun = self._cache.media.parts()
        need = sum(index.size_bytes for sha256, index in indexes.items() if sha256 not in begun)
        free = self._cache.free_bytes()
        if need and need + self._reserve_bytes > free:
            raise NoRoom(need, free, self._reserve_bytes)
        bitmaps = await self._catalog.bitmaps()
        parts = {}
        for sha256, index in indexes.items():
            bitmap = bitmaps.get((sha256, lists[sha256]), b"") if sha256 in begun else b""
            parts[sha256] = await in_thread(
                open_part, self._cache.media.part_path(sha256), index, bitmap, lists[sha256]
            )
        return parts

    async def _copy(
        self, indexes: Mapping[str, Index], others: tuple[Release, ...], parts: Mapping[str, PartialFile]
    ) -> None:
        older = {asset.sha256: asset.index for release in others for asset in release.assets}
        whole = self._cache.media.assets()
        sources = [index for name, at in older.items() if name in whole and (index := self._cache.index(at))]
        held = LocalContent(whole, {name: part.held() for name, part in parts.items()})
        for copy in copies(tuple(indexes.values()), sources, held):
            try:
                await in_thread(_copy, copy, self._cache.asset_path(copy.source), parts[copy.asset])
            except CorruptContent as error:  # the copy rotted; the chunk is fetched instead
                log.warning("asset=%s cannot be copied from: %s", copy.source, error)

    async def _fetch(self, fetching_spans: Coroutine[Any, Any, None], parts: Mapping[str, PartialFile]) -> None:
        fetching = asyncio.create_task(fetching_spans)
        saving = asyncio.create_task(self._save_in_groups(parts))
        try:
            await asyncio.wait((fetching, saving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (fetching, saving):
                task.cancel()
            ended = await asyncio.gather(saving, fetching, return_exceptions=True)
            await self._save_progress(parts)
        for fault in ended:
            if isinstance(fault, Exception):
                raise fault

    async def _timed(self, fetch: Coroutine[Any, Any, None]) -> None:
        """Fetch, and ask next time for what takes about 8 s: on a slow line a long request delays all else."""
        began, before = self._clock.monotonic(), self.progress().done_bytes
        try:
            await fetch
        finally:
            took_s, came = self._clock.monotonic() - began, self.progress().done_bytes - before
            if took_s >= _SPAN_S:
                self._span_bytes = max(SHORTEST_SPAN_BYTES, min(SPAN_BYTES, int(came / took_s * _SPAN_S)))

    async def _save_in_groups(self, parts: Mapping[str, PartialFile]) -> None:
        saved = self._clock.monotonic()
        while True:
            await self._clock.sleep(_LOOK_EVERY_S)
            unsaved = sum(part.unsaved_bytes() for part in parts.values())
            if unsaved >= GROUP_BYTES or self._clock.monotonic() - saved >= GROUP_S:
                await self._save_progress(parts)
                saved = self._clock.monotonic()

    async def _save_progress(self, parts: Mapping[str, PartialFile]) -> None:
        bitmaps = {}
        for sha256, part in parts.items():
            if part.unsaved_bytes():
                try:
                    bitmaps[sha256, part.chunk_list] = await in_thread(part.flush)
                except StorageBroken:  # after a failed flush nobody knows what is on the disk: begin this one again
                    await self._catalog.forget((sha256,))
                    await in_thread(self._cache.media.remove, (sha256,))
                    raise
        if bitmaps:
            await self._catalog.record(bitmaps)

    async def _finish(self, parts: Mapping[str, PartialFile]) -> None:
        fault: SignageError | None = None
        for sha256, part in parts.items():
            if part.missing() or self._cache.holds(sha256):
                continue
            try:
                await in_thread(self._cache.media.admit, sha256)
                await self._catalog.complete((sha256,), self._clock.now())
            except CorruptContent as error:
                lost = await in_thread(part.recheck)
                log.error("asset=%s is not whole: %s chunks rotted and are fetched again", sha256, lost)
                fault = error
        if fault is not None:
            raise fault


def mb(size_bytes: int) -> str:
    """Return a number of bytes as people say it, rounded up."""
    return f"{-(-size_bytes // 1_000_000):,} MB"


def _copy(copy: Copy, source: Path, part: PartialFile) -> None:
    with storage_errors(source):
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            content = os.pread(descriptor, copy.chunk.length, copy.offset)
        finally:
            os.close(descriptor)
    part.write(copy.chunk, memoryview(content))
