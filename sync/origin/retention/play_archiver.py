"""Moves the documents of plays of past days into Parquet files, one day after the other.

The order is: the file, the manifest of its day, then the rows. A crash in between leaves rows with their documents, and
at worst a file that the manifest names already: its plays are attached to it before the next day is written. So no play
comes into two files, and no document is lost.
"""

import logging
from collections.abc import Iterator
from typing import Any

from sync.errors import SignageError
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.play_files import INSTALL, FileOfDay, can_archive
from sync.origin.planning.venue_days import DAY_MS, date_of
from sync.origin.store.days.archived_plays import ArchiveStore
from sync.runtime.clock import Clock, unix_ms
from sync.runtime.threads import in_thread

LOOK_EVERY_S = 3_600.0

log = logging.getLogger(__name__)


class PlayArchiver:
    """The service; with `after_days` of 0 it only attaches what is in files already."""

    def __init__(self, database: OriginDatabase, clock: Clock, after_days: int) -> None:
        self._database = database
        self._store = ArchiveStore(database)
        self._files = database.play_files
        self._clock = clock
        self._after_days = after_days
        self._problem = ""

    async def run(self) -> None:
        """Archive for ever."""
        while True:
            try:
                if self._after_days and not can_archive():
                    self._log_problem(f"plays stay in the database, for DuckDB is not installed: {INSTALL}")
                else:
                    await self.archive()
                    self._log_problem("")
            except SignageError as error:
                self._log_problem(f"plays are not archived: {error}")
            await self._clock.sleep(LOOK_EVERY_S)

    async def archive(self) -> None:
        """Archive all days that are due.

        Raises:
            StorageFull: there is no room.
            StorageBroken: the database, a file or DuckDB cannot be used.
        """
        await self._finish()
        if not self._after_days:
            return
        today = unix_ms(self._clock.now()) // DAY_MS
        for day in await self._store.days_due(today - self._after_days - 1):
            async with self._database.turn("archive of plays"):
                await self._archive(day)

    async def _archive(self, day: int) -> None:
        due = await self._store.devices_due(day)
        await in_thread(self._files.begin, date_of(day))
        for device in due:
            rows = await self._store.rows(device, day)
            if rows:
                await in_thread(self._files.append, date_of(day), rows)
        made = await in_thread(self._files.finish, date_of(day))
        if made is not None:
            await self._attach(made)
            log.info("day=%s plays are archived in %s.parquet", made.day, made.sha256)
        await self._store.note_archived(day, due)

    async def _finish(self) -> None:
        """Attach plays to the files of which the database does not know it: after a crash, or from an older backup."""
        finished = await self._store.finished()
        for day in await in_thread(self._files.days):
            for one in await in_thread(self._files.manifest, day):
                if one.sha256 not in finished:
                    await self._attach(FileOfDay(day, one.sha256))

    async def _attach(self, file: FileOfDay) -> None:
        archive, parts = await self._store.begin(file), self._files.rows(file)
        while rows := await in_thread(_next, parts):
            await self._store.attach(archive, rows)
            await self._clock.sleep(0)  # others are answered in between
        await self._store.finish(archive)

    def _log_problem(self, problem: str) -> None:
        if problem != self._problem:
            (log.error if problem else log.info)("%s", problem or "plays are archived again")
        self._problem = problem


def _next(parts: Iterator[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return next(parts, [])
