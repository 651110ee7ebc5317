"""Makes the assets of queued media: claims a media, transcodes it in child processes, and stores the asset.

There are two lanes, so that a small media never waits for a large one. All begin in the lane for small media. What is
expected to take long by its headers, or turns out to, is queued again for the other lane (`media.large`). In each lane
several media are worked on at once, as many as processors and memory allow; they begin in the order of their uploads.

The states of a media: `sync.origin.store.media.media_rows.MEDIA_STATES`. Each media has a folder of its own below
`work/`. The asset is stored before the row changes, so a crash leaves a media that is queued again and nothing
incomplete that a device could see. An attempt counts when it begins: a file that crashes the origin does so at most
`MAX_ATTEMPTS` times.
"""

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from sync.errors import Conflict, NotFound, StorageBroken, StorageFull
from sync.origin.ingest.asset_builder import build_asset, divide_asset, store_asset
from sync.origin.limits.machine import free_memory, processors
from sync.origin.limits.memory_share import MemoryShare
from sync.origin.limits.priority import Priority, priority_for
from sync.origin.limits.transcoding_budget import QUICK_ENDS_AFTER_S, Limits, lanes
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.upload_file import lock_upload
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.media_rows import MediaRow, MediaState
from sync.origin.transcode.forked_tools import ForkedTools
from sync.origin.transcode.probe import BadMedia
from sync.origin.transcode.sandbox import ChildStopped
from sync.origin.transcode.transcode_job import LargeMedia, MadeMedia, TranscodeJob
from sync.runtime.clock import Backoff, Clock, unix_ms
from sync.runtime.durable_files import copy_durably, move_durably
from sync.runtime.supervisor import contain
from sync.runtime.waiting import wait_unless
from sync.wire.release import Asset

MAX_ATTEMPTS = 3
_POLL_EVERY_S = 15.0  # another origin on the same database may have queued something
_MAX_RETRY_WAIT_S = 300.0
_PRIORITY_HOLDS_S = 10.0  # it is found by looking at all processes
_PROGRESS_STEP = 5  # percent
_LOCK_TRIES, _LOCK_RETRY_S = 20, 0.02

