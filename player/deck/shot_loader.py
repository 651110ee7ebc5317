"""One shot from the command to load it until it can be raised: what every way of loading does alike.

It is opened and plays, unseen and unheard, until libVLC has an output; when it counts as loaded is for each way to say.
"""

from abc import ABC, abstractmethod
from enum import Enum, auto
from pathlib import Path

from player.deck.context import DeckContext
from player.deck.vlc.downscale import downscale
from player.deck.vlc.media_source import MediaSource
from player.deck.vlc.vlc_player import VlcEvent
from player.protocol.deck_messages import Broken, Loaded
from player.protocol.screen import Shot
from sync.wire.release import Fit, MediaKind

LOAD_WITHIN_S = 8.0
PAINT_WITHIN_S = 1.5  # libVLC shows nothing of a video under 0.2 s
LEAD_S = 0.012  # from un-pausing libVLC to a running picture: frame 1 comes a frame and 11-13 ms later, with all codecs
_NEVER = float("inf")


class LoadPhase(Enum):
    """Where a loading stands."""

    OPENING = auto()  # playing, unseen, until there is an output
    ROLLING = auto()  # there is an output; until a picture is painted
    PAUSING = auto()
    SETTLING = auto()  # paused on an early frame, until it is painted; a rewind before that paints nothing at times
    PAINTING = auto()  # rewound to the first frame, not yet painted often enough
    LOADED = auto()
    FAILED = auto()


class ShotLoader(ABC):
    """Begins at once; `shot` is what it loads, the booth's `tell` hears of `Loaded` or `Broken`."""

    lead_s = 0.0
    """How long it takes at least from the order to show it at once until it is raised."""

    since_s: float | None = None
    """When its first picture stood, if it is a film that runs since."""

    _waits = True  # for its turn, which may be long
    _look_every_s = 0.01  # for paint

    def __init__(self, shot: Shot, booth: DeckContext) -> None:
        self.shot = shot
        self._booth = booth
        self._window = booth.window
        self._projector = booth.projector
        self._clock = booth.clock
        self._tell = booth.tell
        self._phase = LoadPhase.OPENING
        self._began_s = self._phase_s = self._clock.monotonic()
        self._repaints = 0
        self._again = True  # whether it may be tried once more
        self._covers = False  # for now, instead of filling
        self._begin()

    @property
    def loaded(self) -> bool:
        """Whether it can be raised."""
        return self._phase is LoadPhase.LOADED

    @property
    def failed(self) -> bool:
        """Whether it led to nothing; libVLC is stopped then."""
        return self._phase is LoadPhase.FAILED

    def keeps(self, at_s: float) -> bool:
        """Tell whether what is loaded is still right if it is raised at `at_s`."""
        return True

    def due_s(self) -> float:
        """Return when to look next."""
        return _NEVER if self.loaded or self.failed else self._clock.monotonic() + self._look_every_s

    @abstractmethod
    def signal(self, what: VlcEvent) -> None:
        """Take note of what libVLC says."""

    @abstractmethod
    def tick(self, now: float) -> None:
        """Do what is due by itself."""

    def _begin(self) -> None:
        if not Path(self.shot.path).is_file():
            self._break("the file is missing")
            return
        self._window.prepare(self.shot.background)
        self._open()

    def _open(self) -> None:
        self._phase, shot = LoadPhase.OPENING, self.shot
        small = self._small()
        if small:
            self._projector.open_source(small, self._stretch)
            return
        self._projector.open(
            shot.path, shot.kind, self._stretch, loop=shot.loop, length_ms=shot.length_ms, waits=self._waits
        )

    def _small(self) -> MediaSource | None:
        if self.shot.kind is not MediaKind.PICTURE:
            return None
        return downscale(self.shot.path, *self._window.area.upright, whole=self.shot.fit is Fit.CONTAIN)

    @property
    def _stretch(self) -> tuple[int, int] | None:
        area = self._window.area
        return area.upright if self.shot.fit is Fit.FILL and not area.sideways else None

    def _lay_out(self) -> None:
        """Fit the window to the picture, now that libVLC has an output, and wait for paint there."""
        self._covers = self._booth.lay_out(self.shot.fit) and self._again  # tried before, it has to do
        self._projector.forget_words()
        self._await_paint(LoadPhase.ROLLING)

    def _distort(self) -> None:
        self._covers = False
        self._booth.distort()
        self._await_paint(self._phase)

    def _await_paint(self, phase: LoadPhase) -> None:
        self._window.painted()
        self._repaints = 0
        self._phase_s = self._clock.monotonic()
        self._phase = phase

    def _give_up(self, now: float, *, stuck: bool) -> None:
        """Try a loading that leads nowhere once more, then end it."""
        if stuck and self._again:
            self._again = False
            self._open()
        elif stuck or now - self._began_s > LOAD_WITHIN_S:
            self._break(self._projector.words or "libVLC paints none of it: too short, or damaged")

    def _through(self, now: float) -> None:
        self._phase, self._phase_s = LoadPhase.LOADED, now
        self._tell(Loaded(take=self.shot.take, took_ms=round((now - self._began_s) * 1000)))

    def _break(self, reason: str) -> None:
        self._tell(Broken(take=self.shot.take, reason=reason))
        self._phase = LoadPhase.FAILED
        self._projector.stop()
