"""Counts the days of devices whose plays changed: a service, and before each report what it needs."""

import asyncio
import logging
from itertools import groupby
from operator import itemgetter

from sync.errors import SignageError
from sync.origin.persistence.held_plays import Day
from sync.origin.proof.play_sums import ReleaseKnowledge, count_days
from sync.origin.store.reports.day_plays import DayPlays
from sync.origin.store.reports.new_plays import DaySums
from sync.origin.store.reports.play_sums import PlaySumStore, SumFilter
from sync.origin.tables.reports import ALL_DEVICES
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread

COUNT_EVERY_S = 60.0
"""Plays of a day are delivered all day long: it is counted once a minute, not with each delivery."""

DAYS_AT_ONCE = 4  # of one device, in one read: three that follow each other cost twice what one does
_MOST_DAYS = 1_000
_DAYS_IN_A_TRANSACTION = 200

log = logging.getLogger(__name__)


class DayCounter:
    """The service that counts."""

    def __init__(self, store: PlaySumStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._problem = ""

    async def run(self) -> None:
        """Count for ever."""
        while True:
            try:
                await self.count()
                self._log_problem("")
            except SignageError as error:
                self._log_problem(f"plays are not counted: {error}")
            await self._wait()

    async def _wait(self) -> None:
        """Return after a minute, or sooner when many plays have come."""
        waits = [asyncio.create_task(one) for one in (self._clock.sleep(COUNT_EVERY_S), self._store.many_came())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    async def count(self, selected: SumFilter | None = None) -> None:
        """Count all days that are stale, or those of a report.

        Raises:
            StorageBroken: the database cannot be used.
        """
        after: Day = (ALL_DEVICES, 0)
        while stale := await self._store.stale_days(selected, after, _MOST_DAYS):
            after, whole = stale[-1], list[Day]()
            while stale:
                added = await self._store.add(stale[:_DAYS_IN_A_TRANSACTION], _sums)
                whole += added.whole
                stale = [*added.later, *stale[_DAYS_IN_A_TRANSACTION:]]
                await self._clock.sleep(0)  # others are answered in between
            for device, days in groupby(whole, key=itemgetter(0)):
                for together in _neighbours([day for _, day in days]):
                    await self._count(await self._store.plays_of(device, together))
        await self._store.add_up(selected)
        if selected is None:
            self._store.all_counted()

    async def _count(self, plays: DayPlays) -> None:
        for day, count in (await in_thread(_sums, plays)).items():
            await self._store.keep(plays, day, count)
            await self._clock.sleep(0)

    def _log_problem(self, problem: str) -> None:
        if problem != self._problem:
            (log.error if problem else log.info)("%s", problem or "plays are counted again")
        self._problem = problem


def _neighbours(days: list[int]) -> list[list[int]]:
    """Return days in order as runs without gaps, each of `DAYS_AT_ONCE` at most."""
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1 and len(runs[-1]) < DAYS_AT_ONCE:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs


def _sums(plays: DayPlays) -> dict[int, DaySums]:
    """Return the sums of each day, and how long each hour shows something. It takes 0.2 s for a day of 10,000 plays."""
    known = plays.known
    releases = ReleaseKnowledge(known.places, known.contents)
    counted = count_days(plays.plays, plays.changes, known.rules, releases, known.judged)
    return {
        day: DaySums({key: (one.plays, one.rendered_ms, *one.hours) for key, one in count.sums.items()}, count.shown_ms)
        for day, count in counted.items()
    }
