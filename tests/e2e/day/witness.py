"""An independent witness of the display: looks at its middle several hundred times a second and keeps what it saw.

It knows the plain colours of the items and nothing of the player. A display that goes and comes again is followed.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from Xlib.error import ConnectionClosedError, DisplayError

from sync.runtime.clock import SystemClock
from tests.player.pixels import MIDDLE, Colour, PixelReader, is_close

COLOURS: dict[str, Colour] = {
    "red": (255, 0, 0),
    "lime": (0, 255, 0),
    "yellow": (255, 255, 0),
    "magenta": (255, 0, 255),
    "cyan": (0, 255, 255),
    "white": (255, 255, 255),
}
"""The items and ads of the day, by the names that ffmpeg has for their colours."""

FALLBACK, COVER, BLACK, GONE, STRANGE = "fallback", "cover", "black", "no display", "strange"
BESIDE = {FALLBACK: (64, 64, 64), COVER: (128, 128, 128), BLACK: (0, 0, 0)}
_BY = 20  # how far decoding and scaling may move a colour

_EVERY_S = 0.002
_TRY_AGAIN_S = 0.02
_LOST = (ConnectionClosedError, DisplayError, OSError)


def name_of(colour: Colour) -> str:
    """Return what a colour belongs to."""
    return next((name for name, each in (COLOURS | BESIDE).items() if is_close(colour, each, _BY)), STRANGE)


@dataclass(frozen=True, slots=True)
class Run:
    """Looks in a row that saw the same. All instants are of the clock that nobody sets, in seconds."""

    what: str
    before_s: float  # the last look that saw something else
    first_s: float
    last_s: float


@dataclass(frozen=True, slots=True)
class Picture:
    """An item that stood on the display: it came and went between two looks each. `seen_s`: not longer than this."""

    colour: str
    came: tuple[float, float]
    went: tuple[float, float]
    seen_s: float


class Sight:
    """All that the witness saw so far."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.widest_look_s = 0.0  # between two looks at a display that was there
        self.came = 0  # how many pictures so far, but for those under a cover

    def add(self, at_s: float, what: str) -> None:
        """Add one look."""
        if not self.runs:
            self.runs.append(Run(what, at_s, at_s, at_s))
            return
        latest = self.runs[-1]
        if GONE not in (what, latest.what):
            self.widest_look_s = max(self.widest_look_s, at_s - latest.last_s)
        if latest.what == what:
            self.runs[-1] = replace(latest, last_s=at_s)
        else:
            self.runs.append(Run(what, latest.last_s, at_s, at_s))
            self.came += what in COLOURS and latest.what != COVER

    def pictures(self) -> list[Picture]:
        """Return the pictures that came and went while somebody looked, in order.

        A picture that was covered for a while is one. What came or went under a cover did so at any time of it; what
        was there when the display went, went with it.
        """
        runs = self.runs
        spans: list[tuple[int, int]] = []  # the first and the last run of each picture
        for at, run in enumerate(runs):
            if run.what not in COLOURS:
                continue
            under_cover = at >= 2 and runs[at - 1].what == COVER and runs[at - 2].what == run.what
            if under_cover and spans:
                spans[-1] = (spans[-1][0], at)
            else:
                spans.append((at, at))
        return [self._picture(first, last) for first, last in spans if first > 0 and last + 1 < len(runs)]

    def _picture(self, first: int, last: int) -> Picture:
        runs = self.runs
        hidden_before = runs[first - 1].what in (COVER, GONE)
        came_s = runs[first - 1].before_s if hidden_before else runs[first].before_s
        went_s = runs[last + 1].last_s if runs[last + 1].what == COVER else runs[last + 1].first_s
        seen_s = sum(
            runs[at + 1].first_s - runs[at].before_s for at in range(first, last + 1) if runs[at].what in COLOURS
        )
        return Picture(runs[first].what, (came_s, runs[first].first_s), (runs[last].last_s, went_s), seen_s)


@contextmanager
def witnessing(display: str) -> Iterator[Sight]:
    """Look at a display while the block runs, from a thread."""
    sight, stop, clock = Sight(), threading.Event(), SystemClock()

    def look_until_gone() -> None:
        with closing(PixelReader(display)) as reader:
            while not stop.wait(_EVERY_S):
                colour = reader.colour_at(*MIDDLE)
                sight.add(clock.monotonic(), name_of(colour))

    def look() -> None:
        while not stop.is_set():
            try:
                look_until_gone()
            except _LOST:
                sight.add(clock.monotonic(), GONE)
                stop.wait(_TRY_AGAIN_S)

    thread = threading.Thread(target=look, name="witness")
    thread.start()
    try:
        yield sight
    finally:
        stop.set()
        thread.join()
