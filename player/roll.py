"""What the stage holds at a time: the shot on air and how it ended, and the shot that waits aside."""

import asyncio
from dataclasses import dataclass, field

from player.link import Link, Loss
from player.screen import Ended, Shot


@dataclass(slots=True, eq=False)
class OnAir:
    """The shot on the screen, or whose last picture is; made on the loop."""

    link: Link
    shot: Shot
    started_s: float
    ended: "asyncio.Future[Ended]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    told: bool = False  # how it ended was handed out: nobody hears it twice
    media_ms: int | None = None
    still_ms: int | None = None
    black_ms: int | None = None
    frames_lost: int | None = None

    def end(self, at_s: float, reason: str, *, failed: bool = False, deck_lost: bool = False) -> None:
        """Settle how it ended; the first reason stands."""
        if not self.ended.done():
            self.ended.set_result(
                Ended(
                    take=self.shot.take, started_s=self.started_s, ended_s=at_s, reason=reason,
                    failed=failed, deck_lost=deck_lost, frames_lost=self.frames_lost,
                )
            )  # fmt: skip

    def leave(self, at_s: float) -> Ended | None:
        """Return how it left the screen at `at_s`, unless that was told before."""
        self.end(at_s, "cut")
        if self.told:
            return None
        self.told = True
        return self.ended.result()


@dataclass(slots=True, eq=False)
class Waiting:
    """The shot prerolled aside; `lost` is set when its deck dies."""

    link: Link
    shot: Shot
    lost: "asyncio.Future[Loss]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
