"""The deck's one thread: takes commands and libVLC's signals in order, and hands them to the shot it holds.

A deck holds one shot at most: first as a `Loading`, then, once shown, as an `Airing`. What is to be shown at once rolls
in, what waits for its turn is held on its first frame. The order to show it may come ahead of its time, and be replaced
or taken back until then; it is carried out when the shot is loaded.
"""

from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue

from player.deck.context import DeckContext
from player.deck.paused_loader import PausedLoader
from player.deck.playback import Playback
from player.deck.running_loader import RunningLoader
from player.deck.shot_loader import LEAD_S, ShotLoader
from player.deck.stream_loader import StreamLoader
from player.deck.vlc.vlc_player import VlcSignal, libvlc_version
from player.protocol.deck_messages import (
    Blank,
    Blanked,
    Broken,
    CancelShow,
    DeckCommand,
    DeckPulse,
    Hidden,
    Hide,
    Load,
    Quit,
    Ready,
    SetAudioDevice,
    SetVolume,
    Show,
    ShowCancelled,
)
from player.protocol.screen import ON_TIME_S, Shot
from sync.wire.release import MediaKind

_NEVER = float("inf")
PULSE_EVERY_S = 0.2

DeckInput = DeckCommand | VlcSignal


class Deck:
    """One deck; what the stage and libVLC say comes in by `inbox`."""

    def __init__(self, booth: DeckContext, inbox: "SimpleQueue[DeckInput]") -> None:
        self._booth = booth
        self._window = booth.window
        self._projector = booth.projector
        self._clock = booth.clock
        self._tell = booth.tell
        self._inbox = inbox
        self._notes: deque[DeckInput] = deque()  # out of it, not yet heeded
        self._held: ShotLoader | Playback | None = None
        self._raise_s: float | None = None  # when the loaded shot is to be raised
        self._pulse_s = 0.0

    def run(self) -> None:
        """Work until told to quit."""
        self._tell(Ready(window=self._window.canvas, libvlc=libvlc_version()))
        while True:
            note = self._next()
            if isinstance(note, Quit):
                return
            if isinstance(note, VlcSignal):
                if self._held and note.opening == self._projector.opening:
                    self._held.signal(note.what)
            elif note is not None:
                self._obey(note)
            self._tick()

    def _next(self) -> DeckInput | None:
        """Wait for a note until something is due by itself."""
        due_s = min(self._pulse_s, self._projector.voice.due_s())
        if self._held:
            due_s = min(due_s, self._held.due_s(), self._raise_due_s())
        left_s = 0.0 if self._notes else due_s - self._clock.monotonic()
        with suppress(Empty):
            self._notes.append(self._inbox.get(timeout=max(0.0, left_s)))
            while True:
                self._notes.append(self._inbox.get_nowait())
        return self._notes.popleft() if self._notes else None

    def _tick(self) -> None:
        """Do what is due by itself."""
        now = self._clock.monotonic()
        if now >= self._raise_due_s():
            self._raise()
        if self._held:
            self._held.tick(now)
        self._projector.voice.advance_fade(now)
        if now >= self._pulse_s:
            self._pulse_s = now + PULSE_EVERY_S
            self._pulse(now)

    def _pulse(self, now: float) -> None:
        """Say that the loop turns, and what is on air."""
        if isinstance(self._held, Playback):
            self._held.pulse(now)
        else:
            self._tell(DeckPulse(take=self._shot.take if self._shot else None))

    @property
    def _shot(self) -> Shot | None:
        if self._held is None or (isinstance(self._held, ShotLoader) and self._held.failed):
            return None
        return self._held.shot

    # ── commands ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _obey(self, command: DeckCommand) -> None:
        match command:
            case Load() if not any(isinstance(note, Load) for note in self._notes):  # else it is outdated
                self._load(command)
            case Show():
                self._show(command)
            case CancelShow(take=take):
                self._raise_s = None
                self._tell(ShowCancelled(take=take))
            case Hide(take=take) if take is None or (self._shot and self._shot.take == take):
                self._hide()
            case SetVolume(take=take, volume=volume) if self._is_on_air(take):
                self._projector.voice.tune(volume)
            case SetAudioDevice(device=device):
                self._projector.voice.route(device)
            case Blank():
                self._window.blank()  # first: libVLC may take its time to stop
                self._tell(Blanked(at_s=self._clock.monotonic()))
                self._forget()
            case _:
                pass  # for a shot already replaced

    def _load(self, order: Load) -> None:
        coming = self._coming(order.shot.take)
        if coming is None or not coming.loaded:  # else it was said before this order came
            self._forget()
            self._held = self._loading(order.shot, at_once=order.at_once)

    def _loading(self, shot: Shot, *, at_once: bool) -> ShotLoader:
        if shot.url is not None:
            return StreamLoader(shot, self._booth)
        rolls = (at_once and not shot.loop) or shot.kind is MediaKind.PICTURE  # rolled in, a loop may hitch
        return RunningLoader(shot, self._booth) if rolls else PausedLoader(shot, self._booth)

    def _coming(self, take: str) -> ShotLoader | None:
        """Return what is loaded, or being loaded, as `take`."""
        held = self._held
        return held if isinstance(held, ShotLoader) and not held.failed and held.shot.take == take else None

    def _show(self, order: Show) -> None:
        coming, now = self._coming(order.take), self._clock.monotonic()
        if coming:
            at_once = order.at_s is None or now - order.at_s > ON_TIME_S
            self._raise_s = now + coming.lead_s if order.at_s is None or at_once else order.at_s
            if coming.loaded and not coming.keeps(self._raise_s):
                self._held = self._loading(coming.shot, at_once=at_once)
        elif self._shot is None or self._shot.take != order.take:  # else it was raised meanwhile
            self._tell(Broken(take=order.take, reason="it was not loaded"))

    def _raise_due_s(self) -> float:
        held = self._held
        if self._raise_s is None or not isinstance(held, ShotLoader) or not held.loaded:
            return _NEVER
        return self._raise_s - LEAD_S  # in any case: a busy machine may wake us late

    def _raise(self) -> None:
        coming, at_s, self._raise_s = self._held, self._raise_s, None
        assert isinstance(coming, ShotLoader) and at_s is not None
        self._held = Playback(coming.shot, self._booth, at_s, coming.since_s)

    def _is_on_air(self, take: str) -> bool:
        return isinstance(self._held, Playback) and self._held.shot.take == take

    def _hide(self) -> None:
        take = self._shot.take if self._shot else None
        self._window.lower()
        self._tell(Hidden(take=take))
        self._forget()

    def _forget(self) -> None:
        self._held = self._raise_s = None
        self._projector.stop()
