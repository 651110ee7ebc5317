"""A screen of glass: shows nothing, keeps the protocol of `player.protocol.screen.Screen`, and breaks when told."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from player.protocol.screen import Cut, Ended, Shot
from sync.errors import DeckLost, MediaUnplayable
from tests.fakes import FakeClock

AGES_S = 1e9


@dataclass(frozen=True)
class Seen:
    """One change of the picture: a shot, or `fallback`, or `blank`."""

    at: datetime
    what: str
    shot: Shot | None = None


class FakeScreen:
    """Shots end by the clock; `finish`, `fail` and `lose_deck` end them early. Videos are as long as `lengths` says."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._air: Shot | None = None
        self._started_s = 0.0
        self._ended: asyncio.Future[Ended] | None = None
        self._next: Shot | None = None
        self._next_lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._cutting = False
        self._left: list[Ended] = []
        self.picture: list[Seen] = []
        self.lengths: dict[str, int] = {}  # path to ms
        self.broken: set[str] = set()  # paths that cannot be prerolled
        self.deaf = 0  # so many prerolls lose their deck
        self.loads_s = 0.0  # how long a preroll takes
        self.prerolls: list[Shot] = []
        self.at_once: list[bool] = []  # which of these were wanted so
        self.tuned: list[tuple[str, int]] = []

    async def preroll(self, shot: Shot, *, at_once: bool = False) -> None:
        assert not self._cutting, "prerolled while a cut was armed"
        self._next = None
        self._next_lost = asyncio.get_running_loop().create_future()
        self.prerolls.append(shot)
        self.at_once.append(at_once)
        await self._clock.sleep(self.loads_s)
        if self.deaf:
            self.deaf -= 1
            raise DeckLost("the hidden deck was killed")
        if shot.path in self.broken:
            raise MediaUnplayable(f"{shot.path} cannot be decoded")
        self._next = shot

    def set_volume(self, take: str, volume: int) -> None:
        if self._air and self._air.take == take:
            self.tuned.append((take, volume))

    async def cut_at_end(self, take: str, *, deadline_s: float | None = None) -> Cut:
        self._expect(take)
        self._cutting = True
        try:
            if self._air is not None:
                await self._over(deadline_s)
            return self._switch(self._expect(take))
        finally:
            self._cutting = False

    async def cut_now(self, take: str) -> Cut:
        return self._switch(self._expect(take))

    async def ended(self) -> Ended:
        assert self._ended is not None, "nothing is on air"
        await self._over(None)
        return self._leave()

    async def clear(self) -> Ended | None:
        return self._darken("fallback")

    async def blank(self) -> Ended | None:
        return self._darken("blank")

    # Verbs for tests

    def finish(self) -> None:
        self._end("eof")

    def fail(self, reason: str = "decoder gave up") -> None:
        self._end(reason, failed=True)

    def lose_deck(self) -> None:
        self._end("killed", failed=True, deck_lost=True)

    def lose_next(self) -> None:
        """The deck with the prerolled shot dies; what is on air goes on."""
        self._next = None
        self._next_lost.set_result(None)

    @property
    def on_air(self) -> Shot | None:
        return self._air

    @property
    def over(self) -> bool:
        """Tell whether what is on air has ended and only its last picture stands."""
        return self._ended is not None and self._ended.done()

    def runs(self) -> list[tuple[str, int]]:
        """Return each take that left the screen, or still is on it, with its milliseconds."""
        now_s = self._clock.monotonic()
        running = [(self._air.take, round((now_s - self._started_s) * 1000))] if self._air else []
        return [(ended.take, round((ended.ended_s - ended.started_s) * 1000)) for ended in self._left] + running

    # Inside

    def _expect(self, take: str) -> Shot:
        if self._next is None:
            raise DeckLost(f"take {take} is not prerolled")
        assert self._next.take == take, "asked to cut to what is not prerolled"
        return self._next

    async def _over(self, deadline_s: float | None) -> None:
        assert self._air is not None and self._ended is not None
        own_ms = self._air.duration_ms or self.lengths.get(self._air.path)
        own_s = self._started_s + (own_ms / 1000 if own_ms else AGES_S)
        until_s = own_s if deadline_s is None else min(own_s, deadline_s)
        timer = asyncio.ensure_future(self._clock.sleep(until_s - self._clock.monotonic()))
        try:
            waits: set[asyncio.Future[Any]] = {timer, self._ended, self._next_lost}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        if not self._ended.done() and not self._next_lost.done():
            own = self._clock.monotonic() >= own_s
            self._end(("duration" if self._air.duration_ms else "eof") if own else "cut")

    def _end(self, reason: str, *, failed: bool = False, deck_lost: bool = False) -> None:
        assert self._air is not None and self._ended is not None and not self._ended.done()
        self._ended.set_result(
            Ended(
                take=self._air.take,
                started_s=self._started_s,
                ended_s=self._clock.monotonic(),
                reason=reason,
                failed=failed,
                deck_lost=deck_lost,
            )
        )

    def _leave(self) -> Ended:
        assert self._ended is not None
        if not self._ended.done():
            self._end("cut")
        ended, self._air, self._ended = self._ended.result(), None, None
        self._left.append(ended)
        return ended

    def _switch(self, shot: Shot) -> Cut:
        previous = self._leave() if self._air else None
        self._air, self._next = shot, None
        self._started_s = self._clock.monotonic()
        self._ended = asyncio.get_running_loop().create_future()
        self.picture.append(Seen(self._clock.now(), "shot", shot))
        return Cut(take=shot.take, at_s=self._started_s, previous=previous)

    def _darken(self, what: str) -> Ended | None:
        ended = self._leave() if self._air else None
        self.picture.append(Seen(self._clock.now(), what))
        return ended
