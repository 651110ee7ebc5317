"""What the shop sees, 200 times a second: the film moving or standing, another item, the fallback, black."""

import math
import statistics
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from Xlib import X
from Xlib.display import Display

from sync.runtime.clock import SystemClock

EVERY_S = 0.005
MOVING_ROW = 40  # where the bar of the film passes
_BY = 60  # how far decoding and scaling may move a colour


class Kind(StrEnum):
    """What stands in the middle of the display."""

    FILM = "film"
    ITEM = "item"  # any other
    FALLBACK = "fallback"
    BLACK = "black"
    STRANGE = "strange"


COLOURS = {
    Kind.FILM: ((0, 0, 255),),
    Kind.ITEM: ((0, 255, 0), (255, 0, 0)),
    Kind.FALLBACK: ((255, 255, 0),),
    Kind.BLACK: ((0, 0, 0),),
}


def kind_of(pixel: bytes) -> Kind:
    """Tell what a pixel (blue, green, red) belongs to."""
    for kind, colours in COLOURS.items():
        if any(all(abs(a - b) <= _BY for a, b in zip(pixel[2::-1], colour, strict=True)) for colour in colours):
            return kind
    return Kind.STRANGE


@dataclass(frozen=True, slots=True)
class Sight:
    """One look; `moved`: the picture was another one than at the look before."""

    at_s: float
    kind: Kind
    moved: bool


@dataclass(frozen=True, slots=True)
class Account:
    """What the shop saw from a fault until the next item stood, in seconds."""

    next_item_s: float
    stopped_s: float  # from the film's last new picture, or its going, to the next item
    frozen_s: float
    fallback_s: float
    black_s: float
    widest_look_s: float


def account(sights: Sequence[Sight], struck_s: float) -> Account | None:
    """Return what was seen since the fault; None while no other item stands yet."""
    next_s = next((sight.at_s for sight in sights if sight.at_s >= struck_s and sight.kind is Kind.ITEM), None)
    if next_s is None:
        return None
    before = [sight for sight in sights if sight.at_s < next_s]
    moved_s = max((sight.at_s for sight in before if sight.kind is Kind.FILM and sight.moved), default=struck_s)
    since = [sight for sight in sights if min(struck_s, moved_s) - EVERY_S <= sight.at_s <= next_s]
    times = dict.fromkeys(Kind, 0.0)
    for sight, following in pairwise(since):
        if sight.kind is not Kind.FILM or sight.at_s >= moved_s:
            times[sight.kind] += following.at_s - sight.at_s
    return Account(
        next_item_s=next_s - struck_s,
        stopped_s=next_s - max(moved_s, struck_s),
        frozen_s=times[Kind.FILM],
        fallback_s=times[Kind.FALLBACK],
        black_s=times[Kind.BLACK] + times[Kind.STRANGE],
        widest_look_s=max(later.at_s - sooner.at_s for sooner, later in pairwise(since)),
    )


@dataclass(slots=True)
class View:
    """All that was seen so far."""

    sights: list[Sight] = field(default_factory=list)

    @property
    def latest(self) -> Kind:
        """What stands there now."""
        return self.sights[-1].kind if self.sights else Kind.BLACK


@contextmanager
def watching(name: str, size: tuple[int, int]) -> Iterator[View]:
    """Look at the display while the block runs, from a thread."""
    view, stop, clock = View(), threading.Event(), SystemClock()
    connection = Display(name)
    root = connection.screen().root

    def look() -> None:
        seen = b""
        while not stop.wait(EVERY_S):
            row = root.get_image(0, MOVING_ROW, size[0], 1, X.ZPixmap, 0xFFFFFFFF).data
            middle = root.get_image(size[0] // 2, size[1] // 2, 1, 1, X.ZPixmap, 0xFFFFFFFF).data
            view.sights.append(Sight(clock.monotonic(), kind_of(middle), row != seen))
            seen = row

    thread = threading.Thread(target=look, name="eye")
    thread.start()
    try:
        yield view
    finally:
        stop.set()
        thread.join()
        connection.close()


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Return median and maximum in milliseconds; no number (NaN) of no times."""
    seconds = seconds or (math.nan,)
    return {"median": 1000 * statistics.median(seconds), "max": 1000 * max(seconds)}
