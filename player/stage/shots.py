"""What the stage holds at a time: the shot on air and how it ends, and the shot that is loaded, or waits, aside."""

import asyncio
from dataclasses import dataclass, field

from player.protocol.deck_messages import DeckPulse, Ends, Load, Loaded
from player.protocol.screen import ON_TIME_S, Cut, Ended, Shot
from player.stage.deck_exit import DeckExit
from player.stage.deck_process import DeckProcess

_STEP_MS = 750  # a pulse comes five times a second, with a time that is half a second old at most

AT_ONCE = float("-inf")
"""The instant of a cut that is to wait for nothing."""


@dataclass(slots=True, eq=False)
class ShotOnAir:
    """The shot on the screen, or whose last picture is; made on the loop."""

    link: DeckProcess
    shot: Shot
    started_s: float
    ended: "asyncio.Future[Ended]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    ends: Ends | None = None  # as its deck plans it
    told: bool = False  # how it ended was handed out: nobody hears it twice
    said: DeckPulse | None = None  # by its deck, last
    said_s: float = 0.0
    frames_lost: int | None = None

    def media_ms(self, now_s: float) -> int | None:
        """Return where in its media it is: libVLC moves that in steps, the plan moves it in between."""
        if self.said is None or self.said.media_ms is None:
            return None
        most_ms = self.said.media_ms + _STEP_MS + min(_STEP_MS, round((now_s - self.said_s) * 1000))
        planned_ms = round((now_s - self.started_s) * 1000)
        return max(self.said.media_ms, min(planned_ms, most_ms, self.shot.length_ms or most_ms))

    def end(self, at_s: float, reason: str, *, failed: bool = False, deck_lost: bool = False) -> None:
        """Settle how it ended; the first reason stands."""
        if not self.ended.done():
            self.ended.set_result(
                Ended(
                    take=self.shot.take, started_s=self.started_s, ended_s=at_s, reason=reason,
                    failed=failed, deck_lost=deck_lost, frames_lost=self.frames_lost,
                )
            )  # fmt: skip

    def over_s(self, deadline_s: float | None) -> float | None:
        """Return when to cut away from it, at `deadline_s` at the latest; None while only its end will tell."""
        if self.ended.done():
            ended = self.ended.result()
            return AT_ONCE if ended.failed else ended.ended_s
        known = [at_s for at_s in (deadline_s, self.ends.at_s if self.ends else None) if at_s is not None]
        return min(known, default=None)

    def leave(self, at_s: float) -> Ended | None:
        """Return how it left the screen at `at_s`, unless that was told before; its deck may say so only now."""
        if self.ends and at_s >= self.ends.at_s:
            self.end(self.ends.at_s if at_s - self.ends.at_s <= ON_TIME_S else at_s, self.ends.reason)
        self.end(at_s, "cut")
        if self.told:
            return None
        self.told = True
        return self.ended.result()


@dataclass(slots=True, eq=False)
class ShotWaiting:
    """The shot prerolled aside; `lost` is set when its deck dies, `cut` when it was raised.

    `order_s` is the instant it was ordered for, if it was, and `due_s` when that order can be carried out.
    """

    link: DeckProcess
    shot: Shot
    lost: "asyncio.Future[DeckExit]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    order_s: float | None = None
    due_s: float = 0.0
    cut: Cut | None = None


async def load_shot(link: DeckProcess, shot: Shot, air: ShotOnAir | None, *, at_once: bool) -> Loaded:
    """Have `shot` loaded: rolling, if it is wanted at once or nothing is on air, or once what is there has failed.

    What just ends while it is being loaded is waited for: its last picture stands, and no frame of `shot` is lost.
    """
    if at_once or air is None or air.ended.done():
        return await link.load(shot, at_once=True)

    def hurry(ended: asyncio.Future[Ended]) -> None:
        if ended.result().failed:
            link.send(Load(shot=shot, at_once=True))

    air.ended.add_done_callback(hurry)
    try:
        return await link.load(shot)
    finally:
        air.ended.remove_done_callback(hurry)
