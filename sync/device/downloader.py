"""Completes all assets of a release on the device: copies chunks from older assets, and fetches the others.

The order of writes survives a power cut: bytes are durable before their bits are saved, the hash of a complete file is
checked before it gets its name, and it has its name before its row in the catalogue.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from sync.device.download_plan import SPAN_BYTES, Copy, LocalContent, copies, downloads, missing_assets
from sync.device.origin_client import OriginClient
from sync.device.range_fetcher import SpanFetcher
from sync.device.store.chunk_catalog import ChunkCatalog
from sync.device.store.content_store import ContentStore
from sync.device.store.partial_file import PartialFile, open_partial_file
from sync.errors import CorruptContent, NotFound, SignageError, StorageBroken, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.durable_files import read_at
from sync.runtime.os_messages import os_reason
from sync.runtime.threads import in_thread
from sync.trust.acceptance import check_index
from sync.wire.chunk_index import Index
from sync.wire.content_paths import index_path
from sync.wire.release import INDEX_CAP_BYTES, Asset, Release

INDEXES_AT_ONCE = 8
GROUP_BYTES = 64 * 1024 * 1024
GROUP_S = 10.0
SHORTEST_SPAN_BYTES = 256 * 1024
_SPAN_TARGET_S = 8.0
_SAVE_CHECK_S = 0.25

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


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """The progress of the present release: verified bytes, of all bytes of the assets that were missing."""

    done_bytes: int = 0
    total_bytes: int = 0


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
        self._parts: Mapping[str, PartialFile] = {}
        self._span_bytes = SPAN_BYTES

    def progress(self) -> DownloadProgress:
        """Return the progress of the present release; both numbers are 0 when it is complete."""
        total = sum(part.index.size_bytes for part in self._parts.values())
        return DownloadProgress(total - sum(c.length for part in self._parts.values() for c in part.missing()), total)

    def has_missing_assets(self, release: Release) -> bool:
        """Tell whether assets of `release` are missing."""
        return bool(self._missing(release))

    def _missing(self, release: Release) -> tuple[Asset, ...]:
        return missing_assets(release, self._store.media.whole(release.assets))

    async def download(self, release: Release, older: tuple[Release, ...], should_stop: Callable[[], bool]) -> bool:
        """Complete `release`, also with chunks of the `older` releases; return True when no asset is missing.

        Returns early soon after `should_stop` is true. What arrived until then is durable.

        Raises:
            OriginUnreachable, OriginRefused, CorruptContent: some content could not be fetched; the rest is stored.
            StorageFull, StorageBroken: no room, or the disk failed.
        """
        wanted = self._missing(release)
        if wanted:
            indexes = await self._indexes(wanted)
            parts = await self._open(indexes, {asset.sha256: asset.index for asset in wanted})
            self._parts = {a.sha256: self._parts[a.sha256] for a in release.assets if a.sha256 in self._parts} | parts
            await self._copy(indexes, older, parts)
            await self._save_progress(parts)
            await self._finish(parts)
            whole = self._store.media.whole(release.assets)
            local = LocalContent(whole, {name: part.verified() for name, part in parts.items()})
            spans = downloads(release, indexes, local, self._rng, longest_bytes=self._span_bytes)
            if spans:
                await self._adapt_span_length(
                    self._fetch(self._fetcher.fetch(spans, parts, should_stop=should_stop), parts)
                )
                await self._finish(parts)
        complete = not self._missing(release)
        if complete:
            self._parts = {}
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
        index = self._store.index(asset.index)
        if index is not None:
            return index
        raw = await self._client.document(index_path(asset.index), INDEX_CAP_BYTES)
        index = check_index(raw, asset)
        await in_thread(self._store.save_index, asset.index, raw)
        return index

    async def _open(self, indexes: Mapping[str, Index], lists: Mapping[str, str]) -> dict[str, PartialFile]:
        existing = self._store.media.parts()
        need = sum(index.size_bytes for sha256, index in indexes.items() if sha256 not in existing)
        free = self._store.free_bytes()
        if need and need + self._reserve_bytes > free:
            raise ReleaseDoesNotFit(need, free, self._reserve_bytes)
        bitmaps = await self._catalog.bitmaps()
        parts = {}
        for sha256, index in indexes.items():
            bitmap = bitmaps.get((sha256, lists[sha256]), b"") if sha256 in existing else b""
            parts[sha256] = await in_thread(
                open_partial_file, self._store.media.part_path(sha256), index, bitmap, lists[sha256]
            )
        return parts

    async def _copy(
        self, indexes: Mapping[str, Index], older: tuple[Release, ...], parts: Mapping[str, PartialFile]
    ) -> None:
        lists = {asset.sha256: asset.index for release in older for asset in release.assets}
        complete = self._store.media.assets() - parts.keys()  # a file that is too short is fetched anew
        sources = [index for name, at in lists.items() if name in complete and (index := self._store.index(at))]
        local = LocalContent(complete, {name: part.verified() for name, part in parts.items()})
        for copy in copies(tuple(indexes.values()), sources, local):
            try:
                await in_thread(_copy, copy, self._store.asset_path(copy.source), parts[copy.asset])
            except (CorruptContent, NotFound) as error:  # the source is damaged; the chunk is fetched instead
                log.warning("asset=%s is damaged and is not copied from: %s", copy.source, error)

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

    async def _adapt_span_length(self, fetch: Coroutine[Any, Any, None]) -> None:
        """Await `fetch`, then set the span length so that a span takes about 8 s. Long requests delay all else."""
        started, before = self._clock.monotonic(), self.progress().done_bytes
        try:
            await fetch
        finally:
            took_s, received = self._clock.monotonic() - started, self.progress().done_bytes - before
            if took_s >= _SPAN_TARGET_S:
                self._span_bytes = max(SHORTEST_SPAN_BYTES, min(SPAN_BYTES, int(received / took_s * _SPAN_TARGET_S)))

    async def _save_in_groups(self, parts: Mapping[str, PartialFile]) -> None:
        saved = self._clock.monotonic()
        while True:
            await self._clock.sleep(_SAVE_CHECK_S)
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
                except StorageBroken:  # after a failed flush the content on the disk is unknown: start again
                    await self._catalog.delete((sha256,))
                    await in_thread(self._store.media.remove, (sha256,))
                    raise
        if bitmaps:
            await self._catalog.save_bitmaps(bitmaps)

    async def _finish(self, parts: Mapping[str, PartialFile]) -> None:
        fault: SignageError | None = None
        for sha256, part in parts.items():
            if part.missing() or not self._store.media.part_path(sha256).exists():  # incomplete, or moved already
                continue
            try:
                await in_thread(self._store.media.complete, sha256)
                await self._catalog.mark_complete({sha256: self._store.media.stamp(sha256)}, self._clock.now())
            except CorruptContent as error:
                damaged = await in_thread(part.recheck)
                log.error("asset=%s is not complete: %s damaged chunks are fetched again", sha256, damaged)
                fault = error
        if fault is not None:
            raise fault


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
