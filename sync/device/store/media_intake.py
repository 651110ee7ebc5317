"""Takes in the media that a release misses: makes what arrived durable in groups, and admits whole files to the assets.

Each group costs one flush of its files, one of the folder and one commit, however many files it has. The order survives
a power cut: bytes are durable before their bits are saved, a file is durable before it gets its name, and it has its
name before its row in the catalogue. `docs/decisions/sync-files-admitted-by-their-chunk-list.md` says why a file that
has all the chunks of its signed list is not hashed a second time before that.
"""

import asyncio
import math
import threading
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from sync.device.store.chunk_catalog import ChunkCatalog
from sync.device.store.media_files import MediaFiles
from sync.device.store.partial_file import PartialFile, Written, open_partial_file
from sync.errors import CorruptContent, SignageError, StorageBroken, StorageFull
from sync.runtime.clock import Clock
from sync.runtime.durable_files import is_of_one_file, storage_error, sync_files
from sync.runtime.threads import in_thread
from sync.wire.chunk_index import Index

GROUP_BYTES = 64 * 1024 * 1024
GROUP_S = 10.0
ADMIT_S = 2.0
"""How long a whole file waits for others, so that all of them share their flushes."""


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """The progress of the present release: verified bytes, of all bytes of the assets that were missing."""

    done_bytes: int = 0
    total_bytes: int = 0


