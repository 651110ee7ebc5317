"""Deletes content that nothing needs any more, so that the origin's disk does not fill up over the years.

The order is: releases, then the rows of assets, then their files. So nothing in the content tree ever refers to a file
that is deleted. After a crash in between some files are orphans, which the next scan finds.
"""

import logging
from collections.abc import Callable

from sync.errors import Conflict, NotFound, Rejected, StorageBroken, StorageFull
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.upload_file import lock_upload
from sync.origin.retention.scanner import ContentScanner, Figures, ScanResult
from sync.origin.store.media.media import MediaStore
from sync.origin.store.media.media_rows import MediaState
from sync.origin.store.media.retention import RetentionStore
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread

SCAN_EVERY_S = 3_600.0
RETRY_WHEN_BUSY_S = 5.0  # content is being added at the moment
BATCH_FILES = 2_000  # of a kind: a publisher waits no longer than the deletion of one batch takes
PAUSE_S = 0.1  # between two batches, so that publishers can go on

log = logging.getLogger(__name__)


class Cleaner:
    """The service that scans and deletes.

    `scanned(figures, deleted_bytes)` is called after each scan. With `dry_run` it only scans.
    """

    def __init__(
        self,
        scanner: ContentScanner,
        store: RetentionStore,
        media: MediaStore,
        files: DataFolder,
        clock: Clock,
        *,
        dry_run: bool,
        scanned: Callable[[Figures, int], None],
    ) -> None:
        self._scanner = scanner
        self._store = store
        self._media = media
        self._files = files
        self._clock = clock
        self.dry_run = dry_run
        self._scanned = scanned
        self._problem = ""

    async def run(self) -> None:
        """Scan and delete for ever."""
        while True:
            wait_s = SCAN_EVERY_S
            try:
                await (self.report() if self.dry_run else self.clear())
                self._log_problem("")
            except Conflict:
                wait_s = RETRY_WHEN_BUSY_S
            except (StorageBroken, StorageFull) as error:
                self._log_problem(f"unneeded content is not deleted: {error}")
            await self._clock.sleep(wait_s)

    async def report(self) -> Figures:
        """Return which files are there and how many may be deleted; this changes nothing.

        Raises:
            StorageBroken: a release in force cannot be read, so it is unknown what is needed.
        """
        figures = (await self._scanner.scan()).figures
        self._scanned(figures, 0)
        return figures

    async def clear(self) -> Figures:
        """Delete everything whose grace period is over; return what remains.

        Raises:
            Conflict: content is being added at this moment.
            Rejected: `dry_run` is set.
            StorageBroken: a release in force cannot be read, or the disk refuses; nothing needed is deleted.
        """
        if self.dry_run:
            raise Rejected("nothing is deleted while retention.dry_run is set", fields={"dry_run": "is set"})
        while await self._clear_batch():
            await self._clock.sleep(PAUSE_S)
        return await self.report()

    async def _clear_batch(self) -> bool:
        """Delete one batch; tell whether there is more."""
        with self._files.clearing_content() as lock:
            found = await self._scanner.scan()
            await self._delete(found, lock)
        return max(len(found.releases), len(found.other_files)) > BATCH_FILES

    async def _delete(self, found: ScanResult, lock: int) -> None:
        releases = found.releases[:BATCH_FILES]
        other_files = found.other_files[:BATCH_FILES] if releases == found.releases else ()
        await in_thread(self._files.remove, [file.path for file in releases], lock)
        await self._store.mark_unneeded(found.assets.needed_again, found.assets.newly_unneeded)
        await self._store.mark_orphans(found.orphans.needed_again, found.orphans.newly_unneeded)
        later = {file.path.name for file in found.other_files} - {file.path.name for file in other_files}
        await self._store.delete_assets(tuple(sha256 for sha256 in found.assets.expired if sha256 not in later))
        await in_thread(self._files.remove, [file.path for file in other_files], lock)
        for media_id in found.failed_media:
            await self._delete_source(media_id)
        deleted_bytes = sum(file.size_bytes for file in (*releases, *other_files))
        if releases or other_files:
            log.info("deleted=%s unneeded files bytes=%s", len(releases) + len(other_files), deleted_bytes)
        self._scanned(found.figures, deleted_bytes)

    async def _delete_source(self, media_id: str) -> None:
        source = self._files.source_path(media_id)
        try:
            with lock_upload(source):
                if (await self._media.get(media_id)).state is MediaState.FAILED:
                    source.unlink(missing_ok=True)
                    log.info("media=%s its sent bytes are deleted: it failed long ago", media_id)
        except (Conflict, NotFound):
            return  # a person retries or deletes the media at this moment

    def _log_problem(self, problem: str) -> None:
        if problem != self._problem:
            (log.error if problem else log.info)("%s", problem or "unneeded content is deleted again")
        self._problem = problem
