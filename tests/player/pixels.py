"""Reads the pixels of the display: single ones, or a recording of 250 a second from a thread of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from Xlib import X
from Xlib.display import Display as XDisplay

from player.platform.geometry import Area
from sync.runtime.clock import SystemClock

Colour = tuple[int, int, int]
SCREEN = Area(width=640, height=360)  # of the X servers that tests start: small, for they draw without hardware
MIDDLE = (320, 180)
RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def is_close(colour: Colour, other: Colour, by: int = 12) -> bool:
    """Tell whether two colours are the same, apart from small changes by decoding and scaling."""
    return all(abs(a - b) <= by for a, b in zip(colour, other, strict=True))


class PixelReader:
    """Reads single pixels of the display."""

    def __init__(self, name: str) -> None:
        self._connection = XDisplay(name)
        self._root = self._connection.screen().root

    def colour_at(self, x: int, y: int) -> Colour:
        blue, green, red = self._root.get_image(x, y, 1, 1, X.ZPixmap, 0xFFFFFFFF).data[:3]
        return red, green, blue

    def close(self) -> None:
        self._connection.close()


@dataclass
class ScreenRecording:
    """Samples: the instant, and the colours at some spots of the middle row: left, middle, right unless told."""

    samples: list[tuple[float, tuple[Colour, ...]]] = field(default_factory=list)

    def runs(self) -> list[tuple[tuple[Colour, ...], float, float]]:
        """Return (colours, first seen, last seen) for each run of samples with the same colours."""
        grouped = (list(same) for _, same in groupby(self.samples, key=lambda sample: sample[1]))
        return [(run[0][1], run[0][0], run[-1][0]) for run in grouped]

    def unexpected(self, *known: Colour) -> list[tuple[Colour, ...]]:
        """Return the colours of every run in which a spot had none of the known colours."""
        return [
            colours
            for colours, _, _ in self.runs()
            if not all(any(is_close(colour, each) for each in known) for colour in colours)
        ]

    def first_seen_s(self, colour: Colour, after_s: float = 0.0) -> float:
        """Return when the middle first had that colour, not before `after_s`."""
        return next(at for at, colours in self.samples if at >= after_s and is_close(colours[1], colour))

    def longest_gap_s(self) -> float:
        """Return the longest time between two samples: the error of all times here."""
        return max(later[0] - sooner[0] for sooner, later in pairwise(self.samples))


@contextmanager
def recording_screen(name: str, *, across: tuple[float, ...] = (0.25, 0.5, 0.75)) -> Iterator[ScreenRecording]:
    """Sample the display every 4 ms or so while the block runs, as `script/bench seam` does, at shares of its width."""
    recording, stop, clock = ScreenRecording(), threading.Event(), SystemClock()
    connection = XDisplay(name)
    root = connection.screen().root
    size = root.get_geometry()
    columns = [int(size.width * share) for share in across]

    def sample() -> None:
        while not stop.wait(0.004):
            row = root.get_image(0, size.height // 2, size.width, 1, X.ZPixmap, 0xFFFFFFFF).data
            spots = (row[4 * x : 4 * x + 3] for x in columns)
            recording.samples.append((clock.monotonic(), tuple((r, g, b) for b, g, r in spots)))

    thread = threading.Thread(target=sample, name="recording")
    thread.start()
    try:
        yield recording
    finally:
        stop.set()
        thread.join()
        connection.close()


@contextmanager
def deck_blacked_out(name: str) -> Iterator[None]:
    """Let the deck on air show black, as if its output had failed."""
    connection = XDisplay(name)
    decks = [window for window in connection.screen().root.query_tree().children if window.get_geometry().x == 0]
    (deck,) = (window for window in decks if window.get_wm_name() == "signage-player deck")
    deck.create_window(0, 0, SCREEN.width, SCREEN.height, 0, X.CopyFromParent, background_pixel=0).map()
    connection.sync()
    try:
        yield
    finally:
        connection.close()


async def wait_until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    """Wait until a condition is true; fail if it is not within `within_s`."""
    clock = SystemClock()
    by_s = clock.monotonic() + within_s
    while not condition():
        assert clock.monotonic() < by_s, "the condition was not true in time"
        await clock.sleep(0.01)
