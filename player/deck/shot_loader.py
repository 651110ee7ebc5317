"""Loads one shot into the hidden window: what every kind of loader does alike.

libVLC opens the media and plays it, hidden and muted, until it has a video output. Each kind of loader decides when the
shot counts as loaded.
"""

from abc import ABC, abstractmethod
from pathlib import Path

from player.deck.context import DeckContext
from player.deck.picture_judgement import WatchRecord
from player.deck.shot_states import SHOT_STATES, ShotState
from player.deck.vlc.downscale import downscale
from player.deck.vlc.frame_times import FrameTimes, read_frame_times
from player.deck.vlc.media_source import MediaSource
from player.deck.vlc.vlc_player import VlcEvent
from player.protocol.deck_messages import Loaded, ShotFailed
from player.protocol.stage_interface import Shot
from sync.wire.value_types import Fit, MediaKind

LOAD_WITHIN_S = 8.0
PAINT_WITHIN_S = 1.5  # libVLC shows nothing of a video shorter than 0.2 s
PLAY_LEAD_S = 0.012  # `play` to a moving picture: frame 1 comes 11-13 ms plus one frame later, with all codecs
_MOST_STRETCHES = 2  # tries; then what cannot be distorted covers
_WRONG_PAINTS = 3  # by libVLC, in the old size, once it is given another one while it plays
_NEVER = float("inf")


class ShotLoader(ABC):
    """Loads `shot` from the start on; sends `Loaded` or `ShotFailed`."""

    lead_s = 0.0
    """How long before it is on the display a shot that is shown at once has to be started, at least."""

    first_picture_s: float | None = None
    """When the first picture of a film stood that plays on; None for everything else."""

    frame_times: FrameTimes | None = None
    """When the pictures of a film are due; None if its file does not tell."""

    known_rhythm: WatchRecord | None = None
    """What was learned of a stream while it waited."""

    _delays_sound = True
    """Whether the shot waits for its turn, perhaps for long."""

    _first_paints = 0  # that do not count
    _poll_s = 0.01  # for paints

    def __init__(self, shot: Shot, context: DeckContext) -> None:
        self.shot = shot
        self.state = SHOT_STATES.start
        self.show_at_s: float | None = None  # None: there is no order to show it yet
        self._context = context
        self._window = context.window
        self._player = context.player
        self._clock = context.clock
        self._started_s = self._last_step_s = self._clock.monotonic()
        self._paints = 0
        self._may_retry = True
        self._stretches = 0
        self._must_stretch = False  # after the first paint
        self._begin()

    @property
    def loaded(self) -> bool:
        """Whether it can be shown."""
        return self.state in (ShotState.LOADED, ShotState.EXPIRED)

    @property
    def failed(self) -> bool:
        """Whether it cannot be shown; libVLC is stopped then."""
        return self.state is ShotState.FAILED

    def excuse(self, stood_s: float) -> None:
        """Not count the time in which this process stood: the machine did, or the X server hung."""
        self._started_s += stood_s
        self._last_step_s += stood_s

    def is_usable_at(self, at_s: float) -> bool:
        """Tell whether what is loaded is still its beginning if it is shown at `at_s`."""
        return True

    def show_due_s(self) -> float:
        """Return when playback has to start; never while it is not loaded or there is no order to show it."""
        # The lead also counts for pictures: a busy machine may wake the deck late.
        return self.show_at_s - PLAY_LEAD_S if self.loaded and self.show_at_s is not None else _NEVER

    def due_s(self) -> float:
        """Return when `tick` is due."""
        return _NEVER if self.loaded or self.failed else self._clock.monotonic() + self._poll_s

    @abstractmethod
    def on_event(self, event: VlcEvent) -> None:
        """React to an event of libVLC."""

    @abstractmethod
    def tick(self, now: float) -> None:
        """Do what is due."""

    def _begin(self) -> None:
        if not Path(self.shot.path).is_file():
            self._fail("the file is missing")
            return
        self._window.prepare(self.shot.background)
        self._open()
        if self.shot.kind is MediaKind.VIDEO:
            self.frame_times = read_frame_times(self.shot.path)  # milliseconds, while libVLC opens it

    def _open(self) -> None:
        shot, picture = self.shot, self._downscaled()
        if picture:
            self._player.open_source(picture, self._aspect)
            return
        self._player.open(
            shot.path, shot.kind, self._aspect, loop=shot.loop, length_ms=shot.length_ms, delay_sound=self._delays_sound
        )

    def _downscaled(self) -> MediaSource | None:
        if self.shot.kind is not MediaKind.PICTURE:
            return None
        return downscale(self.shot.path, *self._window.area.upright, fit_inside=self.shot.fit is Fit.CONTAIN)

    @property
    def _aspect(self) -> tuple[int, int] | None:
        area = self._window.area
        return area.upright if self.shot.fit is Fit.FILL and not area.sideways else None

    def _move(self, state: ShotState) -> None:
        self.state = SHOT_STATES.move(self.state, state)

    def _lay_out(self) -> None:
        """Fit the window to the media, now that libVLC has an output, and wait for paints there."""
        self._must_stretch = self._context.lay_out(self.shot.fit) and self._stretches < _MOST_STRETCHES
        self._player.clear_error()
        self._await_paint(ShotState.PLAYING)

    def _follow_shape(self) -> bool:
        """Follow another shape than the media was laid out for; return whether it was another one."""
        fit = Fit.COVER if self._must_stretch else self.shot.fit
        if fit is Fit.FILL or not self._context.follow_shape(fit):
            return False
        self._restart_paint_count()
        self._paints = -_WRONG_PAINTS
        return True

    def _stretch(self) -> None:
        self._must_stretch = False
        self._stretches += 1
        self._context.stretch_to_fill()
        self._restart_paint_count()

    def _await_paint(self, state: ShotState) -> None:
        self._restart_paint_count()
        self._move(state)

    def _restart_paint_count(self) -> None:
        self._window.count_paints()
        self._paints = -self._first_paints
        self._last_step_s = self._clock.monotonic()

    def _give_up(self, now: float, *, stuck: bool) -> None:
        """Open a media that is stuck once more, and again if it was to be distorted; end it if it takes too long."""
        if stuck and (self._may_retry or self._stretches == _MOST_STRETCHES):
            self._stretches += not self._may_retry
            self._open_again()
        elif stuck or now - self._started_s > LOAD_WITHIN_S:
            self._fail(self._player.last_error or "libVLC shows no picture of it: it is too short or damaged")

    def _open_again(self) -> None:
        self._may_retry = False
        self._move(ShotState.OPENING)
        self._open()

    def _succeed(self, now: float, state: ShotState = ShotState.LOADED) -> None:
        self._move(state)
        self._last_step_s = now
        self._context.send(Loaded(take=self.shot.take, took_ms=round((now - self._started_s) * 1000)))

    def _fail(self, reason: str) -> None:
        self._context.send(ShotFailed(take=self.shot.take, reason=reason))
        self._move(ShotState.FAILED)
        self._player.stop()