_OVER_LIMITS = "This file needs more time or memory than is allowed: send it smaller or shorter."
_NO_ROOM = "The server has no room left to process this file: free some space and try again."
_DISK_ERROR = "The server could not read or write its disk while processing this file: try again."
_CRASHED = "Processing this file stopped unexpectedly several times: try again, or send it in another format."
_SOURCE_MISSING = "The sent file is no longer there: send it again."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Lane:
    """One of the two queues, with workers and memory of its own."""

    large: bool
    slots: asyncio.Semaphore
    memory: MemoryShare
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Pipeline:
    """The service that works off the queue of media; `changed("media", id)` is called after each durable change."""

    def __init__(
        self,
        store: MediaStore,
        files: DataFolder,
        settings: OriginConfiguration,
        clock: Clock,
        *,
        changed: Callable[[str, str], None],
        rng: Random | None = None,
    ) -> None:
        self._store = store
        self._files = files
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._rng = rng or Random()
        self._tools = ForkedTools(files.uploads, files.work, clock)
        self._work_comes = asyncio.Event()
        self._last_priority, self._priority_ends = priority_for(settings.pipeline.priority), 0.0
        measured = processors(Path("/")), free_memory(Path("/")), self._last_priority
        self._lanes = tuple(
            _Lane(large, asyncio.Semaphore(lane.workers), MemoryShare(lane.memory_bytes))
            for large, lane in zip((False, True), lanes(settings.pipeline.workers, *measured), strict=True)
        )

    def wake(self) -> None:
        """Read the queues now: something was added to them, or will be as soon as it is received."""
        for lane in self._lanes:
            lane.woken.set()
        self._work_comes.set()

    async def run(self) -> None:
        """Recover from a crash, then process media for ever."""
        await self.recover()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tools.run())
            tasks.create_task(self._prepare_tools())
            for lane in self._lanes:
                tasks.create_task(self._serve(lane, tasks))

    async def _prepare_tools(self) -> None:
        """Have the tools start while the file that they are for is received."""
        while True:
            await self._work_comes.wait()
            self._work_comes.clear()
            await contain("tools cannot be started", self._tools.prepare(await self._priority()))

    async def _priority(self) -> Priority:
        """Return the priority of children; a player may be installed while the origin runs."""
        if self._clock.monotonic() >= self._priority_ends:
            self._last_priority = await asyncio.to_thread(priority_for, self._settings.pipeline.priority)
            self._priority_ends = self._clock.monotonic() + _PRIORITY_HOLDS_S
        return self._last_priority

    async def _serve(self, lane: _Lane, tasks: asyncio.TaskGroup) -> None:
        while True:
            if await contain("the queue of media cannot be read", self._serve_next(lane, tasks)) is not None:
                await self._clock.sleep(_POLL_EVERY_S)
                await contain("media that were being processed are not queued again yet", self.recover())

    async def _serve_next(self, lane: _Lane, tasks: asyncio.TaskGroup) -> None:
        """Begin with the next media of a lane once a worker is free; if none is due, wait."""
        await lane.slots.acquire()
        row = None
        try:
            lane.woken.clear()
            row = await self._store.claim(large=lane.large)
        finally:
            if row is None:
                lane.slots.release()
        if row is None:
            await self._wait_for_work(lane)
        else:
            tasks.create_task(self._process(row, lane))

    async def recover(self) -> None:
        """Queue again what was being processed when an origin died, and remove its work folders."""
        for row in await self._store.in_states(MediaState.PROCESSING):
            try:
                with lock_upload(self._files.source_path(row.id)):
                    await self._requeue_interrupted(row)
            except Conflict:
                continue  # another origin processes it
            except NotFound:
                await self._fail(row, _SOURCE_MISSING)
        folders = list(self._files.work.iterdir())  # before the query: another origin may claim a media in between
        known = {row.id for row in await self._store.in_states(MediaState.PROCESSING)}
        for folder in folders:
            if folder.name not in known:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _requeue_interrupted(self, row: MediaRow) -> None:
        log.warning("media=%s was being processed when the origin stopped, attempt %s", row.id, row.attempts)
        if row.attempts >= MAX_ATTEMPTS:
            await self._fail(row, _CRASHED)
        else:
            await self._store.requeue(row.id, problem=None, wait_s=0.0, count_attempt=True)
            self._changed("media", row.id)

    async def _wait_for_work(self, lane: _Lane) -> None:
        """Wait until `wake`, until the next queued media is due, or for the time of one poll."""
        due_ms = await self._store.next_attempt_ms(large=lane.large)
        now_ms = unix_ms(self._clock.now())
        wait_s = _POLL_EVERY_S if due_ms is None else min(_POLL_EVERY_S, max(0.01, (due_ms - now_ms) / 1000))
        await wait_unless(lane.woken.wait(), self._clock.sleep(wait_s))

    async def _process(self, row: MediaRow, lane: _Lane) -> None:
        """Make one attempt, whatever happens in it: neither a bug nor a database that is away ends other work."""
        folder = self._files.work / row.id
        self._changed("media", row.id)
        try:
            error = await contain(f"media={row.id} attempt {row.attempts} failed", self._locked_attempt(row, folder))
            if error is not None:
                await self._give_back(row, error)
        except asyncio.CancelledError:  # the origin stops; the file is not to blame, so the attempt does not count
            again = self._store.requeue(row.id, problem=None, wait_s=0.0, count_attempt=False)
            await contain(f"media={row.id} is queued again at the next start", again)
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            lane.slots.release()
        self._changed("media", row.id)

    async def _locked_attempt(self, row: MediaRow, folder: Path) -> None:
        try:
            with await self._locked(row):
                await self._attempt(row, folder)
        except NotFound:
            await self._fail(row, _SOURCE_MISSING)
        except Conflict as error:
            log.warning("media=%s is locked by another process: %s", row.id, error)
            await self._store.requeue(row.id, problem=None, wait_s=_POLL_EVERY_S, count_attempt=False)
            self.wake()

    async def _locked(self, row: MediaRow) -> ExitStack:
        """Lock the bytes of a media; its sender may be about to let go of them.

        Raises:
            NotFound: they are missing.
            Conflict: another process has locked them.
        """
        held = ExitStack()
        for left in reversed(range(_LOCK_TRIES)):
            try:
                held.enter_context(lock_upload(self._files.source_path(row.id)))
                break
            except Conflict:
                if not left:
                    raise
                await self._clock.sleep(_LOCK_RETRY_S)
        return held

    async def _give_back(self, row: MediaRow, error: Exception) -> None:
        """Queue a media again after an error that nobody expected, as soon as the database can be written."""
        problem = _DISK_ERROR if isinstance(error, StorageBroken) else _CRASHED
        while await contain(f"media={row.id} stays as it is", self._retry(row, error, problem)) is not None:
            await self._clock.sleep(_POLL_EVERY_S)

    async def _attempt(self, row: MediaRow, folder: Path) -> None:
        try:
            if not await self._reuse_asset(row):
                folder.mkdir(parents=True, exist_ok=True)
                await self._store_asset(row, await self._build(row, folder))
        except LargeMedia:
            log.info("media=%s is large: it is queued among the large ones", row.id)
            await self._store.requeue_large(row.id)
            self.wake()
        except BadMedia as error:
            await self._fail(row, str(error))
        except ChildStopped as error:
            await self._retry(row, error, _OVER_LIMITS)
        except StorageFull as error:
            await self._retry(row, error, _NO_ROOM)
        except (StorageBroken, OSError) as error:
            await self._retry(row, error, _DISK_ERROR)

    async def _build(self, row: MediaRow, folder: Path) -> MadeMedia:
        job = await self._job(row, folder)
        if row.large:
            return await build_asset(job)
        try:
            async with asyncio.timeout(QUICK_ENDS_AFTER_S) as ends:
                return await build_asset(replace(job, ends=ends))
        except TimeoutError as error:
            raise LargeMedia from error

    async def _reuse_asset(self, row: MediaRow) -> bool:
        """Use the asset of a ready media made from the same bytes; False if there is none, or its files are missing."""
        async with self._files.adding_content(self._clock):
            duplicate = await self._store.find_duplicate(row)
            if duplicate is None or duplicate.asset is None:
                return False
            if not self._files.has_asset(duplicate.asset):
                return False
            thumbnails = self._files.thumbnail_path(duplicate.id), self._files.thumbnail_path(row.id)
            try:
                await asyncio.to_thread(copy_durably, *thumbnails)
            except StorageBroken:
                return False  # the duplicate is being deleted
            await self._mark_ready(row, duplicate.asset, duplicate.problem)
            return True

    async def _store_asset(self, row: MediaRow, made: MadeMedia) -> None:
        """Store the asset with its index, then the thumbnail, then the row."""
        async with self._files.adding_content(self._clock):
            index = await asyncio.to_thread(divide_asset, made)
            listed = await self._store.list_of(index.asset)
            asset = await asyncio.to_thread(store_asset, self._files, made, index, listed)
            await asyncio.to_thread(move_durably, made.thumbnail, self._files.thumbnail_path(row.id))
            await self._mark_ready(row, asset, made.note)

    async def _mark_ready(self, row: MediaRow, asset: Asset, note: str | None) -> None:
        if not await self._store.mark_ready(row.id, asset, note):
            self._files.thumbnail_path(row.id).unlink(missing_ok=True)  # the media was deleted meanwhile
        self._files.source_path(row.id).unlink(missing_ok=True)
        log.info(
            "media=%s ready asset=%s bytes=%s%s", row.id, asset.sha256, asset.size_bytes, (note and f": {note}") or ""
        )

    async def _fail(self, row: MediaRow, problem: str) -> None:
        """Mark a media failed for good and delete its bytes: another attempt would end the same way."""
        log.info("media=%s failed: %s", row.id, problem)
        await self._store.mark_failed(row.id, problem)
        self._files.source_path(row.id).unlink(missing_ok=True)
        self._changed("media", row.id)

    async def _retry(self, row: MediaRow, error: Exception, problem: str) -> None:
        """Queue a media for another attempt; after the last one mark it failed, but keep its bytes for a retry."""
        log.warning("media=%s attempt %s of %s failed: %s", row.id, row.attempts, MAX_ATTEMPTS, error)
        if row.attempts >= MAX_ATTEMPTS:
            await self._store.mark_failed(row.id, problem)
            return
        backoff = Backoff(
            first_s=self._settings.pipeline.retry_first_s * 2 ** (row.attempts - 1),
            limit_s=_MAX_RETRY_WAIT_S,
            rng=self._rng,
        )
        await self._store.requeue(row.id, problem=problem, wait_s=backoff.next_s(), count_attempt=True)
        self.wake()

    async def _job(self, row: MediaRow, folder: Path) -> TranscodeJob:
        settings = self._settings.pipeline
        room_bytes = self._files.free_bytes() - self._settings.storage.reserve_bytes
        if room_bytes <= 0:
            raise StorageFull("only the reserve is left on the disk")
        priority = await self._priority()
        source, progress = self._files.source_path(row.id), self._progress_of(row)
        limits = Limits(settings.longest_s, settings.memory_bytes, room_bytes, priority, (source,), (folder,))
        memory = self._lanes[row.large].memory
        return TranscodeJob(source, row.name, folder, limits, settings, progress, self._tools, memory)

    def _progress_of(self, row: MediaRow) -> Callable[[int], Awaitable[None]]:
        """Return the callback that stores the progress in steps of a few percent."""
        stored = 0

        async def store(percent: int) -> None:
            nonlocal stored
            if percent >= stored + _PROGRESS_STEP:
                stored = percent
                with suppress(StorageBroken, StorageFull):  # it is for people to see; the work goes on without
                    await self._store.set_progress(row.id, percent)
                self._changed("media", row.id)

        return store
