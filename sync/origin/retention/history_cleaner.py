"""Removes old entries of the audit log and old versions of plans, if they are not to be kept for ever."""

import logging
from collections.abc import Awaitable, Callable

from sync.errors import SignageError
from sync.origin.planning.venue_days import DAY_MS
from sync.origin.store.audit.old_history import OldHistoryStore
from sync.recurring_problem import RecurringProblem
from sync.runtime.clock import Clock, unix_ms

LOOK_EVERY_S = 3_600.0

log = logging.getLogger(__name__)


class HistoryCleaner:
    """The service; with 0 days nothing is removed. It cuts at the beginning of a day in UTC."""

    def __init__(self, store: OldHistoryStore, clock: Clock, *, entries_days: int, versions_days: int) -> None:
        self._store = store
        self._clock = clock
        self._entries_days = entries_days
        self._versions_days = versions_days
        self._problem = RecurringProblem(clock, log, "old history is not removed", "old history is removed again")

    async def run(self) -> None:
        """Remove for ever."""
        while True:
            try:
                await self.clear()
            except SignageError as error:
                self._problem.occurred(str(error))
            else:
                self._problem.cleared()
            await self._clock.sleep(LOOK_EVERY_S)

    async def clear(self) -> None:
        """Remove all that is old by now.

        Raises:
            StorageFull: there is no room to say so.
            StorageBroken: the database cannot be used.
        """
        if self._versions_days:
            removed = await self._all(self._store.remove_versions, self._before_ms(self._versions_days))
            if removed:
                log.info("versions=%s of plans removed", removed)
        if self._entries_days:
            before_ms = self._before_ms(self._entries_days)
            if await self._store.note_cut(before_ms):
                removed = await self._all(self._store.remove_entries, before_ms)
                log.info("entries=%s of the audit log removed", removed)

    def _before_ms(self, days: int) -> int:
        return (unix_ms(self._clock.now()) // DAY_MS - days) * DAY_MS

    async def _all(self, remove: Callable[[int], Awaitable[int]], before_ms: int) -> int:
        removed = 0
        while count := await remove(before_ms):
            removed += count
            await self._clock.sleep(0)  # others change something in between
        return removed
