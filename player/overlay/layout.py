"""Where overlays lie and how a ticker moves: pure functions of sizes and times, in pixels of the upright screen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync.wire.overlay import Corner, Edge, Logo, Overlay, Ticker

REFRESH_HZ = 60


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the upright screen."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class TickerMotion:
    """A step of `pixels` at every `every`-th refresh of the display, starting again after `period` pixels.

    Whole pixels at equal intervals: with a speed in between a text would tremble. `rightwards`: it moves to the right.
    """

    pixels: int
    every: int
    period: int
    rightwards: bool = False

    def offset(self, refresh: int) -> int:
        """Return how far the text has moved at a refresh, counted from its first."""
        return refresh // self.every * self.pixels % self.period

    def first_x(self, refresh: int, width: int) -> int:
        """Return where in a bar of that width the first copy of the text begins: 0 or less."""
        offset = self.offset(refresh)
        return (width + offset) % self.period - self.period if self.rightwards else -offset

    def next_refresh(self, refresh: int) -> int:
        """Return the refresh of the next step."""
        return (refresh // self.every + 1) * self.every


def ticker_motion(speed_percent: int, screen_height: int, period: int, *, rightwards: bool = False) -> TickerMotion:
    """Return the motion nearest to a speed: `speed_percent` of the screen's height a second."""
    pixels_per_refresh = speed_percent * screen_height / 100 / REFRESH_HZ
    if pixels_per_refresh >= 1:
        return TickerMotion(round(pixels_per_refresh), 1, period, rightwards)
    return TickerMotion(1, round(1 / pixels_per_refresh), period, rightwards)


def lay_out(
    width: int, height: int, overlays: Sequence[Overlay], logo_sizes: Mapping[str, tuple[int, int]]
) -> dict[str, Box]:
    """Return the box of each overlay by id: tickers from the edge inwards, logos in the space between them.

    `logo_sizes` are the sizes of the logos' pictures by asset; a logo without one gets no box.
    """
    boxes: dict[str, Box] = {}
    used = {Edge.TOP: 0, Edge.BOTTOM: 0}
    for overlay in overlays:
        if isinstance(overlay, Ticker):
            bar_height = max(1, height * overlay.height_percent // 100)
            before = used[overlay.edge]
            y = before if overlay.edge is Edge.TOP else height - before - bar_height
            boxes[overlay.id] = Box(0, y, width, bar_height)
            used[overlay.edge] = before + bar_height
    for overlay in overlays:
        if isinstance(overlay, Logo) and overlay.asset in logo_sizes:
            free = Box(0, used[Edge.TOP], width, max(1, height - used[Edge.TOP] - used[Edge.BOTTOM]))
            boxes[overlay.id] = _corner_box(free, overlay, Box(0, 0, width, height), logo_sizes[overlay.asset])
    return boxes


def _corner_box(free: Box, logo: Logo, screen: Box, picture: tuple[int, int]) -> Box:
    margin = min(screen.width, screen.height) * logo.margin_percent // 100
    max_height = max(1, free.height - 2 * margin)
    scale = min(screen.width * logo.width_percent / 100 / picture[0], max_height / picture[1])
    width, height = max(1, round(picture[0] * scale)), max(1, round(picture[1] * scale))
    left = logo.corner in (Corner.TOP_LEFT, Corner.BOTTOM_LEFT)
    top = logo.corner in (Corner.TOP_LEFT, Corner.TOP_RIGHT)
    x = margin if left else screen.width - margin - width
    y = free.y + (margin if top else max(0, free.height - margin - height))
    return Box(x, y, width, height)
