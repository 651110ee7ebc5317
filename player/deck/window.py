"""The deck's X window: where on the display a shot lies, how it is raised and hidden, and when it was painted.

A hidden deck lies beside the display, not below: then nothing covers the root picture when no deck is on air. The X
Composite extension keeps the pixels of a window nobody can see; raising it is one request, so one picture.
"""

from dataclasses import dataclass
from typing import Any

from Xlib import X, Xatom, error
from Xlib.display import Display as XDisplay
from Xlib.ext import composite, damage

from player.platform.geometry import Area
from player.platform.x11 import CEILING, connect_x
from sync.errors import ScreenFailed
from sync.wire.release import Fit

_MOST_OF_IT = 0.9
_SPOTS = 16
_ROWS = 8
_BLACK = 16  # of 255: what decoders make of black


@dataclass(frozen=True, slots=True)
class MediaRectangle:
    """A rectangle inside the window, in its own pixels; it may stand over the edges (cover)."""

    x: int
    y: int
    width: int
    height: int


def fit_media(area: Area, width: int, height: int, fit: Fit) -> MediaRectangle:
    """Say where media of `width` x `height` pixels, seen upright, goes in `area`."""
    if fit is Fit.FILL or width < 1 or height < 1:
        return MediaRectangle(0, 0, area.width, area.height)
    across, down = area.upright[0] / width, area.upright[1] / height
    scale = min(across, down) if fit is Fit.CONTAIN else max(across, down)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    return MediaRectangle(*area.turned((area.upright[0] - wide) // 2, (area.upright[1] - high) // 2, wide, high))


class DeckWindow:
    """One top-level window with a child as big as the media; made by `open_window`, used from one thread."""

    def __init__(self, connection: XDisplay, area: Area) -> None:
        self._connection = connection
        self._area = area
        self._root = connection.screen().root
        self._property = connection.intern_atom(CEILING)
        self._top = _create(self._root, area)
        self._child = self._top.create_window(
            0, 0, area.width, area.height, 0, X.CopyFromParent, X.InputOutput, X.CopyFromParent
        )
        self._place = fit_media(area, 0, 0, Fit.FILL)
        self._top.composite_redirect_window(composite.RedirectAutomatic)
        self._top.damage_create(damage.DamageReportRawRectangles)
        self._top.map()
        self._child.map()
        self._ceiling = self._find_ceiling()

    @property
    def canvas(self) -> int:
        """The id of the X window libVLC paints into."""
        return int(self._child.id)

    @property
    def area(self) -> Area:
        """The part of the display this window fills when raised."""
        return self._area

    def prepare(self, background: str) -> None:
        """Make ready, unseen, for a shot with `background` (`#rrggbb`) beside it."""
        self.lower()
        self._top.change_attributes(background_pixel=int(background[1:], 16))
        self._child.map()
        self._move_child(fit_media(self._area, 0, 0, Fit.FILL))

    def fit(self, width: int, height: int, fit: Fit) -> MediaRectangle:
        """Lay out media of that size and return where it went."""
        self._move_child(fit_media(self._area, width, height, fit))
        return self._place

    def painted(self) -> int:
        """Return how often nearly all of the visible media was painted since the last call."""
        width = min(self._place.width, self._area.width)
        height = min(self._place.height, self._area.height)
        times = 0
        while self._connection.pending_events():
            event = self._connection.next_event()
            spot = getattr(event, "area", None)
            times += spot is not None and spot.width * spot.height >= _MOST_OF_IT * width * height
        return times

    def output_size(self) -> tuple[int, int]:
        """Return the media's size upright, by the window libVLC made in ours; (0, 0) if that just went."""
        inner = self._child
        try:
            while children := inner.query_tree().children:
                inner = children[-1]
            size = inner.get_geometry()
        except (error.BadWindow, error.BadDrawable):
            return 0, 0
        return (size.height, size.width) if self._area.sideways else (size.width, size.height)

    def glance(self) -> bytes:
        """Return a few rows of the media as they stand, on the display or aside: equal for equal pictures (2 ms)."""
        left, top = max(0, self._place.x), max(0, self._place.y)
        width = min(self._place.width, self._area.width)
        height = min(self._place.height, self._area.height)
        rows = (top + height * (2 * row + 1) // (2 * _ROWS) for row in range(_ROWS))
        return b"".join(self._top.get_image(left, y, width, 1, X.ZPixmap, 0xFFFFFF).data for y in rows)

    def is_filled(self) -> bool:
        """Tell whether there are pixels that are not black at the far edges of the media, aside or on the display.

        What libVLC paints before it follows a change of size begins at the near ones, and may not reach them.
        """
        left, top = max(0, self._place.x), max(0, self._place.y)
        width = min(self._place.width, self._area.width)
        height = min(self._place.height, self._area.height)
        right, bottom = (left + width - 1, top, 1, height), (left, top + height - 1, width, 1)
        strips = (self._top.get_image(*strip, X.ZPixmap, 0xFFFFFF).data for strip in (right, bottom))
        return all(max(strip) > _BLACK for strip in strips)

    def is_black(self) -> bool:
        """Tell whether the media is black at each of a few spots, on the display or aside (2 ms)."""
        left, top = max(0, self._place.x), max(0, self._place.y)
        width = min(self._place.width, self._area.width)
        height = min(self._place.height, self._area.height)
        for spot in range(_SPOTS):
            x = left + width * (2 * (spot * 3 % _SPOTS) + 1) // (2 * _SPOTS)  # no two in a row or column
            y = top + height * (2 * spot + 1) // (2 * _SPOTS)
            if max(self._top.get_image(x, y, 1, 1, X.ZPixmap, 0xFFFFFF).data[:3]) > _BLACK:
                return False
        return True

    def show(self) -> None:
        """Put the window over everything but the ceiling, at once; returns when the X server has done it.

        Reading the ceiling's id is the round trip that waits for the server anyway: only a new one costs another. One
        that is gone (its daemon ended) is passed over.
        """
        refused = error.CatchError(error.BadWindow, error.BadMatch)
        self._raise_below(self._ceiling, refused)
        ceiling = self._find_ceiling()
        if ceiling != self._ceiling:
            self._ceiling, refused = ceiling, error.CatchError(error.BadWindow, error.BadMatch)
            self._raise_below(ceiling, refused)
            self._connection.sync()
        if refused.get_error():
            self._raise_below(0, None)
            self._connection.sync()

    def lower(self) -> None:
        """Take the window off the display; its pixels are kept."""
        self._top.configure(x=self._aside, y=self._area.y)
        self._ceiling = self._find_ceiling()  # with the wrong one the next `show` would cover overlays for an instant

    def blank(self) -> None:
        """Cover the display with black."""
        self._child.unmap()
        self._top.change_attributes(background_pixel=0)
        self._top.clear_area()
        self.show()

    def _find_ceiling(self) -> int:
        """Return the ceiling's id, 0 if there is none; the X server has done by then what it was asked before."""
        found = self._root.get_full_property(self._property, Xatom.WINDOW)
        return int(found.value[0]) if found else 0

    def _raise_below(self, ceiling: int, refused: error.CatchError | None) -> None:
        under = {"sibling": ceiling, "stack_mode": X.Below} if ceiling else {"stack_mode": X.Above}
        self._top.configure(refused, x=self._area.x, y=self._area.y, **under)

    @property
    def _aside(self) -> int:
        return -self._area.width - 16

    def _move_child(self, to: MediaRectangle) -> None:
        self._place = to
        self._child.configure(x=to.x, y=to.y, width=to.width, height=to.height)
        self._top.clear_area()
        self._connection.sync()


def _create(root: Any, area: Area) -> Any:
    window = root.create_window(
        -area.width - 16, area.y, area.width, area.height, 0, X.CopyFromParent, X.InputOutput, X.CopyFromParent,
        override_redirect=True, background_pixel=0,
    )  # fmt: skip
    nothing = window.create_pixmap(1, 1, 1)
    window.change_attributes(cursor=nothing.create_cursor(nothing, (0, 0, 0), (0, 0, 0), 0, 0))
    window.set_wm_name("signage-player deck")
    return window


def open_deck_window(name: str, area: Area) -> DeckWindow:
    """Open the deck's window on X server `name`, hidden.

    Raises:
        ScreenFailed: no X server, or one without the Composite and Damage extensions.
    """
    connection = connect_x(name)
    for extension in ("Composite", "DAMAGE"):
        if not connection.has_extension(extension):
            raise ScreenFailed(f"X server {name!r} lacks the {extension} extension; start it with +extension Composite")
    connection.composite_query_version()
    connection.damage_query_version()
    return DeckWindow(connection, area)
