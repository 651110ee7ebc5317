"""The service that looks at display, clock, release and problems, and records what changed.

It decides nothing and nothing waits for it. What changed since the last look is one transaction. While the disk fails,
changes stay in memory with their instants, and the newest ones are written once it works again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from player import __version__
from player.display import DisplayState
from player.evidence.history_log import Change
from player.evidence.ledger import Ledger
from player.history.changes import (
    ChangeLimit,
    ClockReading,
    clock_changes,
    problem_changes,
    release_change,
    screen_changes,
    screen_word,
    start_changes,
    stop_change,
)
from sync.errors import StorageBroken, StorageFull
from sync.runtime.clock import Clock, boot_id
from sync.wire.device_reports import Heartbeat

LOOK_EVERY_S = 1.0
REPORT_EVERY_S = 10.0
SETTLED_S = 60.0  # after a start parts of the player still find their problems
_MOST_PENDING = 1_000
_AT_ONE_INSTANT_S = 0.02

log = logging.getLogger(__name__)


class ScreenSource(Protocol):
    """The display."""

    def state(self) -> DisplayState:
        """Return the display as it was when it was last polled."""

    def was_dark_since(self, at_s: float) -> bool:
        """Tell whether the last poll, or any other one since this instant, found the monitor off or unplugged."""

    def was_unplugged_since(self, at_s: float) -> bool:
        """Tell whether the last poll, or any other one since this instant, found no monitor at the output."""


class HistoryWatch:
    """Records the history of one device id.

    `report` tells release and problems, as the origin hears them. `last` is the last sign of life of the run before.
    """

    def __init__(
        self,
        ledger: Ledger,
        display: ScreenSource,
        report: Callable[[], Awaitable[Heartbeat]],
        clock: Clock,
        last: datetime | None,
    ) -> None:
        self._ledger = ledger
        self._display = display
        self._report = report
        self._clock = clock
        self._last = last
        self._known: dict[str, str] | None = None  # how things were recorded last; None: not read yet
        self._of_looks, self._of_reports = ChangeLimit(), ChangeLimit()
        self._pending: list[Change] = []
        self._began: ClockReading | None = None
        self._looked_s = clock.monotonic()
        self._report_due_s = 0.0
        self._failing = False

    def wake(self) -> None:
        """Look at release and problems at the next look: another release is active."""
        self._report_due_s = 0.0

    async def run(self) -> None:
        """Look every second until cancelled; the end is recorded."""
        self._began = self._began or self._moment()
        try:
            while True:
                await self._look()
                await self._clock.sleep(LOOK_EVERY_S)
        except asyncio.CancelledError:
            await self._write([stop_change(__version__, self._moment())])
            raise

    async def _look(self) -> None:
        if self._known is None and not await self._begin():
            return
        known, moment, since_s = self._known or {}, self._moment(), self._looked_s
        self._looked_s = moment.mono_s
        dark = ""
        if self._display.was_dark_since(since_s):
            dark = "disconnected" if self._display.was_unplugged_since(since_s) else "off"
        looked = [
            *clock_changes(known.get("clock"), moment),
            *screen_changes(known.get("screen"), screen_word(self._display.state()), moment, was=dark),
        ]
        changes = self._of_looks.limited(looked, moment.mono_s)
        if moment.mono_s >= self._report_due_s:
            self._report_due_s = moment.mono_s + REPORT_EVERY_S
            changes += self._of_reports.limited(await self._reported(known, moment), moment.mono_s)
        await self._write(changes)

    async def _reported(self, known: dict[str, str], moment: ClockReading) -> list[Change]:
        report = await self._report()
        settled = self._began is not None and moment.mono_s - self._began.mono_s >= SETTLED_S
        changes: list[Change] = []
        if report.release is not None:
            changes += release_change(known.get("release"), report.release, report.sequence, moment)
        elif not settled:
            self.wake()  # it is being read from the disk, and a short run has it in its history, too
        if settled:
            changes += problem_changes(known, report.problems, moment)
        return changes

    async def _begin(self) -> bool:
        """Read how things were, and record the start; False: that cannot be read now."""
        assert self._began is not None
        try:
            await self._ledger.open_file()
            self._known = await self._ledger.history.states()
        except (StorageBroken, StorageFull) as error:
            self._failed(error)
            return False
        await self._write(list(start_changes(self._known.get("player"), self._last, __version__, self._began)))
        return True

    async def _write(self, changes: Sequence[Change]) -> None:
        if self._known is None:
            return
        for change in changes:
            for thing, state in change.things.items():
                if state is None:
                    self._known.pop(thing, None)
                else:
                    self._known[thing] = state
        self._pending = [*self._pending, *changes][-_MOST_PENDING:]
        if not self._pending:
            return
        writing, self._pending = self._pending, []  # a write that is cancelled may be on the disk all the same
        try:
            await self._ledger.history.write(writing)
        except (StorageBroken, StorageFull) as error:
            self._pending = writing
            self._failed(error)
            return
        if self._failing:
            log.info("history is written to disk again")
        self._failing = False

    def _failed(self, error: Exception) -> None:
        if not self._failing:
            log.error("history cannot be written to disk; it is kept in memory: %s", error)
        self._failing = True

    def _moment(self) -> ClockReading:
        """Read both clocks at one instant."""
        while True:
            before_s, at, after_s = self._clock.monotonic(), self._clock.now(), self._clock.monotonic()
            if after_s - before_s <= _AT_ONE_INSTANT_S:
                return ClockReading(at, before_s, boot_id(), self._clock.trust())
