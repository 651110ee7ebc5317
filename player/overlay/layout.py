"""Where overlays lie and how a ticker moves: pure functions of sizes and times, in the pixels the shop sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync.wire.overlay import Corner, Edge, Logo, Overlay, Ticker

REFRESH_HZ = 60


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the screen as the shop sees it."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class TickerMotion:
    """`pixels` further at every `every`-th refresh of the display, starting over after `period`.

    Whole pixels at even intervals: a speed in between would make a text tremble.
    """

    pixels: int
    every: int
    period: int
    backwards: bool = False  # to the right

    def offset(self, refresh: int) -> int:
        """Return how far the text has run at a refresh, counted from its first."""
        return refresh // self.every * self.pixels % self.period

    def left(self, refresh: int, width: int) -> int:
        """Return where in a bar of that width the first of the texts side by side begins: at its left end or before."""
        offset = self.offset(refresh)
        return (width + offset) % self.period - self.period if self.backwards else -offset

    def next_refresh(self, refresh: int) -> int:
        """Return the refresh of the next step after this one."""
        return (refresh // self.every + 1) * self.every


def motion(speed_percent: int, screen_height: int, period: int, *, backwards: bool = False) -> TickerMotion:
    """Return the motion nearest to a speed: `speed_percent` of the screen's height a second."""
    a_refresh = speed_percent * screen_height / 100 / REFRESH_HZ
    if a_refresh >= 1:
        return TickerMotion(round(a_refresh), 1, period, backwards)
    return TickerMotion(1, round(1 / a_refresh), period, backwards)


def lay_out(
    width: int, height: int, overlays: Sequence[Overlay], pictures: Mapping[str, tuple[int, int]]
) -> dict[str, Box]:
    """Return the place of each overlay by id: tickers from the edge inwards, logos in what tickers leave.

    `pictures` are the sizes of the logos' pictures by asset; a logo without one gets no place.
    """
    places: dict[str, Box] = {}
    taken = {Edge.TOP: 0, Edge.BOTTOM: 0}
    for overlay in overlays:
        if isinstance(overlay, Ticker):
            high = max(1, height * overlay.height_percent // 100)
            before = taken[overlay.edge]
            places[overlay.id] = Box(0, before if overlay.edge is Edge.TOP else height - before - high, width, high)
            taken[overlay.edge] = before + high
    for overlay in overlays:
        if isinstance(overlay, Logo) and overlay.asset in pictures:
            free = Box(0, taken[Edge.TOP], width, max(1, height - taken[Edge.TOP] - taken[Edge.BOTTOM]))
            places[overlay.id] = _in_corner(free, overlay, width, height, pictures[overlay.asset])
    return places


def _in_corner(free: Box, logo: Logo, width: int, height: int, picture: tuple[int, int]) -> Box:
    margin = min(width, height) * logo.margin_percent // 100
    room = max(1, free.height - 2 * margin)
    scale = min(width * logo.width_percent / 100 / picture[0], room / picture[1])
    wide, high = max(1, round(picture[0] * scale)), max(1, round(picture[1] * scale))
    left = logo.corner in (Corner.TOP_LEFT, Corner.BOTTOM_LEFT)
    top = logo.corner in (Corner.TOP_LEFT, Corner.TOP_RIGHT)
    x = margin if left else width - margin - wide
    y = free.y + (margin if top else max(0, free.height - margin - high))
    return Box(x, y, wide, high)
