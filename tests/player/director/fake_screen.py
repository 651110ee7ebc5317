"""A fake screen: it shows nothing, checks the protocol `player.protocol.stage_interface.Screen`, fails when told to."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from player.protocol.stage_interface import Cut, Ended, Shot
from sync.errors import DeckLost, MediaUnplayable
from tests.fakes import FakeClock

NEVER_S = 1e9


@dataclass(frozen=True)
class PictureChange:
    """One change of the picture to a shot, to `fallback` or to `blank`."""

    at: datetime
    picture: str
    shot: Shot | None = None


class FakeScreen:
    """Shots end by the clock, or by `finish`, `fail` and `lose_deck`. Videos are as long as `lengths_ms` says."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._on_air: Shot | None = None
        self._started_s = 0.0
        self._left_s: float | None = None  # when the picture of the shot on air went with its deck
        self._ended: asyncio.Future[Ended] | None = None
        self._next: Shot | None = None
        self._next_lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._cutting = False
        self._shown: list[Ended] = []
        self.changes: list[PictureChange] = []
        self.lengths_ms: dict[str, int] = {}  # path to ms
        self.unplayable: set[str] = set()  # paths that cannot be prerolled
        self.decks_to_lose = 0  # so many prerolls fail because their deck is gone
        self.still_ms = 0  # how long the picture of the shot on air stood, as the deck saw it
        self.covered = False  # a window of another program was over it
        self.load_time_s = 0.0  # how long a preroll takes
        self.prerolls: list[Shot] = []
        self.at_once: list[bool] = []  # for each of them, whether it was wanted at once
        self.tuned: list[tuple[str, int]] = []

    async def preroll(self, shot: Shot, *, at_once: bool = False) -> None:
        assert not self._cutting, "prerolled while a cut was armed"
        self._next = None
        self._next_lost = asyncio.get_running_loop().create_future()
        self.prerolls.append(shot)
        self.at_once.append(at_once)
        await self._clock.sleep(self.load_time_s)
        if self.decks_to_lose:
            self.decks_to_lose -= 1
            raise DeckLost("the hidden deck was killed")
        if shot.path in self.unplayable:
            raise MediaUnplayable(f"{shot.path} cannot be decoded")
        self._next = shot

    def set_volume(self, take: str, volume: int) -> None:
        if self._on_air and self._on_air.take == take:
            self.tuned.append((take, volume))

    async def cut_at_end(self, take: str, *, deadline_s: float | None = None) -> Cut:
        self._prerolled(take)
        self._cutting = True
        try:
            if self._on_air is not None:
                await self._until_ended(deadline_s)
            return self._switch(self._prerolled(take))
        finally:
            self._cutting = False

    async def cut_now(self, take: str) -> Cut:
        return self._switch(self._prerolled(take))

    async def ended(self) -> Ended:
        assert self._ended is not None, "nothing is on air"
        await self._until_ended(None)
        return self._ended.result()

    async def clear(self) -> Ended | None:
        return self._show_no_take("fallback")

    async def blank(self) -> Ended | None:
        return self._show_no_take("blank")

    def so_far(self, take: str) -> Ended | None:
        if self._on_air is None or self._ended is None or self._on_air.take != take:
            return next((ended for ended in reversed(self._shown) if ended.take == take), None)
        if self._ended.done():
            return self._ended.result().model_copy(update={"left_s": self._left_s})
        now_s = self._clock.monotonic()
        return Ended(take=take, started_s=self._started_s, ended_s=now_s, reason="cut", **self._seen())

    # Verbs for tests

    def finish(self) -> None:
        self._end("eof")

    def change_outputs(self) -> None:
        """End what is on air, because the next shot fills another part of the display."""
        self._end("display")

    def fail(self, reason: str = "decoder gave up") -> None:
        self._end(reason, failed=True)

    def lose_deck(self, reason: str = "killed") -> None:
        """End the deck on air; its picture goes with it, also the last one of a shot that is over."""
        self._left_s = self._clock.monotonic()
        if not self.over:
            self._end(reason, failed=True, deck_lost=True)

    def lose_next(self) -> None:
        """End the deck with the prerolled shot; what is on air goes on."""
        self._next = None
        self._next_lost.set_result(None)

    def forget(self) -> None:
        """Lose what is on air without a word."""
        self._on_air = None

    @property
    def on_air(self) -> Shot | None:
        return self._on_air

    @property
    def over(self) -> bool:
        """Return whether the shot on air has ended and only its last picture is seen."""
        return self._ended is not None and self._ended.done()

    def shown(self) -> list[tuple[str, int, int]]:
        """Return the takes that were on the screen: for how many ms until their end, and until their picture left."""
        now_s = self._clock.monotonic()
        so_far = self.so_far(self._on_air.take) if self._on_air else None
        return [
            (each.take, round((each.ended_s - each.started_s) * 1000), round((left_s - each.started_s) * 1000))
            for each, left_s in ((each, each.left_s or now_s) for each in (*self._shown, *([so_far] if so_far else ())))
            if left_s > each.started_s
        ]

    # Helpers

    def _prerolled(self, take: str) -> Shot:
        if self._next is None:
            raise DeckLost(f"take {take} is not prerolled")
        assert self._next.take == take, "asked to cut to what is not prerolled"
        return self._next

    async def _until_ended(self, deadline_s: float | None) -> None:
        assert self._on_air is not None and self._ended is not None
        natural_ms = self._on_air.duration_ms or self.lengths_ms.get(self._on_air.path)
        natural_s = self._started_s + (natural_ms / 1000 if natural_ms else NEVER_S)
        until_s = natural_s if deadline_s is None else min(natural_s, deadline_s)
        timer = asyncio.ensure_future(self._clock.sleep(until_s - self._clock.monotonic()))
        try:
            waits: set[asyncio.Future[Any]] = {timer, self._ended, self._next_lost}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        if not self._ended.done() and not self._next_lost.done():
            natural = self._clock.monotonic() >= natural_s
            self._end(("duration" if self._on_air.duration_ms else "eof") if natural else "cut")

    def _end(self, reason: str, *, failed: bool = False, deck_lost: bool = False) -> None:
        assert self._on_air is not None and self._ended is not None and not self._ended.done()
        self._ended.set_result(
            Ended(
                take=self._on_air.take,
                started_s=self._started_s,
                ended_s=self._clock.monotonic(),
                left_s=self._left_s,
                reason=reason,
                failed=failed,
                deck_lost=deck_lost,
                **self._seen(),
            )
        )

    def _seen(self) -> dict[str, Any]:
        return {"still_ms": self.still_ms, "covered": self.covered, "frames_shown": 250, "frames_lost": 0}

    def _take_off(self) -> Ended:
        assert self._ended is not None
        if not self._ended.done():
            self._end("cut")
        ended, self._on_air, self._ended = self._ended.result(), None, None
        left_s = self._clock.monotonic() if self._left_s is None else self._left_s
        ended = ended.model_copy(update={"left_s": left_s})
        self._shown.append(ended)
        return ended

    def _switch(self, shot: Shot) -> Cut:
        previous = self._take_off() if self._on_air else None
        self._on_air, self._next = shot, None
        self._started_s, self._left_s = self._clock.monotonic(), None
        self._ended = asyncio.get_running_loop().create_future()
        self.changes.append(PictureChange(self._clock.now(), "shot", shot))
        return Cut(take=shot.take, at_s=self._started_s, previous=previous)

    def _show_no_take(self, picture: str) -> Ended | None:
        ended = self._take_off() if self._on_air else None
        self.changes.append(PictureChange(self._clock.now(), picture))
        return ended
