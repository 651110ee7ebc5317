"""The order to cut: sent to the prerolled deck ahead of its time, updated, and cancelled with its caller.

The waiting deck raises its window by itself at the instant at which the shot on air is planned to end. So neither this
process nor a pipe can delay the cut. What is on the screen then is known from the decks' events (`player.stage.stage`).
A cut has no time limit: `DeckProcess` finds a deck that hangs by its silence. A limit would also end a deck that cut
while this process was stopped.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from player.protocol.deck_messages import Show
from player.protocol.stage_interface import Cut
from player.stage.deck_state import DeckExit
from player.stage.shots import IMMEDIATELY, WaitingShot
from sync.errors import DeckLost
from sync.runtime.clock import Clock


class CutScheduler:
    """Carries out one cut at a time; made on the loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._woken = asyncio.Event()
        self._cancelling: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Check the cut again: a deck sent an event, or is gone."""
        self._woken.set()

    async def cut(self, waiting: WaitingShot, due_s: Callable[[], float | None]) -> Cut:
        """Cut to `waiting` at `due_s()`: an instant, `IMMEDIATELY`, or None while it is unknown; it may change.

        If it is cancelled, the order is cancelled too; if that came too late, the cut is returned.

        Raises:
            DeckLost: the deck is gone, or no longer has the shot.
        """
        try:
            return await self._carry_out(waiting, due_s)
        except asyncio.CancelledError:
            cut = await self.cancel(waiting)
            if cut is None:
                raise
            return cut

    async def cancel(self, waiting: WaitingShot | None) -> Cut | None:
        """Cancel an order that was given; return the cut if it was carried out before."""
        if waiting and waiting.order_s is not None and waiting.cut is None:
            waiting.order_s = None
            self._cancelling = asyncio.create_task(_cancel_show(waiting), name="cancel cut")
        if self._cancelling:
            await asyncio.wait([self._cancelling])
        return waiting.cut if waiting else None

    async def _carry_out(self, waiting: WaitingShot, due_s: Callable[[], float | None]) -> Cut:
        while waiting.cut is None:
            if isinstance(waiting.result, DeckExit):
                raise DeckLost(f"the deck with take {waiting.shot.take} is gone: {waiting.result.reason}")
            self._woken.clear()
            at_s = due_s()
            if at_s is not None and at_s != waiting.order_s:
                self._order(waiting, at_s)
            await self._woken.wait()
        return waiting.cut

    def _order(self, waiting: WaitingShot, at_s: float) -> None:
        waiting.order_s = at_s
        waiting.due_s = max(at_s, self._clock.monotonic())
        waiting.deck.send(Show(take=waiting.shot.take, at_s=None if at_s == IMMEDIATELY else at_s))


async def _cancel_show(waiting: WaitingShot) -> None:
    with suppress(DeckLost):  # then it shows nothing any more, and the stage hears of its exit
        await waiting.deck.cancel_show(waiting.shot.take)
