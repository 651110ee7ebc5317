"""Makes media ready for the screen: queued → processing → ready | failed, one child process per media at a time.

Each media is worked on in a folder of its own below `work/`; what was made goes into the content tree leaf first, then
the row changes. So a crash anywhere leaves a media that is queued again, and nothing half-made that anyone could see.
An attempt counts when it begins: a file that takes the whole origin down does so at most `TRIES` times.
"""

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from sync.errors import Conflict, NotFound, StorageBroken, StorageFull
from sync.origin.ingest.asset_builder import build_asset, store_asset
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.upload_file import lock_upload
from sync.origin.settings.model import OriginConfiguration
from sync.origin.store.media import MediaRow, MediaState, MediaStore
from sync.origin.transcode.probe import BadMedia
from sync.origin.transcode.sandbox import ChildStopped, Limits
from sync.origin.transcode.video import MadeMedia
from sync.runtime.clock import Backoff, Clock, unix_ms
from sync.runtime.durable_files import copy_durably, move_durably
from sync.wire.content_paths import asset_path
from sync.wire.release import Asset

MAX_ATTEMPTS = 3
_LOOK_EVERY_S = 15.0  # another origin on the same database may have queued something
_LONGEST_WAIT_S = 300.0
_PROGRESS_STEP = 5

_TOO_HARD = "This file needs more time or memory than is allowed: send it smaller or shorter."
_NO_ROOM = "The server has no room left to process this file: free some space and try again."
_DISK = "The server could not read or write its disk while processing this file: try again."
_CRASHED = "Processing this file stopped unexpectedly several times: try again, or send it in another format."
_GONE = "The sent file is no longer there: send it again."

log = logging.getLogger(__name__)


