"""Clears away what nobody needs any more, so that the disk of an origin does not fill up in a year.

In this order: releases, then the rows of assets, then their files. So nothing that lies in the tree ever names what is
gone, and a crash in between leaves files nothing knows, which the next look finds again.
"""

import logging
from collections.abc import Callable

from sync.errors import Conflict, NotFound, Rejected, StorageBroken, StorageFull
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.upload_file import lock_upload
from sync.origin.retention.scanner import ContentScanner, Figures, ScanResult
from sync.origin.store.media import MediaState, MediaStore
from sync.origin.store.retention import RetentionStore
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread

SCAN_EVERY_S = 3_600.0
RETRY_WHEN_BUSY_S = 5.0  # somebody publishes or takes media in: come back so much later
BATCH_FILES = 2_000  # files of a kind: those who publish wait no longer than their removal takes
PAUSE_S = 0.1  # between two rounds, for those who wait

log = logging.getLogger(__name__)


class Cleaner:
    """Looks and clears; `looked(figures, cleared_bytes)` follows each round, `dry_run` only looks."""

    def __init__(
        self,
        survey: ContentScanner,
        store: RetentionStore,
        media: MediaStore,
        files: DataFolder,
        clock: Clock,
        *,
        dry_run: bool,
        looked: Callable[[Figures, int], None],
    ) -> None:
        self._survey = survey
        self._store = store
        self._media = media
        self._files = files
        self._clock = clock
        self.dry_run = dry_run
        self._looked = looked
        self._problem = ""

    async def run(self) -> None:
        """Clear for ever."""
        while True:
            wait_s = SCAN_EVERY_S
            try:
                await (self.report() if self.dry_run else self.clear())
                self._log_problem("")
            except Conflict:
                wait_s = RETRY_WHEN_BUSY_S
            except (StorageBroken, StorageFull) as error:
                self._log_problem(f"nothing is cleared away: {error}")
            await self._clock.sleep(wait_s)

    async def report(self) -> Figures:
        """Return what lies there and what would go, changing nothing.

        Raises:
            StorageBroken: a release in force cannot be read, so nobody knows what is needed.
        """
        figures = (await self._survey.scan()).figures
        self._looked(figures, 0)
        return figures

    async def clear(self) -> Figures:
        """Take away all that is over; return what is left.

        Raises:
            Conflict: somebody adds content at this moment.
            Rejected: it is told only to look.
            StorageBroken: a release in force cannot be read, or the disk refuses; nothing needed is gone.
        """
        if self.dry_run:
            raise Rejected("nothing is cleared away while retention.dry_run is set", fields={"dry_run": "is set"})
        while await self._clear_some():
            await self._clock.sleep(PAUSE_S)
        return await self.report()

    async def _clear_some(self) -> bool:
        """Take away as much as may be at once; tell whether there is more."""
        with self._files.clearing_content() as held:
            found = await self._survey.scan()
            await self._carry_out(found, held)
        return max(len(found.releases), len(found.other_files)) > BATCH_FILES

    async def _carry_out(self, found: ScanResult, held: int) -> None:
        releases = found.releases[:BATCH_FILES]
        others = found.other_files[:BATCH_FILES] if releases == found.releases else ()
        await in_thread(self._files.remove, [stray.path for stray in releases], held)
        await self._store.mark_unneeded(found.assets.needed_again, found.assets.newly_unneeded)
        await self._store.mark_orphans(found.orphans.needed_again, found.orphans.newly_unneeded)
        later = {stray.path.name for stray in found.other_files} - {stray.path.name for stray in others}
        await self._store.delete_assets(tuple(sha256 for sha256 in found.assets.expired if sha256 not in later))
        await in_thread(self._files.remove, [stray.path for stray in others], held)
        for media_id in found.failed_media:
            await self._drop_source(media_id)
        gone_bytes = sum(stray.size_bytes for stray in (*releases, *others))
        if releases or others:
            log.info("cleared=%s files bytes=%s that nobody needs", len(releases) + len(others), gone_bytes)
        self._looked(found.figures, gone_bytes)

    async def _drop_source(self, media_id: str) -> None:
        source = self._files.source_path(media_id)
        try:
            with lock_upload(source):
                if (await self._media.get(media_id)).state is MediaState.FAILED:
                    source.unlink(missing_ok=True)
                    log.info("media=%s failed long ago: what was sent is gone", media_id)
        except (Conflict, NotFound):
            return  # a person has it tried again, or deletes it, this moment

    def _log_problem(self, problem: str) -> None:
        if problem != self._problem:
            (log.error if problem else log.info)("%s", problem or "what nobody needs is cleared away again")
        self._problem = problem
