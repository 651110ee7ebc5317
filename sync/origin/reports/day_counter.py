"""Counts the days of devices whose plays changed: a service, and before each report what it needs."""

import logging

from sync.errors import SignageError
from sync.origin.persistence.report_tables import HOURS
from sync.origin.proof.play_sums import PlayRow, ReleaseKnowledge, count_days
from sync.origin.store.reports.play_sums import DayPlays, PlaySumStore, SumFilter
from sync.runtime.clock import Clock
from sync.runtime.threads import in_thread

COUNT_EVERY_S = 60.0
"""Plays of a day are delivered all day long: it is counted once a minute, not with each delivery."""

DAYS_AT_ONCE = 4  # of one device, in one read: three that follow each other cost twice what one does
_MOST_DAYS = 1_000

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
            await self._clock.sleep(COUNT_EVERY_S)

    async def count(self, selected: SumFilter | None = None) -> None:
        """Count all days that are stale, or those of a report.

        Raises:
            StorageBroken: the database cannot be used.
        """
        more = True
        while more:
            stale = await self._store.stale_days(selected, _MOST_DAYS)
            for device, days in stale:
                for together in _neighbours(days):
                    await self._count(await self._store.plays_of(device, together))
            more = sum(len(days) for _, days in stale) == _MOST_DAYS  # what changed meanwhile waits for the next time
        await self._store.add_up(selected)

    async def _count(self, plays: DayPlays) -> None:
        for day, (rows, shown_ms) in (await in_thread(_sums, plays)).items():
            await self._store.keep(plays.device, day, plays.changes[day], rows, shown_ms)
            await self._clock.sleep(0)  # others are answered in between

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


def _sums(plays: DayPlays) -> dict[int, tuple[list[dict[str, object]], list[int]]]:
    """Return the rows of each day, and how long each hour shows something. It takes 0.2 s for a day of 10,000 plays."""
    stored = (PlayRow(*row) for row in plays.rows)
    counted = count_days(stored, plays.changes, plays.rules, ReleaseKnowledge(plays.places, plays.contents))
    return {
        day: (
            [
                key._asdict()
                | {"plays": one.plays, "rendered_ms": one.rendered_ms, **dict(zip(HOURS, one.hours, strict=True))}
                for key, one in count.sums.items()
            ],
            count.shown_ms,
        )
        for day, count in counted.items()
    }