class Pipeline:
    """The service that works the queue; `wake` after something was queued, `changed("media", id)` tells pages."""

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
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look into the queue now."""
        self._woken.set()

    async def run(self) -> None:
        """Pick up what a crash left, then work for ever."""
        await self.recover()
        slots = asyncio.Semaphore(self._settings.pipeline.workers)
        async with asyncio.TaskGroup() as tasks:
            while True:
                await slots.acquire()
                self._woken.clear()
                row = await self._store.claim()
                if row is None:
                    slots.release()
                    await self._rest()
                else:
                    tasks.create_task(self._work(row, slots))

    async def recover(self) -> None:
        """Queue again what was at work when an origin died, and remove the folders it worked in."""
        for row in await self._store.in_states(states=[MediaState.PROCESSING]):
            try:
                with lock_upload(self._files.source_path(row.id)):
                    await self._put_back(row)
            except Conflict:
                continue  # another origin is at it
            except NotFound:
                await self._fail(row, _GONE)
        folders = list(self._files.work.iterdir())  # first: another origin may begin with a media after we asked
        known = {row.id for row in await self._store.in_states(states=[MediaState.PROCESSING])}
        for folder in folders:
            if folder.name not in known:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _put_back(self, row: MediaRow) -> None:
        log.warning("media=%s was at work when the origin stopped, attempt %s", row.id, row.attempts)
        if row.attempts >= MAX_ATTEMPTS:
            await self._fail(row, _CRASHED)
        else:
            await self._store.requeue(row.id, problem=None, wait_s=0.0, count=True)
            self._changed("media", row.id)

    async def _rest(self) -> None:
        """Wait until woken, the next media is due, or it is time to look for other origins' work."""
        due_ms = await self._store.next_attempt_ms()
        now_ms = unix_ms(self._clock.now())
        wait_s = _LOOK_EVERY_S if due_ms is None else min(_LOOK_EVERY_S, max(0.01, (due_ms - now_ms) / 1000))
        waits = [asyncio.ensure_future(self._woken.wait()), asyncio.ensure_future(self._clock.sleep(wait_s))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _work(self, row: MediaRow, slots: asyncio.Semaphore) -> None:
        folder = self._files.work / row.id
        self._changed("media", row.id)
        try:
            with lock_upload(self._files.source_path(row.id)):
                await self._attempt(row, folder)
        except NotFound:
            await self._fail(row, _GONE)
        except asyncio.CancelledError:  # we are stopped, not the file's fault: the attempt does not count
            await self._store.requeue(row.id, problem=None, wait_s=0.0, count=False)
            raise
        except Conflict as error:
            log.warning("media=%s is held elsewhere: %s", row.id, error)
            await self._store.requeue(row.id, problem=None, wait_s=_LOOK_EVERY_S, count=False)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            slots.release()
        self._changed("media", row.id)

    async def _attempt(self, row: MediaRow, folder: Path) -> None:
        try:
            if not await self._share(row):
                folder.mkdir(parents=True, exist_ok=True)
                source, limits = self._files.source_path(row.id), self._limits()
                made = await build_asset(source, row.name, folder, limits, self._settings.pipeline, self._progress(row))
                await self._publish(row, made)
        except BadMedia as error:
            await self._fail(row, str(error))
        except ChildStopped as error:
            await self._retry(row, error, _TOO_HARD)
        except StorageFull as error:
            await self._retry(row, error, _NO_ROOM)
        except (StorageBroken, OSError) as error:
            await self._retry(row, error, _DISK)

    async def _share(self, row: MediaRow) -> bool:
        """Take over the asset of a media made from the same bytes; False if there is none, or not all of it."""
        async with self._files.adding_content(self._clock):
            twin = await self._store.find_duplicate(row)
            if twin is None or twin.asset is None or not (self._files.content / asset_path(twin.asset.sha256)).exists():
                return False
            try:
                await asyncio.to_thread(
                    copy_durably, self._files.thumbnail_path(twin.id), self._files.thumbnail_path(row.id)
                )
            except StorageBroken:
                return False  # the twin is being deleted: do the work again
            await self._done(row, twin.asset)
            return True

    async def _publish(self, row: MediaRow, made: MadeMedia) -> None:
        """Put the asset and its index into the content tree, leaf first, then the small picture, then the row."""
        async with self._files.adding_content(self._clock):
            asset = await asyncio.to_thread(store_asset, self._files, made)
            await asyncio.to_thread(move_durably, made.thumbnail, self._files.thumbnail_path(row.id))
            await self._done(row, asset)

    async def _done(self, row: MediaRow, asset: Asset) -> None:
        if not await self._store.mark_ready(row.id, asset):
            self._files.thumbnail_path(row.id).unlink(missing_ok=True)  # deleted while we worked
        self._files.source_path(row.id).unlink(missing_ok=True)
        log.info("media=%s ready asset=%s bytes=%s", row.id, asset.sha256, asset.size_bytes)

    async def _fail(self, row: MediaRow, problem: str) -> None:
        """End with a bad file: its bytes are of no more use."""
        log.info("media=%s failed: %s", row.id, problem)
        await self._store.mark_failed(row.id, problem)
        self._files.source_path(row.id).unlink(missing_ok=True)
        self._changed("media", row.id)

    async def _retry(self, row: MediaRow, error: Exception, problem: str) -> None:
        """Try again later, or give up and keep the bytes, so that a person can have it tried again."""
        log.warning("media=%s attempt %s of %s failed: %s", row.id, row.attempts, MAX_ATTEMPTS, error)
        if row.attempts >= MAX_ATTEMPTS:
            await self._store.mark_failed(row.id, problem)
            return
        backoff = Backoff(
            first_s=self._settings.pipeline.retry_first_s * 2 ** (row.attempts - 1),
            limit_s=_LONGEST_WAIT_S,
            rng=self._rng,
        )
        await self._store.requeue(row.id, problem=problem, wait_s=backoff.next_s(), count=True)

    def _limits(self) -> Limits:
        pipeline = self._settings.pipeline
        room = self._files.free_bytes() - self._settings.storage.reserve_bytes
        if room <= 0:
            raise StorageFull("the disk is as full as the reserve allows")
        return Limits(pipeline.longest_s, pipeline.memory_bytes, room)

    def _progress(self, row: MediaRow) -> Callable[[int], Awaitable[None]]:
        told = 0

        async def tell(percent: int) -> None:
            nonlocal told
            if percent >= told + _PROGRESS_STEP:
                told = percent
                await self._store.set_progress(row.id, percent)
                self._changed("media", row.id)

        return tell