class MediaIntake:
    """The partial files under way. `begin` and `commit` can be called while threads write to them.

    `due` is called, in any thread, when `due_s` becomes less by what was written.
    """

    def __init__(
        self, media: MediaFiles, catalog: ChunkCatalog, clock: Clock, due: Callable[[], None] = lambda: None
    ) -> None:
        self._media = media
        self._catalog = catalog
        self._clock = clock
        self._due = due
        self._parts: dict[str, PartialFile] = {}
        self._lock = threading.Lock()  # of all below
        self._unsaved: set[PartialFile] = set()
        self._unsaved_bytes = 0
        self._whole = False  # whether a file of `_unsaved` is whole
        self._sizes: dict[str, int] = {}  # of all assets that were begun, also those admitted
        self._done: dict[str, int] = {}  # their verified bytes
        self._total_bytes = self._done_bytes = 0  # the sums of both
        self._committed_s = clock.monotonic()
        self._committing = asyncio.Lock()
        self._refused: dict[str, SignageError] = {}
        self._left: set[str] = set()  # assets whose file could not be written, and was opened anew

    @property
    def parts(self) -> Mapping[str, PartialFile]:
        """The partial files by asset; those that were admitted or lost are no longer here."""
        return self._parts

    def progress(self) -> DownloadProgress:
        """Return the progress of all assets that were begun and not forgotten."""
        return DownloadProgress(self._done_bytes, self._total_bytes)

    def forget_all_but(self, assets: Container[str]) -> None:
        """Forget what is under way or was admitted of other assets, after a `commit`. Their files stay on the disk."""
        with self._lock:
            for asset in [name for name in self._sizes if name not in assets]:
                self._forget(asset)

    def _forget(self, asset: str) -> None:
        part = self._parts.pop(asset, None)
        if part is not None:
            self._unsaved.discard(part)
        self._total_bytes -= self._sizes.pop(asset, 0)
        self._done_bytes -= self._done.pop(asset, 0)

    async def begin(self, indexes: Mapping[str, tuple[str, Index]]) -> None:
        """Open or create the partial files of these assets, each with the name and the content of its chunk list.

        Those that are under way with the same chunk list go on. `take_refused` names those whose files cannot be used.

        Raises:
            StorageFull: one of them does not fit.
            StorageBroken: the disk failed.
        """
        async with self._committing:  # it may rename a file that was forgotten and is wanted again
            new = {name: one for name, one in indexes.items() if not self._is_under_way(name, one[0])}
            rows = await self._catalog.bitmaps(new)  # anew each time: those of what was lost or evicted are gone
            bitmaps = await in_thread(self._trusted, new, rows)
            if stale := {asset for asset, _ in rows.keys() - bitmaps.keys()}:
                # Before there is a file again: after a power cut their bits would count for that one.
                await self._catalog.save({}, {}, {}, stale, self._clock.now())
            opened = await in_thread(self._open, new, bitmaps)
            with self._lock:
                for part in opened:
                    part.wrote = self._wrote
                    self._add(part)

    def _is_under_way(self, asset: str, chunk_list: str) -> bool:
        part = self._parts.get(asset)
        return part is not None and part.chunk_list == chunk_list and not part.is_left

    def _trusted(
        self, new: Mapping[str, tuple[str, Index]], rows: Mapping[tuple[str, str], bytes]
    ) -> dict[tuple[str, str], bytes]:
        """Return the bitmaps that tell of the file that is here, with the chunk list that is wanted."""
        wanted = {(asset, chunk_list): index for asset, (chunk_list, index) in new.items()}
        return {
            key: bitmap
            for key, bitmap in rows.items()
            if key in wanted
            and key[0] not in self._media.damaged
            and self._media.part_bytes(key[0]) == wanted[key].size_bytes
        }

    def _open(
        self, new: Mapping[str, tuple[str, Index]], bitmaps: Mapping[tuple[str, str], bytes]
    ) -> list[PartialFile]:
        opened = []
        self._leave_files([asset for asset in new if asset in self._parts and self._parts[asset].is_left])
        here = self._media.parts()
        for asset, (chunk_list, index) in new.items():
            bitmap = bitmaps.get((asset, chunk_list), b"")
            path, damaged = self._media.part_path(asset), asset in self._media.damaged
            if len(index.chunks) == 1 and asset not in here:  # its file is created when it arrives
                opened.append(PartialFile(path, index, chunk_list, set(), set()))
                continue
            try:
                opened.append(open_partial_file(path, index, bitmap, chunk_list, damaged=damaged))
            except (StorageFull, StorageBroken) as error:
                if not is_of_one_file(error):
                    raise
                self._refused[asset] = error
        return opened

    def _leave_files(self, assets: Iterable[str]) -> None:
        """Delete the files that could not be written for the second time: new ones get other blocks of the disk."""
        for asset in assets:
            if asset in self._left:
                with suppress(OSError):  # it stays, and the asset waits
                    self._media.part_path(asset).unlink()
            self._left ^= {asset}

    def take_refused(self) -> dict[str, SignageError]:
        """Return the assets whose own files cannot be used, and why, since the last call; the others can go on."""
        refused, self._refused = self._refused, {}
        return refused

    def _add(self, part: PartialFile) -> None:
        asset = part.index.asset
        self._forget(asset)
        self._parts[asset] = part
        self._sizes[asset], self._done[asset] = part.index.size_bytes, part.verified_bytes()
        self._total_bytes += self._sizes[asset]
        self._done_bytes += self._done[asset]
        if part.has_unsaved() or part.is_whole():
            self._note(part, 0)

    def _wrote(self, part: PartialFile, length: int) -> None:
        with self._lock:
            if self._parts.get(part.index.asset) is part:
                self._done[part.index.asset] += length
                self._done_bytes += length
                self._note(part, length)

    def _note(self, part: PartialFile, length: int) -> None:
        before = bool(self._unsaved), self._whole, self._unsaved_bytes >= GROUP_BYTES
        self._unsaved.add(part)
        self._unsaved_bytes += length
        self._whole = self._whole or part.is_whole()
        if before != (True, self._whole, self._unsaved_bytes >= GROUP_BYTES):
            self._due()

    def due_s(self) -> float:
        """Return when to `commit`, in seconds from now: once a group is full, or whole files have waited for long.

        Infinite while nothing was written.
        """
        with self._lock:
            if not self._unsaved:
                return math.inf
            if self._unsaved_bytes >= GROUP_BYTES:
                return 0.0
            waits_s = ADMIT_S if self._whole else GROUP_S
            return max(0.0, self._committed_s + waits_s - self._clock.monotonic())

    async def commit(self) -> frozenset[str]:
        """Make durable what was written until now, and admit the files that are whole; return their names.

        `take_refused` names those that could not be made durable, or whose place cannot be taken. A cancellation does
        not wait for the disk; the next commit does.

        Raises:
            StorageFull, StorageBroken: some bytes could not be made durable; those files are fetched again. The others
                are durable.
            CorruptContent: somebody deleted or changed a file before it was whole.
        """
        commit = asyncio.ensure_future(self._commit())
        commit.add_done_callback(lambda done: done.cancelled() or done.exception())  # also if nobody waits any more
        return await asyncio.shield(commit)

    async def _commit(self) -> frozenset[str]:
        async with self._committing:
            group = self._take()
            if not group:
                return frozenset()
            try:
                settled = await in_thread(self._settle, group)
            except SignageError:
                self._give_back(group)
                raise
            lost = [part.index.asset for part in settled.faults]
            lists = {name: self._chunk_list(name) for name in settled.admitted}
            self._leave(settled)
            await self._catalog.save(settled.bitmaps, settled.admitted, lists, lost, self._clock.now())
        for fault in settled.faults.values():
            if not is_of_one_file(fault):
                raise fault
        return frozenset(settled.admitted)

    def _take(self) -> dict[PartialFile, Written]:
        self._committed_s = self._clock.monotonic()
        with self._lock:
            group = {part: part.written() for part in self._unsaved}
            self._unsaved.clear()
            self._unsaved_bytes, self._whole = 0, False
            return group

    def _give_back(self, group: Iterable[PartialFile]) -> None:
        with self._lock:
            for part in group:
                self._note(part, 0)

    def _chunk_list(self, asset: str) -> str:
        """Return the list that the bytes of an asset match; empty for one chunk, whose hash is that of the file."""
        part = self._parts.get(asset)
        return part.chunk_list if part is not None and len(part.index.chunks) > 1 else ""

    def _leave(self, settled: "_Settled") -> None:
        with self._lock:
            for lost, fault in settled.faults.items():
                if self._parts.get(lost.index.asset) is lost:
                    self._forget(lost.index.asset)
                if is_of_one_file(fault):
                    self._refused[lost.index.asset] = fault
            for asset in settled.admitted:
                self._left.discard(asset)
                if (part := self._parts.pop(asset, None)) is not None:
                    self._unsaved.discard(part)  # its last chunk may be noted after its file was taken
            for asset, error in settled.refused.items():
                self._forget(asset)
                self._refused[asset] = error

    def _settle(self, group: Mapping[PartialFile, Written]) -> "_Settled":
        """Flush, then rename. Blocks."""
        settled = _Settled()
        failed = sync_files(self._media.folders()[1], [part.path for part in group])
        for part in [part for part in group if failed and part.path in failed]:
            settled.faults[part] = storage_error(failed[part.path], part.path)
            part.discard()
        whole = {}
        for part, written in group.items():
            if part in settled.faults:
                continue
            bitmap = part.saved(written)
            if len(part.index.chunks) > 1:  # of small files this would cost more than it gives
                part.leave_cache(written)
            if len(written.verified) == len(part.index.chunks):
                whole[part.index.asset] = part
            else:
                settled.bitmaps[part.index.asset, part.chunk_list] = bitmap
        settled.admitted, refused = self._media.admit({name: part.index.size_bytes for name, part in whole.items()})
        for name, why in refused.items():
            if isinstance(why, CorruptContent):
                settled.faults[whole[name]] = why
                whole[name].discard()
            else:
                settled.refused[name] = why
        return settled


@dataclass(slots=True)
class _Settled:
    """What is durable of a group: bitmaps to save, the stamps of admitted files; and the faults of the others.

    Those of `refused` are whole, and cannot be renamed.
    """

    bitmaps: dict[tuple[str, str], bytes] = field(default_factory=dict)
    admitted: dict[str, str] = field(default_factory=dict)
    faults: dict[PartialFile, SignageError] = field(default_factory=dict)
    refused: dict[str, SignageError] = field(default_factory=dict)
