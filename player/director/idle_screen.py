"""What happens while there is nothing to cut to: what is on runs out, the fallback shows, a hold lasts."""

import asyncio
import logging

from player.director.air_state import Dark, Showing
from player.director.operator_queue import OperatorQueue, ScreenHold
from player.director.take_tracker import TakeTracker
from player.programme.planner import Idle
from player.protocol.screen import Screen
from sync.errors import ScreenFailed
from sync.runtime.clock import Clock
from sync.runtime.waiting import wait_unless

log = logging.getLogger(__name__)


class IdleScreen:
    """Waits in the right picture; each wait ends when its time is over or at a nudge, and then one decides again."""

    def __init__(
        self, screen: Screen, air: TakeTracker, orders: OperatorQueue, nudge: asyncio.Event, clock: Clock
    ) -> None:
        self._screen = screen
        self._air = air
        self._orders = orders
        self._nudge = nudge
        self._clock = clock

    async def idle(self, idle: Idle) -> None:
        """Let what is on run out, then show the fallback, until something may have changed."""
        idle_s = (idle.until - self._clock.now()).total_seconds()
        if isinstance(self._air.state, Showing):
            await self._run_out(idle, idle_s)
            return
        if not isinstance(self._air.state, Dark) or self._air.state.kind != "fallback":
            await self._screen.clear()
        self._air.set_dark("fallback", idle.why, None)
        await wait_unless(self._clock.sleep(idle_s), self._nudge.wait())

    async def hold(self, hold: ScreenHold) -> None:
        """Keep the programme off the screen until the hold is over or lifted."""
        state = self._air.state
        if not isinstance(state, Dark) or state.kind != hold.kind:
            ended = await (self._screen.blank() if hold.kind == "blank" else self._screen.clear())
            await self._air.take_ended(ended, ordered=True)
        self._air.set_dark(hold.kind, hold.why, hold.until)
        await wait_unless(self._clock.sleep(hold.until_s - self._clock.monotonic()), self._nudge.wait())
        self._orders.expire(self._clock.monotonic())

    async def _run_out(self, idle: Idle, idle_s: float) -> None:
        within_s, due = min(idle_s, self._leaves_s()), False
        try:
            ended = await wait_unless(self._screen.ended(), self._nudge.wait(), self._clock.sleep(within_s))
            due = ended is None and self._leaves_s() <= 0
            if due:
                ended = await self._screen.clear()
            elif ended is None:
                return
        except ScreenFailed as error:
            log.warning("what was on air is lost: %s", error)
            ended = None
        await self._air.take_ended(ended, ordered=self._orders.urgent)
        self._orders.drop()
        if due:
            self._air.set_dark("fallback", idle.why, None)

    def _leaves_s(self) -> float:
        leaves_s = 0.0 if self._orders.urgent else self._air.leaves_in_s(self._clock.now())
        return float("inf") if leaves_s is None else leaves_s
