"""The deck's X window: where the media lies on the display, how the window is shown and hidden, when it was painted.

A hidden window lies beside the display, not below the other one. So nothing covers the root picture when no deck is on
air. The X Composite extension stores the pixels of a hidden window. Showing it is one request, so the whole picture
changes at once.
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

_FULL_PAINT = 0.9  # of the visible media's pixels
_SPOTS = 16
_ROWS = 8
_BLACK = 16  # of 255; decoders do not show black as 0
_MARGIN = 16  # pixels between a hidden window and the display


@dataclass(frozen=True, slots=True)
class MediaRectangle:
    """A rectangle inside the window, in the window's pixels; it may extend beyond the window (cover)."""

    x: int
    y: int
    width: int
    height: int


def fit_media(area: Area, width: int, height: int, fit: Fit) -> MediaRectangle:
    """Return where upright media of `width` x `height` pixels go in `area`."""
    if fit is Fit.FILL or width < 1 or height < 1:
        return MediaRectangle(0, 0, area.width, area.height)
    across, down = area.upright[0] / width, area.upright[1] / height
    scale = min(across, down) if fit is Fit.CONTAIN else max(across, down)
    scaled_width, scaled_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (area.upright[0] - scaled_width) // 2, (area.upright[1] - scaled_height) // 2
    return MediaRectangle(*area.turned(left, top, scaled_width, scaled_height))


