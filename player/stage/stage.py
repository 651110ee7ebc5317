"""The stage: two decks, one on the screen and one with the next shot ready, and the cuts between them.

What is on the screen changes only when a deck reports it (`_receive`, `_deck_ended`) or when a caller clears or blanks
it. So a caller that is cancelled while it waits leaves nothing half done.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from player.platform.geometry import Area
from player.protocol.deck_messages import (
    Blank,
    DeckEvent,
    DeckPulse,
    EndAnnounced,
    Hide,
    Ready,
    SetVolume,
    ShotFailed,
    ShotFinished,
    ShotShown,
)
from player.protocol.stage_interface import STAGE_CLOSED, Cut, Ended, Shot, StreamAccess
from player.stage.cut_scheduler import CutScheduler
from player.stage.deck_options import DeckOptions
from player.stage.deck_pair import DeckPair, Wear
from player.stage.deck_process import DeckProcess
from player.stage.deck_state import DeckExit
from player.stage.escalation import Escalation, EscalationStep, Recoverer
from player.stage.shots import IMMEDIATELY, BlankScreen, ShotOnAir, WaitingShot, load_shot
from player.stage.stage_facts import StageCounters, StageFacts
from sync.errors import DeckLost, MediaUnplayable, ScreenFailed
from sync.runtime.clock import Clock

log = logging.getLogger(__name__)


class Stage:
    """Implements `player.protocol.stage_interface.Screen` over two deck processes; made by `open_stage`."""

    def __init__(
        self, options: DeckOptions, clock: Clock, *, wear: Wear | None = None, recoverer: Recoverer | None = None
    ) -> None:
        def make(name: str) -> DeckProcess:
            reactions = self._receive, self._deck_ended, self._deck_hangs
            return DeckProcess(name, lambda: self._options, clock, *reactions, lambda: self.display_hangs())

        self._clock = clock
        self._options = options
        self._decks = DeckPair(make, wear or Wear(), clock)
        self._on_screen: ShotOnAir | BlankScreen | None = None  # None: the fallback, on the root window
        self._latest = deque[ShotOnAir](maxlen=2)  # that were on air, the last one first
        self._waiting: WaitingShot | None = None
        self._libvlc = ""
        self.counters = StageCounters()
        self._cuts = CutScheduler(clock)
        self._last_cut_ms: float | None = None
        self._last_preroll_ms: int | None = None
        self._escalation = Escalation(recoverer)
        self._other_code = False  # a deck was of other code, or could not start after an update
        self._hangs: dict[str, str] = {}  # why the deck had to be ended that showed this media; raised at its next turn
        self._last_event_s = clock.monotonic()  # of any deck
        self.display_hangs: Callable[[], bool] = lambda: False
        """Whether the X server hangs: then no deck is to blame that says nothing."""
        self.streams: StreamAccess | None = None
        """How streams are reached; without it none is shown."""

    async def preroll(self, shot: Shot, *, at_once: bool = False) -> None:
        """See `Screen.preroll`."""
        await self._cuts.cancel(self._waiting)
        deck = self._decks.in_service(self._hidden_deck())
        self._waiting = None
        if why := self._hangs.pop(shot.url or shot.path, None):
            raise MediaUnplayable(f"when it was last on air its deck had to be ended: {why}")
        await deck.wait_up(self._other_deck_is_over)
        try:
            shot = await self._with_source(shot)
            loaded = await load_shot(deck, shot, self._on_air, at_once=at_once)
        except MediaUnplayable as error:
            why = self.streams.refusal(shot.url) if self.streams and shot.url else ""
            raise MediaUnplayable(why or str(error)) from error
        except asyncio.CancelledError:
            deck.send(Hide(take=shot.take))
            raise
        self._last_preroll_ms = loaded.took_ms
        self.counters.count_preroll(loaded.took_ms)
        self._waiting = WaitingShot(deck, shot)
        if self._on_air and self._on_air.deck.outdated:
            self._on_air.end(self._clock.monotonic(), "display")

    def _other_deck_is_over(self) -> bool:
        """Return whether black or the last picture of a shot is on the screen, by a deck that could show the next."""
        over = self._on_air.ended.done() if self._on_air else True
        return over and self._deck_on_screen is not None and self._deck_on_screen.up

    async def _with_source(self, shot: Shot) -> Shot:
        if shot.url is None:
            return shot
        if self.streams is None:
            raise MediaUnplayable("no way to network streams is open")
        return shot.model_copy(update={"source": await self.streams.source(shot.url)})

    async def cut_at_end(self, take: str, *, deadline_s: float | None = None) -> Cut:
        """See `Screen.cut_at_end`."""
        return await self._cuts.cut(self._waiting_shot(take), lambda: self._cut_due_s(deadline_s))

    async def cut_now(self, take: str) -> Cut:
        """See `Screen.cut_now`."""
        return await self._cuts.cut(self._waiting_shot(take), lambda: IMMEDIATELY)

    async def ended(self) -> Ended:
        """See `Screen.ended`.

        Raises:
            ScreenFailed: nothing is on air.
        """
        on_air = self._on_air
        if on_air is None:
            raise ScreenFailed("nothing is on air; cut to a shot first")
        await asyncio.shield(on_air.ended)
        return on_air.so_far(self._clock.monotonic())

    def so_far(self, take: str) -> Ended | None:
        """See `Screen.so_far`."""
        found = next((shot for shot in self._latest if shot.shot.take == take), None)
        return found.so_far(self._clock.monotonic()) if found else None

    async def clear(self) -> Ended | None:
        """See `Screen.clear`; what is prerolled stays so."""
        await self._cuts.cancel(self._waiting)
        on_air, deck = self._on_air, self._deck_on_screen
        self._on_screen = None
        try:
            if deck and deck.up:
                await deck.hide()
        except DeckLost as error:  # its window went with it
            if on_air:
                on_air.lose(str(error))
        return self._leave(on_air, self._clock.monotonic())

    async def blank(self) -> Ended | None:
        """See `Screen.blank`; what is prerolled stays so. If no deck is up, the black comes once one is."""
        await self._cuts.cancel(self._waiting)
        on_air = self._on_air
        deck = self._deck_on_screen or self._decks.other(self._waiting.deck if self._waiting else None)
        self._on_screen = BlankScreen(deck)
        try:
            at_s = (await deck.blank()).at_s
        except DeckLost as error:
            at_s = self._clock.monotonic()
            if on_air:
                on_air.lose(str(error))
        return self._leave(on_air, at_s)

    def set_volume(self, take: str, volume: int) -> None:
        """See `Screen.set_volume`."""
        if self._on_air and self._on_air.shot.take == take:
            self._on_air.deck.send(SetVolume(take=take, volume=volume))

    def facts(self) -> StageFacts:
        """Return the stage as it is now."""
        on_air = self._on_air if self._on_air and not self._on_air.ended.done() else None
        pulse = (on_air.pulse if on_air else None) or DeckPulse()
        first, second = self._decks.decks
        return StageFacts(
            libvlc=self._libvlc,
            pids=(first.pid, second.pid),
            restarts=self._decks.restarts,
            renewals=self._decks.renewals,
            cuts=self.counters.cuts,
            on_air=on_air.shot.take if on_air else None,
            prerolled=self._waiting.shot.take if self._waiting else None,
            media_ms=on_air.media_ms(self._clock.monotonic()) if on_air else None,
            frames_lost=on_air.frames_lost if on_air else None,
            last_cut_ms=self._last_cut_ms,
            last_preroll_ms=self._last_preroll_ms,
            still_ms=pulse.still_ms,
            black_ms=pulse.black_ms,
            picture_faults=self._escalation.recent_faults(self._clock.monotonic()),
            steps=self._escalation.step_counts(),
            recovered=self._escalation.latest_recovery(),
            update_fault=self._escalation.update_fault(),
            deck=on_air.deck.name if on_air else None,
            stream_bytes=self.streams.received_bytes if self.streams else 0,
            fps=pulse.fps,
            painted_fps=pulse.painted_fps,
            codec=pulse.codec,
            hardware=pulse.hardware,
            sound=pulse.sound,
            states=(first.state, second.state),
            failed_starts=max(first.failed_starts, second.failed_starts),
        )

    @property
    def area(self) -> Area:
        """The part of the display that decks fill from their next start."""
        return self._options.area

    def fill(self, area: Area) -> None:
        """Fill `area` from now on: hidden decks start again at once, the one on air once the next shot is ready."""
        self._options = replace(self._options, area=area)
        self._decks.replace_hidden(self._on_air.deck if self._on_air else None)

    def set_audio_device(self, sound: str) -> None:
        """Be heard on the output `sound` from now on; empty: on the system's."""
        self._options = replace(self._options, sound=sound)
        self._decks.set_audio_device(sound)

    async def run(self) -> None:
        """Keep both decks alive (a service): start them, end what hangs, replace what died."""
        try:
            await self._decks.run()
        finally:
            self._lose_all()

    def close(self) -> None:
        """End both decks, in any state."""
        self._decks.close()
        self._lose_all()

    def _lose_all(self) -> None:
        """Record what no deck shows or holds any more, however the decks ended."""
        why = DeckExit(STAGE_CLOSED, crashed=False)
        self._drop_waiting(why)
        if self._on_air:
            self._on_air.lose(why.reason, gone_at_s=self._clock.monotonic())
        self._cuts.wake()

    @property
    def _on_air(self) -> ShotOnAir | None:
        return self._on_screen if isinstance(self._on_screen, ShotOnAir) else None

    @property
    def _deck_on_screen(self) -> DeckProcess | None:
        return self._on_screen.deck if self._on_screen else None

    def _hidden_deck(self) -> DeckProcess:
        """Choose the deck for the next shot: never the one on the screen."""
        if self._deck_on_screen:
            return self._decks.other(self._deck_on_screen)
        return self._waiting.deck if self._waiting else self._decks.any_up()

    def _waiting_shot(self, take: str) -> WaitingShot:
        if self._waiting is None or self._waiting.shot.take != take:
            raise DeckLost(f"take {take} is not prerolled; its deck is gone or it was never loaded")
        return self._waiting

    def _cut_due_s(self, deadline_s: float | None) -> float | None:
        return self._on_air.cut_due_s(deadline_s) if self._on_air else IMMEDIATELY

    # ── what decks report ──────────────────────────────────────────────────────────────────────────────────────────

    def _receive(self, deck: DeckProcess, event: DeckEvent) -> None:
        self._last_event_s = self._clock.monotonic()
        on_air, waiting = self._on_air, self._waiting
        match event:
            case Ready():
                self._libvlc = event.libvlc
                if isinstance(self._on_screen, BlankScreen) and self._on_screen.deck is deck:
                    deck.send(Blank())
            case ShotShown() if waiting and waiting.shot.take == event.take:
                self._complete_cut(waiting, event)
            case ShotFailed() if waiting and waiting.shot.take == event.take:
                self._drop_waiting(DeckExit(event.reason, crashed=False))
            case EndAnnounced() | ShotFinished() | ShotFailed() | DeckPulse() if (
                on_air and on_air.shot.take == event.take
            ):
                self._update_on_air(on_air, event)
            case _:
                pass  # replies, which `DeckProcess` gives to the caller that waits for them
        self._cuts.wake()

    def _update_on_air(self, on_air: ShotOnAir, event: ShotFinished | ShotFailed | EndAnnounced | DeckPulse) -> None:
        if isinstance(event, ShotFailed):
            on_air.end(self._clock.monotonic(), event.reason, failed=True)
            if event.seen_on_screen:
                self._escalate(on_air, event.reason)
            return
        on_air.update(event, self._last_event_s)
        if isinstance(event, DeckPulse) and event.seems_frozen:
            self._cut_away(on_air, "the picture stands still")

    def _complete_cut(self, waiting: WaitingShot, shown: ShotShown) -> None:
        """Make the shot that was shown the one on air, and take the deck before it off the screen."""
        previous = self._leave(self._on_air, shown.at_s)
        before = self._deck_on_screen
        if before and before is not waiting.deck:
            before.leave_screen()
            self._decks.start_stand_in_if_worn(before)
        self._on_screen = ShotOnAir(waiting.deck, waiting.shot, shown.at_s)
        self._latest.appendleft(self._on_screen)
        self._on_screen.ended.add_done_callback(self._restart_if_updated)
        self._waiting = None
        late_s = shown.raised_s - waiting.due_s
        self._last_cut_ms = late_s * 1000
        self.counters.count_cut(late_s)
        waiting.result = Cut(take=waiting.shot.take, at_s=shown.at_s, previous=previous)

    def _leave(self, on_air: ShotOnAir | None, at_s: float) -> Ended | None:
        """Record that a shot left the screen, and what was seen of it."""
        if on_air is None:
            return None
        pulse = on_air.pulse or DeckPulse()
        self.counters.count_take(black_ms=pulse.black_ms, still_ms=pulse.still_ms, frames_lost=on_air.frames_lost)
        return on_air.leave(at_s)

    def _escalate(self, on_air: ShotOnAir, reason: str) -> None:
        """Do what a fault of the picture on air leads to."""
        step = self._escalation.escalate(on_air.deck.name, self._clock.monotonic(), reason)
        log.warning("take=%s deck=%s %s; step=%s", on_air.shot.take, on_air.deck.name, reason, step.value)
        for deck in self._decks.decks:
            if step is EscalationStep.BOTH_DECKS or (step is EscalationStep.NEW_DECK and deck is on_air.deck):
                deck.replace_when_hidden(f"{reason}, again")

    def _deck_hangs(self, deck: DeckProcess, why: str) -> bool:
        """Return True if the last picture of a deck that may hang is needed; end a deck that hangs while it waits."""
        on_air, waiting = self._on_air, self._waiting
        if on_air and waiting and waiting.deck is deck and on_air.deck.responsive:
            deck.kill(DeckExit(why, crashed=True))
        return on_air is not None and on_air.deck is deck and self._cut_away(on_air, why)

    def _cut_away(self, on_air: ShotOnAir, why: str) -> bool:
        """Have the next shot come at once if it is ready. A suspicion is reason enough for that; it blames no media."""
        if self._waiting is None or not self._waiting.deck.responsive:
            return False  # if both decks are quiet, the cause is the machine or the display
        if not on_air.ended.done():
            log.warning("take=%s deck=%s %s; the next one comes", on_air.shot.take, on_air.deck.name, why)
            self._escalation.count_suspicion()
            on_air.deck.suspect(on_air.shot)
            on_air.lose(why)
            self._cuts.wake()
        return True

    def _deck_ended(self, deck: DeckProcess, why: DeckExit) -> None:
        shot = deck.suspected_shot
        if shot and why.crashed:
            self._hangs[shot.url or shot.path] = why.reason
        if why.other_code:
            self._other_code = True
            self._restart_if_updated()
        if not why.displayless:
            self._escalation.escalate_without_decks(self._clock.monotonic() - self._last_event_s)
        if self._on_air and self._on_air.deck is deck:
            gone_at_s = self._clock.monotonic()
            self._on_air.lose(why.reason, deck_lost=not why.crashed, gone_at_s=gone_at_s, quiet_s=deck.quiet_s)
        if self._waiting and self._waiting.deck is deck:
            self._drop_waiting(why)
        self._cuts.wake()

    def _restart_if_updated(self, _ended: object = None) -> None:
        """Have the daemon restart if its program was updated, if possible while nothing is on air."""
        if self._other_code:
            on_air = self._on_air is not None and not self._on_air.ended.done()
            self._escalation.restart_for_new_code(on_air=on_air)

    def _drop_waiting(self, why: DeckExit) -> None:
        """Give up the prerolled shot: no deck has it any more."""
        if self._waiting:
            self._waiting.result, self._waiting = why, None


@asynccontextmanager
async def open_stage(
    options: DeckOptions, clock: Clock, *, wear: Wear | None = None, recoverer: Recoverer | None = None
) -> AsyncIterator[Stage]:
    """Own the decks, started with `options`. `run` starts them; they are gone when the block ends."""
    stage = Stage(options, clock, wear=wear, recoverer=recoverer)
    try:
        yield stage
    finally:
        stage.close()
