"""The deck's one thread: takes commands and libVLC's signals in order, and hands them to the shot it holds.

A deck holds one shot at most: first as a `Loading`, then, once shown, as an `Airing`. The order to show it may come
ahead of its time, and be replaced or taken back until then.
"""

from queue import Empty, SimpleQueue

from player.deck.airing import LEAD_S, Airing
from player.deck.booth import Booth
from player.deck.joining import Joining
from player.deck.loading import Loading
from player.deck.projector import Signal, libvlc_version
from player.screen import (
    ON_TIME_S,
    Blank,
    Blanked,
    Broken,
    Command,
    Held,
    Hidden,
    Hide,
    Hold,
    Load,
    Pulse,
    Quit,
    Ready,
    Route,
    Shot,
    Show,
    Tune,
)

PULSE_EVERY_S = 0.2

Note = Command | Signal


class Deck:
    """One deck; what the stage and libVLC say comes in by `inbox`."""

    def __init__(self, booth: Booth, inbox: "SimpleQueue[Note]") -> None:
        self._booth = booth
        self._window = booth.window
        self._projector = booth.projector
        self._clock = booth.clock
        self._tell = booth.tell
        self._inbox = inbox
        self._held: Loading | Airing | None = None
        self._raise_s: float | None = None  # when the loaded shot is to be raised
        self._pulse_s = 0.0

    def run(self) -> None:
        """Work until told to quit."""
        self._tell(Ready(window=self._window.canvas, libvlc=libvlc_version()))
        while True:
            note = self._next()
            if isinstance(note, Quit):
                return
            if isinstance(note, Signal):
                if self._held and note.opening == self._projector.opening:
                    self._held.signal(note.what)
            elif note is not None:
                self._obey(note)
            self._look()

    def _next(self) -> Note | None:
        """Wait for a note until something is due by itself."""
        due_s = min(self._pulse_s, self._projector.voice.due_s())
        if self._raise_s is not None:
            due_s = min(due_s, self._raise_s - LEAD_S)
        if self._held:
            due_s = min(due_s, self._held.due_s())
        try:
            return self._inbox.get(timeout=max(0.0, due_s - self._clock.monotonic()))
        except Empty:
            return None

    def _look(self) -> None:
        """Do what is due by itself."""
        now = self._clock.monotonic()
        if self._raise_s is not None and now >= self._raise_s - LEAD_S:
            self._raise(self._raise_s)
        if self._held:
            self._held.look(now)
        self._projector.voice.look(now)
        if now >= self._pulse_s:
            self._pulse_s = now + PULSE_EVERY_S
            self._pulse(now)

    def _pulse(self, now: float) -> None:
        """Say that the loop turns, and what is on air."""
        if isinstance(self._held, Airing):
            self._held.pulse(now)
        else:
            self._tell(Pulse(take=self._shot.take if self._shot else None))

    @property
    def _shot(self) -> Shot | None:
        if self._held is None or (isinstance(self._held, Loading) and self._held.failed):
            return None
        return self._held.shot

    # ── commands ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _obey(self, command: Command) -> None:
        match command:
            case Load(shot=shot):
                self._forget()
                load = Joining if shot.url is not None else Loading
                self._held = load(shot, self._booth)
            case Show():
                self._show(command)
            case Hold(take=take):
                self._raise_s = None
                self._tell(Held(take=take))
            case Hide(take=take) if take is None or (self._shot and self._shot.take == take):
                self._hide()
            case Tune(take=take, volume=volume) if isinstance(self._held, Airing) and self._held.shot.take == take:
                self._projector.voice.tune(volume)
            case Route(device=device):
                self._projector.voice.route(device)
            case Blank():
                self._window.blank()  # first: libVLC may take its time to stop
                self._tell(Blanked(at_s=self._clock.monotonic()))
                self._forget()
            case _:
                pass  # a hide or tune for a shot already replaced

    def _show(self, order: Show) -> None:
        held = self._held
        if isinstance(held, Loading) and held.loaded and held.shot.take == order.take:
            soon_s = self._clock.monotonic() + LEAD_S
            late = order.at_s is None or soon_s - LEAD_S - order.at_s > ON_TIME_S
            self._raise_s = soon_s if order.at_s is None or late else order.at_s
        elif not (isinstance(held, Airing) and held.shot.take == order.take):  # else it was raised meanwhile
            self._tell(Broken(take=order.take, reason="it was not loaded"))

    def _raise(self, at_s: float) -> None:
        self._raise_s, held = None, self._held
        if isinstance(held, Loading) and held.loaded:  # a stream may have ended meanwhile, and said so
            self._held = Airing(held.shot, self._booth, at_s)

    def _hide(self) -> None:
        take = self._shot.take if self._shot else None
        self._window.lower()
        self._tell(Hidden(take=take))
        self._forget()

    def _forget(self) -> None:
        self._held = self._raise_s = None
        self._projector.stop()
