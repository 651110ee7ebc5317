"""One shot from the command to load it until its first frame stands in the hidden window.

It is opened and played, muted, until libVLC has an output; then it is paused, rewound to its first frame, and counts
as loaded when that frame was painted.
"""

from enum import Enum, auto
from pathlib import Path

from player.deck.booth import Booth
from player.deck.projector import What
from player.deck.shrink import shrink
from player.deck.source import Source
from player.screen import Broken, Loaded, Shot
from sync.release import Fit, MediaKind

LOAD_WITHIN_S = 8.0
PAINT_WITHIN_S = 1.5  # libVLC shows nothing of a video under 0.2 s
REWIND_WITHIN_S = 3.0  # of a film that moves; else it is opened once more
STILL_REPAINTS = 9  # of the same picture: the film opens with a still one, the rewind is through
_LOOK_EVERY_S = 0.01  # for paint
_NEVER = float("inf")


class Phase(Enum):
    """Where a loading stands."""

    OPENING = auto()  # playing, unseen, until there is an output
    ROLLING = auto()  # there is an output; until a picture is painted: paused before that, it may never be
    PAUSING = auto()
    SETTLING = auto()  # paused on an early frame, until it is painted; a rewind before that paints nothing at times
    PAINTING = auto()  # rewound to the first frame, not yet painted often enough
    LOADED = auto()
    FAILED = auto()


# Full paints to wait for. Of a resized output the first is black; a paused one is repainted every 60 ms.
_REPAINTS = {Phase.ROLLING: 2, Phase.SETTLING: 2, Phase.PAINTING: 3}


class Loading:
    """Begins at once; `shot` is what it loads, `tell` hears of `Loaded` or `Broken`."""

    def __init__(self, shot: Shot, booth: Booth) -> None:
        self.shot = shot
        self._booth = booth
        self._window = booth.window
        self._projector = booth.projector
        self._clock = booth.clock
        self._tell = booth.tell
        self._phase = Phase.OPENING
        self._began_s = self._since_s = self._clock.monotonic()
        self._repaints = 0
        self._again = True  # whether it may be tried once more
        self._covers = False  # for now, instead of filling
        self._early = b""  # the picture before the rewind
        self._moves = False  # whether the film was seen to move before that, so that the rewind must be seen too
        self._begin()

    @property
    def loaded(self) -> bool:
        """Whether the first frame stands there."""
        return self._phase is Phase.LOADED

    @property
    def failed(self) -> bool:
        """Whether it led to nothing; libVLC is stopped then."""
        return self._phase is Phase.FAILED

    def due_s(self) -> float:
        """Return when to look next."""
        return _NEVER if self.loaded or self.failed else self._clock.monotonic() + _LOOK_EVERY_S

    def _begin(self) -> None:
        if not Path(self.shot.path).is_file():
            self._break("the file is missing")
            return
        self._window.prepare(self.shot.background)
        self._open()

    def _open(self) -> None:
        self._phase = Phase.OPENING
        small = self._small()
        if small:
            self._projector.open_source(small, self._stretch)
        else:
            shot = self.shot
            self._projector.open(shot.path, shot.kind, self._stretch, loop=shot.loop, length_ms=shot.length_ms)

    def _small(self) -> Source | None:
        if self.shot.kind is not MediaKind.PICTURE:
            return None
        return shrink(self.shot.path, *self._window.area.upright, whole=self.shot.fit is Fit.CONTAIN)

    @property
    def _stretch(self) -> tuple[int, int] | None:
        area = self._window.area
        return area.upright if self.shot.fit is Fit.FILL and not area.sideways else None

    # ── libVLC ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def signal(self, what: What) -> None:
        """Take note of what libVLC says."""
        match self._phase, what:
            case ((Phase.OPENING | Phase.ROLLING), What.VOUT):  # again for each output libVLC tries
                self._covers = self._booth.lay_out(self.shot.fit)
                self._projector.forget_words()
                self._await_paint(Phase.ROLLING)
            case ((Phase.ROLLING | Phase.PAUSING), What.PAUSED):
                self._await_paint(Phase.SETTLING)
            case ((Phase.OPENING | Phase.PAUSING | Phase.PAINTING), (What.ENDED | What.FAILED | What.PAUSED)):
                self._break(self._projector.words or "there is no picture in it")
            case _:
                pass

    # ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def look(self, now: float) -> None:
        """Do what is due by itself."""
        if self._phase in _REPAINTS:
            self._repaints += self._window.painted()
            if self._repaints >= _REPAINTS[self._phase]:
                self._distort() if self._covers else self._repainted(now)
        if not self.loaded and not self.failed:
            self._projector.voice.hush()
            self._give_up(now)

    def _give_up(self, now: float) -> None:
        """Try a loading that leads nowhere once more, then end it."""
        wanted = _REPAINTS.get(self._phase, 0)
        unpainted = self._repaints < wanted and now - self._since_s > PAINT_WITHIN_S
        unseen = self._moves and self._phase is Phase.PAINTING and now - self._since_s > REWIND_WITHIN_S
        if (unpainted or unseen) and self._again:
            self._again = False
            self._open()
        elif unpainted or now - self._began_s > LOAD_WITHIN_S:
            self._break(self._projector.words or "libVLC paints none of it: too short, or damaged")

    def _distort(self) -> None:
        self._covers = False
        self._booth.distort()
        self._await_paint(self._phase)

    def _repainted(self, now: float) -> None:
        if self._phase is Phase.ROLLING:
            self._early = self._window.glance()
            self._projector.hold()
            self._phase = Phase.PAUSING
        elif self._phase is Phase.SETTLING and self._rewind():
            self._await_paint(Phase.PAINTING)
        elif not self._is_rewinding():
            self._phase = Phase.LOADED
            self._tell(Loaded(take=self.shot.take, took_ms=round((now - self._began_s) * 1000)))

    def _rewind(self) -> bool:
        rolling, self._early = self._early, self._window.glance()
        self._moves = self._again and self._early != rolling
        return self._projector.rewind()

    def _is_rewinding(self) -> bool:
        """Tell whether the early frame may stand there still: libVLC does not say when a rewind is through.

        A film that moved before must change. One that did not may open with a still picture; after so many repaints,
        which take longer on a busy machine, it does.
        """
        soon = self._moves or self._repaints < STILL_REPAINTS
        return self._phase is Phase.PAINTING and soon and self._window.glance() == self._early

    def _await_paint(self, phase: Phase) -> None:
        self._window.painted()
        self._repaints = 0
        self._since_s = self._clock.monotonic()
        self._phase = phase

    def _break(self, reason: str) -> None:
        self._tell(Broken(take=self.shot.take, reason=reason))
        self._phase = Phase.FAILED
        self._projector.stop()
