"""The deck's one thread: carries out the stage's commands and passes libVLC's events to the shot, in order.

A deck has one shot at most: first a `ShotLoader`, then, once shown, a `Playback`. `player.deck.shot_states` has its
life. A `RunningLoader` loads what is shown at once; a `PausedLoader` pauses what waits for its turn on its first frame.
A `Show` may come before the shot is loaded, and may be replaced or cancelled until it is carried out.
"""

from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue

from player.deck.context import DeckContext
from player.deck.paused_loader import PausedLoader
from player.deck.picture_judgement import LONGEST_STEP_S
from player.deck.playback import Playback
from player.deck.running_loader import RunningLoader, StreamLoader
from player.deck.shot_loader import ShotLoader
from player.deck.vlc.vlc_player import VlcSignal, libvlc_version
from player.platform.code_version import CODE
from player.protocol.deck_messages import (
    Blank,
    Blanked,
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
    ShotFailed,
    Show,
    ShowCancelled,
)
from player.protocol.stage_interface import ON_TIME_S, Shot
from sync.wire.value_types import MediaKind

_NEVER = float("inf")
PULSE_EVERY_S = 0.2

DeckInput = DeckCommand | VlcSignal


class Deck:
    """One deck; commands and signals arrive in `inbox`."""

    def __init__(self, context: DeckContext, inbox: "SimpleQueue[DeckInput]") -> None:
        self._context = context
        self._window = context.window
        self._player = context.player
        self._clock = context.clock
        self._inbox = inbox
        self._received: deque[DeckInput] = deque()  # from the inbox, not handled yet
        self._shot: ShotLoader | Playback | None = None
        self._next_pulse_s = 0.0

    def run(self) -> None:
        """Work until `Quit`."""
        self._context.send(Ready(window=self._window.canvas, libvlc=libvlc_version(), code=CODE))
        while True:
            received = self._receive()
            if isinstance(received, Quit):
                return
            if isinstance(received, VlcSignal):
                if self._shot and received.media_number == self._player.media_number:
                    self._shot.on_event(received.event)
            elif received is not None:
                self._execute(received)
            self._tick()

    def _receive(self) -> DeckInput | None:
        """Return the next input; None when something is due before it comes."""
        due_s = min(self._next_pulse_s, self._player.audio.due_s(), self._show_due_s())
        if self._shot:
            due_s = min(due_s, self._shot.due_s())
        wait_s = 0.0 if self._received else due_s - self._clock.monotonic()
        with suppress(Empty):
            self._received.append(self._inbox.get(timeout=max(0.0, wait_s)))
            while True:
                self._received.append(self._inbox.get_nowait())
        return self._received.popleft() if self._received else None

    def _tick(self) -> None:
        """Do what is due."""
        now = self._clock.monotonic()
        if now >= self._show_due_s():
            self._start_playback()
        stood_s = now - self._next_pulse_s
        if stood_s > LONGEST_STEP_S and isinstance(self._shot, ShotLoader):
            self._shot.excuse(stood_s)
        if stood_s > PULSE_EVERY_S:  # this process stood: what was seen of it comes before any end
            self._pulse(now)
        if self._shot:
            self._shot.tick(now)
        self._player.audio.advance_fade(now)
        if now >= self._next_pulse_s:
            self._pulse(now)

    def _pulse(self, now: float) -> None:
        self._next_pulse_s = now + PULSE_EVERY_S
        if isinstance(self._shot, Playback):
            self._shot.send_pulse(now)
        else:
            self._context.send(DeckPulse(at_s=now, take=self._take))

    @property
    def _take(self) -> str | None:
        """The take of the shot that is loaded, being loaded or on air."""
        shot = self._shot
        return None if shot is None or (isinstance(shot, ShotLoader) and shot.failed) else shot.shot.take

    def _loader_of(self, take: str) -> ShotLoader | None:
        return self._shot if isinstance(self._shot, ShotLoader) and self._take == take else None

    # ── commands ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _execute(self, command: DeckCommand) -> None:
        match command:
            case Load() if not any(isinstance(later, Load) for later in self._received):  # else it is outdated
                self._load(command)
            case Show():
                self._order_show(command)
            case CancelShow(take=take):
                self._cancel_show(take)
            case Hide(take=take) if take is None or take == self._take:
                self._hide()
            case SetVolume(take=take, volume=volume) if isinstance(self._shot, Playback) and take == self._take:
                self._player.audio.set_volume(volume)
            case SetAudioDevice(device=device):
                self._player.audio.set_device(device)
            case Blank():
                self._window.blank()  # first: libVLC may take its time to stop
                self._context.send(Blanked(at_s=self._clock.monotonic()))
                self._drop_shot()
            case _:
                pass  # it is for a shot that was replaced

    def _load(self, command: Load) -> None:
        loader = self._loader_of(command.shot.take)
        if loader is None or not loader.loaded:  # a loaded shot was reported before this command came
            self._drop_shot()
            self._shot = self._start_loader(command.shot, at_once=command.at_once)

    def _start_loader(self, shot: Shot, *, at_once: bool) -> ShotLoader:
        if shot.url is not None:
            return StreamLoader(shot, self._context)
        running = (at_once and not shot.loop) or shot.kind is MediaKind.PICTURE  # a running loop may hitch
        return RunningLoader(shot, self._context) if running else PausedLoader(shot, self._context)

    def _order_show(self, command: Show) -> None:
        loader, now = self._loader_of(command.take), self._clock.monotonic()
        if loader:
            at_once = command.at_s is None or now - command.at_s > ON_TIME_S
            show_at_s = now + loader.lead_s if command.at_s is None or at_once else command.at_s
            if loader.loaded and not loader.is_usable_at(show_at_s):
                self._shot = loader = self._start_loader(loader.shot, at_once=at_once)
            loader.show_at_s = show_at_s
        elif self._take != command.take:  # otherwise it was shown meanwhile
            self._context.send(ShotFailed(take=command.take, reason="it was not loaded"))

    def _cancel_show(self, take: str) -> None:
        loader = self._loader_of(take)
        if loader:
            loader.show_at_s = None
        self._context.send(ShowCancelled(take=take))

    def _show_due_s(self) -> float:
        return self._shot.show_due_s() if isinstance(self._shot, ShotLoader) else _NEVER

    def _start_playback(self) -> None:
        loader = self._shot
        assert isinstance(loader, ShotLoader) and loader.show_at_s is not None
        self._shot = Playback(loader, self._context, loader.show_at_s)

    def _hide(self) -> None:
        self._window.hide()
        self._context.send(Hidden(take=self._take))
        self._drop_shot()

    def _drop_shot(self) -> None:
        self._shot = None
        self._player.stop()
