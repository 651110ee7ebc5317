"""The stage: two decks, one on air and one with the next shot ready aside, and the cuts between them.

What is on the screen changes only when a deck says so, in `_heard` and `_lost`; a caller that is cancelled while it
waits leaves nothing half done.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from player.platform.geometry import Area
from player.protocol.deck_messages import (
    Blank,
    Broken,
    DeckEvent,
    DeckPulse,
    Ends,
    Finished,
    Hide,
    Ready,
    SetVolume,
    ShotShown,
)
from player.protocol.screen import Cut, Ended, Shot
from player.stage.counters import StageCounters, StageFacts
from player.stage.cut_scheduler import CutScheduler
from player.stage.deck_exit import DeckExit
from player.stage.deck_options import DeckOptions
from player.stage.deck_pair import DeckPair, Wear
from player.stage.deck_process import DeckProcess
from player.stage.escalation import Escalation, EscalationStep, Recoverer
from player.stage.shots import AT_ONCE, ShotOnAir, ShotWaiting, load_shot
from sync.errors import DeckLost, MediaUnplayable, ScreenFailed
from sync.runtime.clock import Clock

log = logging.getLogger(__name__)


class Stage:
    """Implements `player.protocol.screen.Screen` over two deck processes; made by `open_stage`."""

    def __init__(
        self, rig: DeckOptions, clock: Clock, *, wear: Wear | None = None, recoverer: Recoverer | None = None
    ) -> None:
        def make(name: str) -> DeckProcess:
            return DeckProcess(name, lambda: self._rig, clock, self._heard, self._lost, self._deck_hangs)

        self._clock = clock
        self._rig = rig
        self._pair = DeckPair(make, wear or Wear())
        self._air: ShotOnAir | None = None
        self._next: ShotWaiting | None = None
        self._black: DeckProcess | None = None  # the deck that covers the screen on purpose
        self._libvlc = ""
        self.tally = StageCounters()
        self._cutter = CutScheduler(clock)
        self._cut_ms: float | None = None
        self._preroll_ms: int | None = None
        self._ladder = Escalation(recoverer)
        self._hung: dict[str, str] = {}  # what hung its deck on air, and how; told when it comes again
        self._up_s = clock.monotonic()  # when a deck was last heard of

    async def preroll(self, shot: Shot, *, at_once: bool = False) -> None:
        """See `Screen.preroll`."""
        await self._cutter.take_back(self._next)
        link = self._pair.exchanged(self._hidden())
        self._next = None
        if why := self._hung.pop(shot.url or shot.path, None):
            raise MediaUnplayable(f"when it was last on air its deck had to be ended: {why}")
        await link.wait_up()
        try:
            loaded = await load_shot(link, shot, self._air, at_once=at_once)
        except asyncio.CancelledError:
            link.send(Hide(take=shot.take))
            raise
        self._preroll_ms = loaded.took_ms
        self.tally.prerolled(loaded.took_ms)
        self._next = ShotWaiting(link, shot)
        if self._air and self._air.link.outdated:
            self._air.end(self._clock.monotonic(), "display")

    async def cut_at_end(self, take: str, *, deadline_s: float | None = None) -> Cut:
        """See `Screen.cut_at_end`."""
        return await self._cutter.cut(self._expect(take), lambda: self._due_s(deadline_s))

    async def cut_now(self, take: str) -> Cut:
        """See `Screen.cut_now`."""
        return await self._cutter.cut(self._expect(take), lambda: AT_ONCE)

    async def ended(self) -> Ended:
        """See `Screen.ended`.

        Raises:
            ScreenFailed: nothing is on air.
        """
        air = self._air
        if air is None:
            raise ScreenFailed("nothing is on air; cut to a shot first")
        ended = await asyncio.shield(air.ended)
        air.told = True
        return ended

    async def clear(self) -> Ended | None:
        """See `Screen.clear`; what is prerolled stays so."""
        await self._cutter.take_back(self._next)
        air, black = self._air, self._black
        self._air = self._black = None
        link = air.link if air else black
        at_s = self._clock.monotonic()
        try:
            if link and link.up:
                await link.hide()
                at_s = self._clock.monotonic()
        except DeckLost:
            at_s = self._clock.monotonic()  # gone as well, window and all
        return self._left(air, at_s) if air else None

    async def blank(self) -> Ended | None:
        """See `Screen.blank`; what is prerolled stays so. With no deck up the black comes once one is."""
        await self._cutter.take_back(self._next)
        air = self._air
        link = air.link if air else self._black or self._pair.other(self._next.link if self._next else None)
        self._air, self._black = None, link
        try:
            at_s = (await link.blank()).at_s
        except DeckLost:
            at_s = self._clock.monotonic()
        return self._left(air, at_s) if air else None

    def set_volume(self, take: str, volume: int) -> None:
        """See `Screen.set_volume`."""
        if self._air and self._air.shot.take == take:
            self._air.link.send(SetVolume(take=take, volume=volume))

    def facts(self) -> StageFacts:
        """Return the stage as it is now."""
        air = self._air if self._air and not self._air.ended.done() else None
        said = (air.said if air else None) or DeckPulse()
        return StageFacts(
            libvlc=self._libvlc,
            pids=(self._pair.links[0].pid, self._pair.links[1].pid),
            restarts=self._pair.restarts,
            renewals=self._pair.renewals,
            cuts=self.tally.cuts,
            on_air=air.shot.take if air else None,
            prerolled=self._next.shot.take if self._next else None,
            media_ms=air.media_ms(self._clock.monotonic()) if air else None,
            frames_lost=air.frames_lost if air else None,
            last_cut_ms=self._cut_ms,
            last_preroll_ms=self._preroll_ms,
            still_ms=said.still_ms,
            black_ms=said.black_ms,
            picture_faults=self._ladder.lately(self._clock.monotonic()),
            steps=self._ladder.steps(),
            recovered=self._ladder.recovered(),
            deck=air.link.name if air else None,
            fps=said.fps,
            painted_fps=said.painted_fps,
            codec=said.codec,
            hardware=said.hardware,
            sound=said.sound,
        )

    def fill(self, area: Area) -> None:
        """Fill `area` from now on: what is hidden at once; what is on air gives way to the next once that is ready."""
        self._rig = replace(self._rig, area=area)
        self._pair.renew(self._air.link if self._air else None)

    def set_audio_device(self, sound: str) -> None:
        """Be heard on the output `sound` from now on; empty: on the system's."""
        self._rig = replace(self._rig, sound=sound)
        self._pair.set_audio_device(sound)

    async def run(self) -> None:
        """Keep both decks alive (a service): start, watch pulses, kill what hangs, replace what died."""
        await self._pair.run()

    def close(self) -> None:
        """End both decks, whatever they do."""
        self._pair.close()

    def _hidden(self) -> DeckProcess:
        """Choose the deck for the next shot: never the one the shop looks at."""
        seen = self._air.link if self._air else self._black
        if seen:
            return self._pair.other(seen)
        return self._next.link if self._next else self._pair.any_up()

    def _expect(self, take: str) -> ShotWaiting:
        if self._next is None or self._next.shot.take != take:
            raise DeckLost(f"take {take} is not prerolled; its deck is gone or it was never loaded")
        return self._next

    def _due_s(self, deadline_s: float | None) -> float | None:
        return self._air.over_s(deadline_s) if self._air else AT_ONCE

    # ── what decks say ─────────────────────────────────────────────────────────────────────────────────────────────

    def _heard(self, link: DeckProcess, event: DeckEvent) -> None:
        self._up_s = self._clock.monotonic()
        match event:
            case Ready():
                self._libvlc = event.libvlc
                if self._black is link:
                    link.send(Blank())
            case ShotShown() if self._next and self._next.shot.take == event.take:
                self._shown(self._next, event)
            case Broken() if self._next and self._next.shot.take == event.take:
                self._drop(DeckExit(event.reason, crashed=False))
            case Finished() | Broken() | Ends() | DeckPulse() if self._air and self._air.shot.take == event.take:
                self._on_air_says(self._air, event)
            case _:
                pass  # replies; the link hands them to who asked
        self._cutter.wake()

    def _on_air_says(self, air: ShotOnAir, event: Finished | Broken | Ends | DeckPulse) -> None:
        match event:
            case Ends():
                air.ends = event
                air.frames_lost = event.frames_lost if event.frames_lost is not None else air.frames_lost
            case DeckPulse():
                air.said, air.said_s = (event, self._up_s) if event.media_ms is not None else (air.said, air.said_s)
                air.frames_lost = event.frames_lost if event.frames_lost is not None else air.frames_lost
                if event.seems_frozen:
                    self._give_way(air, "the picture stands still")
            case Finished():
                air.frames_lost = event.frames_lost
                air.end(event.at_s, event.reason)
            case Broken():
                air.end(self._clock.monotonic(), event.reason, failed=True)
                if event.seen_on_screen:
                    self._seen_broken(air, event.reason)

    def _seen_broken(self, air: ShotOnAir, reason: str) -> None:
        step = self._ladder.escalate(air.link.name, self._clock.monotonic(), reason)
        log.warning("take=%s deck=%s %s; step=%s", air.shot.take, air.link.name, reason, step.value)
        for link in self._pair.links:
            if step is EscalationStep.BOTH_DECKS or (step is EscalationStep.NEW_DECK and link is air.link):
                link.condemned = f"{reason}, again"

    def _shown(self, coming: ShotWaiting, shown: ShotShown) -> None:
        """Make the shot that came the one on air, and send off what was there."""
        left = self._left(self._air, shown.at_s) if self._air else None
        for gone in (self._air.link if self._air else None, self._black):
            if gone and gone is not coming.link:
                gone.send(Hide())
                self._pair.off_air(gone)
        self._air = ShotOnAir(coming.link, coming.shot, shown.at_s)
        self._next = self._black = None
        self._cut_ms = (shown.raised_s - coming.due_s) * 1000
        self.tally.cut(shown.raised_s - coming.due_s)
        coming.cut = Cut(take=coming.shot.take, at_s=shown.at_s, previous=left)

    def _left(self, air: ShotOnAir, at_s: float) -> Ended | None:
        """Note that a shot left the screen, and what was seen of it."""
        said = air.said or DeckPulse()
        self.tally.left(black_ms=said.black_ms, still_ms=said.still_ms, frames_lost=air.frames_lost)
        return air.leave(at_s)

    def _deck_hangs(self, link: DeckProcess, why: str) -> bool:
        """Keep the last picture of a deck that may hang until the next one is there; one that waits aside is ended."""
        air, coming = self._air, self._next
        if air and coming and coming.link is link and air.link.answers:
            link.kill(DeckExit(why, crashed=True))
        return air is not None and air.link is link and self._give_way(air, why)

    def _give_way(self, air: ShotOnAir, why: str) -> bool:
        """Have the next shot come at once, if it is ready: a suspicion is enough for that, but not for blame."""
        if self._next is None or not self._next.link.answers:
            return False  # if both decks are quiet, it is the machine, or the display
        if not air.ended.done():
            log.warning("take=%s deck=%s %s; the next one comes", air.shot.take, air.link.name, why)
            self._ladder.pass_over()
            air.link.suspect = air.shot
            air.end(self._clock.monotonic(), why, failed=True, deck_lost=True)
            self._cutter.wake()
        return True

    def _lost(self, link: DeckProcess, loss: DeckExit) -> None:
        if link.suspect and loss.crashed:
            self._hung[link.suspect.url or link.suspect.path] = loss.reason
        if not loss.displayless:
            self._ladder.without_decks(self._clock.monotonic() - self._up_s)
        if self._air and self._air.link is link:
            self._air.end(self._clock.monotonic(), loss.reason, failed=True, deck_lost=not loss.crashed)
        if self._next and self._next.link is link:
            self._drop(loss)
        self._cutter.wake()

    def _drop(self, loss: DeckExit) -> None:
        """Give up what was prerolled: nobody holds it any more."""
        if self._next:
            self._next.lost.set_result(loss)
            self._next = None


@asynccontextmanager
async def open_stage(
    rig: DeckOptions, clock: Clock, *, wear: Wear | None = None, recoverer: Recoverer | None = None
) -> AsyncIterator[Stage]:
    """Own the decks, started with `rig`. `run` starts them; when it ends they are gone."""
    stage = Stage(rig, clock, wear=wear, recoverer=recoverer)
    try:
        yield stage
    finally:
        stage.close()
