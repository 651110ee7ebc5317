"""What the screen does while no take can follow: the take on air plays to its end, the fallback shows, a hold lasts."""

import asyncio
import logging

from player.director.air_state import OffAir, Showing
from player.director.operator_queue import OperatorQueue, ScreenHold
from player.director.take_tracker import TakeTracker
from player.protocol.stage_interface import Screen
from sync.errors import ScreenFailed
from sync.programme.next_take import Idle
from sync.runtime.clock import Clock
from sync.runtime.waiting import wait_unless

log = logging.getLogger(__name__)


class IdleScreen:
    """Shows the right picture and waits. Each wait ends with its time or with `changed`; the director decides again."""

    def __init__(
        self, screen: Screen, tracker: TakeTracker, queue: OperatorQueue, changed: asyncio.Event, clock: Clock
    ) -> None:
        self._screen = screen
        self._tracker = tracker
        self._queue = queue
        self._changed = changed
        self._clock = clock

    async def wait(self, idle: Idle) -> None:
        """Let the take on air play to its end, then show the fallback, until something may have changed."""
        idle_s, state = (idle.until - self._clock.now()).total_seconds(), self._tracker.state
        if isinstance(state, Showing) and not state.over:
            await self._play_out(idle, idle_s)
            return
        if not isinstance(state, OffAir) or state.kind != "fallback":
            await self.clear()
        self._tracker.set_off_air("fallback", idle.why, None)
        self._queue.nothing_follows()
        await wait_unless(self._clock.sleep(idle_s), self._changed.wait())

    async def clear(self) -> None:
        """Take the last picture of a take that is over off the screen."""
        await self._tracker.take_ended(await self._screen.clear())

    async def hold(self, hold: ScreenHold) -> None:
        """Keep the programme off the screen until the hold is over or replaced."""
        state = self._tracker.state
        if not isinstance(state, OffAir) or state.kind != hold.kind:
            ended = await (self._screen.blank() if hold.kind == "blank" else self._screen.clear())
            await self._tracker.take_ended(ended, ordered=True)
        self._tracker.set_off_air(hold.kind, hold.why, hold.until)
        self._queue.in_effect(hold)
        await wait_unless(self._clock.sleep(hold.until_s - self._clock.monotonic()), self._changed.wait())
        self._queue.expire(self._clock.monotonic())

    async def _play_out(self, idle: Idle, idle_s: float) -> None:
        # An order that comes while this waits does not count: the director decides first what follows it.
        order, urgent = self._queue.order, self._queue.urgent
        within_s = min(idle_s, self._cut_in_s(urgent=urgent))
        try:
            ended = await wait_unless(self._screen.ended(), self._changed.wait(), self._clock.sleep(within_s))
        except ScreenFailed as error:
            log.warning("the take on air is lost: %s", error)
            await self._tracker.take_ended(None)
        else:
            if ended is not None:
                await self._tracker.take_over(ended)
            elif self._cut_in_s(urgent=urgent) <= 0:
                await self._tracker.take_ended(await self._screen.clear(), ordered=urgent)
                self._tracker.set_off_air("fallback", idle.why, None)
            else:
                return
        self._queue.ended(order)

    def _cut_in_s(self, *, urgent: bool) -> float:
        cut_s = 0.0 if urgent else self._tracker.cut_in_s(self._clock.now())
        return float("inf") if cut_s is None else cut_s