class DeckWindow:
    """One top-level window with a child as large as the media; made by `open_deck_window`, used from one thread."""

    def __init__(self, connection: XDisplay, area: Area) -> None:
        self._connection = connection
        self._area = area
        self._root = connection.screen().root
        self._ceiling_property = connection.intern_atom(CEILING)
        self._top = _create(self._root, area)
        self._canvas = self._top.create_window(
            0, 0, area.width, area.height, 0, X.CopyFromParent, X.InputOutput, X.CopyFromParent
        )
        self._media = fit_media(area, 0, 0, Fit.FILL)
        self._top.composite_redirect_window(composite.RedirectAutomatic)
        self._top.damage_create(damage.DamageReportRawRectangles)
        self._top.map()
        self._canvas.map()
        self._ceiling = self._find_ceiling()

    @property
    def canvas(self) -> int:
        """The id of the X window libVLC paints into."""
        return int(self._canvas.id)

    @property
    def area(self) -> Area:
        """The part of the display this window fills when raised."""
        return self._area

    def prepare(self, background: str) -> None:
        """Hide the window and give it the `background` colour (`#rrggbb`) of the next shot."""
        self.hide()
        self._top.change_attributes(background_pixel=int(background[1:], 16))
        self._canvas.map()
        self._place_canvas(fit_media(self._area, 0, 0, Fit.FILL))

    def place_media(self, width: int, height: int, fit: Fit) -> None:
        """Place media of that size in the window."""
        self._place_canvas(fit_media(self._area, width, height, fit))

    def count_paints(self) -> int:
        """Return how often nearly all of the visible media was painted since the last call."""
        _, _, width, height = self._visible_media()
        paints = 0
        while self._connection.pending_events():
            event = self._connection.next_event()
            painted = getattr(event, "area", None)
            paints += painted is not None and painted.width * painted.height >= _FULL_PAINT * width * height
        return paints

    def output_size(self) -> tuple[int, int]:
        """Return the upright media's size from the window libVLC made in ours; (0, 0) if it has just closed it."""
        inner = self._canvas
        try:
            while children := inner.query_tree().children:
                inner = children[-1]
            size = inner.get_geometry()
        except (error.BadWindow, error.BadDrawable):
            return 0, 0
        return (size.height, size.width) if self._area.sideways else (size.width, size.height)

    def sample_pixels(self) -> bytes:
        """Return a few rows of the media, hidden or not: equal for equal pictures (2 ms)."""
        left, top, width, height = self._visible_media()
        rows = (top + height * (2 * row + 1) // (2 * _ROWS) for row in range(_ROWS))
        return b"".join(self._pixels(left, y, width, 1) for y in rows)

    def has_picture_at_far_edges(self) -> bool:
        """Tell whether the right and the bottom edge of the media are not all black, hidden or not.

        libVLC may paint the old size once more before it follows a change of size. Such a paint begins at the left and
        top edges and may not reach the others.
        """
        left, top, width, height = self._visible_media()
        right, bottom = (left + width - 1, top, 1, height), (left, top + height - 1, width, 1)
        return all(max(self._pixels(*edge)) > _BLACK for edge in (right, bottom))

    def is_black(self) -> bool:
        """Tell whether the media is black at each of a few spots, hidden or not (2 ms)."""
        left, top, width, height = self._visible_media()
        for spot in range(_SPOTS):
            x = left + width * (2 * (spot * 3 % _SPOTS) + 1) // (2 * _SPOTS)  # no two in a row or column
            y = top + height * (2 * spot + 1) // (2 * _SPOTS)
            if max(self._pixels(x, y, 1, 1)[:3]) > _BLACK:
                return False
        return True

    def _visible_media(self) -> tuple[int, int, int, int]:
        """Return left, top, width and height of the media inside the window."""
        width = min(self._media.width, self._area.width)
        height = min(self._media.height, self._area.height)
        return max(0, self._media.x), max(0, self._media.y), width, height

    def _pixels(self, x: int, y: int, width: int, height: int) -> bytes:
        return bytes(self._top.get_image(x, y, width, height, X.ZPixmap, 0xFFFFFF).data)

    def show(self) -> None:
        """Put the window on the display, just below the ceiling window; return when the X server has done it.

        The call waits for the server by reading the ceiling's id, so only a new ceiling needs another round trip. A
        ceiling that no longer exists (its daemon ended) is ignored.
        """
        refused = error.CatchError(error.BadWindow, error.BadMatch)
        self._stack_below(self._ceiling, refused)
        ceiling = self._find_ceiling()
        if ceiling != self._ceiling:
            self._ceiling, refused = ceiling, error.CatchError(error.BadWindow, error.BadMatch)
            self._stack_below(ceiling, refused)
            self._connection.sync()
        if refused.get_error():
            self._stack_below(0, None)
            self._connection.sync()

    def hide(self) -> None:
        """Move the window beside the display; its pixels stay."""
        self._top.configure(x=_hidden_x(self._area), y=self._area.y)
        self._ceiling = self._find_ceiling()  # with an outdated one the next `show` would cover overlays for an instant

    def blank(self) -> None:
        """Cover the display with black."""
        self._canvas.unmap()
        self._top.change_attributes(background_pixel=0)
        self._top.clear_area()
        self.show()

    def _find_ceiling(self) -> int:
        """Return the ceiling's id, 0 if there is none; the X server has then done all earlier requests."""
        found = self._root.get_full_property(self._ceiling_property, Xatom.WINDOW)
        return int(found.value[0]) if found else 0

    def _stack_below(self, ceiling: int, refused: error.CatchError | None) -> None:
        under = {"sibling": ceiling, "stack_mode": X.Below} if ceiling else {"stack_mode": X.Above}
        self._top.configure(refused, x=self._area.x, y=self._area.y, **under)

    def _place_canvas(self, to: MediaRectangle) -> None:
        self._media = to
        self._canvas.configure(x=to.x, y=to.y, width=to.width, height=to.height)
        self._top.clear_area()
        self._connection.sync()


def _hidden_x(area: Area) -> int:
    return -area.width - _MARGIN


def _create(root: Any, area: Area) -> Any:
    window = root.create_window(
        _hidden_x(area), area.y, area.width, area.height, 0, X.CopyFromParent, X.InputOutput, X.CopyFromParent,
        override_redirect=True, background_pixel=0,
    )  # fmt: skip
    empty = window.create_pixmap(1, 1, 1)
    window.change_attributes(cursor=empty.create_cursor(empty, (0, 0, 0), (0, 0, 0), 0, 0))
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
