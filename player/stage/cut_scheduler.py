"""The order to cut: given to the prerolled deck ahead of its time, kept up to date, and taken back when cancelled.

The deck that waits raises its window at the instant the shot on air said it would end, so neither this process nor a
pipe lies between the two. What becomes of the screen is told by the decks alone (`player.stage.stage`).
"""

import asyncio
from collections.abc import Callable

from player.protocol.deck_messages import Show, ShowCancelled
from player.protocol.screen import Cut
from player.stage.deck_exit import DeckExit
from player.stage.deck_process import ANSWER_WITHIN_S, DeckProcess
from player.stage.shots import AT_ONCE, ShotWaiting
from sync.errors import DeckLost
from sync.runtime.clock import Clock


class CutScheduler:
    """Carries out one cut at a time; made on the loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stirred = asyncio.Event()
        self._taking_back: asyncio.Task[ShowCancelled | None] | None = None

    def wake(self) -> None:
        """Look again: a deck said something, or is gone."""
        self._stirred.set()

    async def cut(self, coming: ShotWaiting, due_s: Callable[[], float | None]) -> Cut:
        """Cut to `coming` when `due_s` says: an instant, `AT_ONCE`, or None while nobody knows; it may change its mind.

        Cancelled, it takes the order back, and returns the cut if that came too late.

        Raises:
            DeckLost: the deck is gone, or no longer holds the shot.
        """
        try:
            return await self._carry_out(coming, due_s)
        except asyncio.CancelledError:
            cut = await self.take_back(coming)
            if cut is None:
                raise
            return cut

    async def take_back(self, coming: ShotWaiting | None) -> Cut | None:
        """Have an order that was given stand no longer; return the cut if it was carried out before."""
        if coming and coming.order_s is not None and coming.cut is None:
            coming.order_s = None
            self._taking_back = asyncio.create_task(_hold(coming.link, coming.shot.take), name="take back")
        if self._taking_back:
            await asyncio.wait([self._taking_back])
        return coming.cut if coming else None

    async def _carry_out(self, coming: ShotWaiting, due_s: Callable[[], float | None]) -> Cut:
        while coming.cut is None:
            if coming.lost.done():
                raise DeckLost(f"the deck with take {coming.shot.take} is gone: {coming.lost.result().reason}")
            self._stirred.clear()
            at_s = due_s()
            if at_s is not None and at_s != coming.order_s:
                self._order(coming, at_s)
            await self._wait(coming)
        return coming.cut

    def _order(self, coming: ShotWaiting, at_s: float) -> None:
        coming.order_s = at_s
        coming.due_s = max(at_s, self._clock.monotonic())
        coming.link.send(Show(take=coming.shot.take, at_s=None if at_s == AT_ONCE else at_s))

    async def _wait(self, coming: ShotWaiting) -> None:
        """Wait until something changed; a deck that does not carry out its order in time hangs."""
        left_s = None
        if coming.order_s is not None:
            left_s = max(0.0, coming.due_s - self._clock.monotonic()) + ANSWER_WITHIN_S
        try:
            async with asyncio.timeout(left_s):
                await self._stirred.wait()
        except TimeoutError as error:
            coming.order_s = None
            coming.link.kill(DeckExit(f"no answer to show within {ANSWER_WITHIN_S:.0f} s", crashed=True))
            raise DeckLost(f"deck {coming.link.name} did not answer show; it is being replaced") from error


async def _hold(link: DeckProcess, take: str) -> ShowCancelled | None:
    try:
        return await link.hold(take)
    except DeckLost:
        return None  # it will show nothing any more; `_lost` has the rest
