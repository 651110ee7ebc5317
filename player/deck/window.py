"""The deck's X window: where the media lies on the display, how the window is shown and hidden, when it was painted.

A hidden window lies beside the display, not below the other one. So nothing covers the root picture when no deck is on
air. The X Composite extension stores the pixels of a hidden window. Showing it is one request, so the whole picture
changes at once. Any program can move, resize, unmap or cover it, so while it is on air the deck looks after it.
"""

import logging
import select
from dataclasses import dataclass
from typing import Any

from Xlib import X, Xatom, error
from Xlib.display import Display as XDisplay
from Xlib.ext import composite, damage
from Xlib.protocol import event as x_events

from player.platform.geometry import Area
from player.platform.x11 import CEILING, NAME_PREFIX, WindowOrder, connect_x
from sync.errors import ScreenFailed
from sync.wire.value_types import Fit

_FULL_PAINT = 0.9  # of the visible media's pixels
_SPOTS = 16
_ROWS = 8
_BLACK = 16  # of 255; decoders do not show black as 0
_MARGIN = 16  # pixels between a hidden window and the display
_LARGEST = 16384  # pixels of an edge: X has 16 bits with a sign, and libVLC's pictures grow with it
_ROUNDING = 2  # pixels by which libVLC's window may be smaller than ours
_SETTLED_PAINTS = 3  # of libVLC's window, which has other shapes while libVLC begins

log = logging.getLogger(__name__)


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
    scale = min(across, down) if fit is Fit.CONTAIN else min(max(across, down), _LARGEST / max(width, height))
    scaled_width, scaled_height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (area.upright[0] - scaled_width) // 2, (area.upright[1] - scaled_height) // 2
    return MediaRectangle(*area.turned(left, top, scaled_width, scaled_height))


class DeckWindow:
    """One top-level window with a child, the canvas, as large as the media; made by `open_deck_window`.

    Most outputs of libVLC put a window of their own into the canvas, in the shape in which people are to see the media.
    Those that use OpenGL paint the canvas itself. Used from one thread, but for `wait_for_loss`.
    """

    def __init__(self, connection: XDisplay, area: Area) -> None:
        self._connection = connection
        self._area = area
        self._root = connection.screen().root
        self._order = WindowOrder(connection)
        self._ceiling_property = connection.intern_atom(CEILING)
        self._top = _create(self._root, area)
        self._canvas = self._top.create_window(
            0, 0, area.width, area.height, 0, X.CopyFromParent, X.InputOutput, X.CopyFromParent,
            event_mask=X.SubstructureNotifyMask,
        )  # fmt: skip
        self._output: tuple[int, int] | None = None  # the size of libVLC's own window
        self._output_id = 0
        self._output_paints = 0  # since it has this size in this canvas
        self._paints = 0
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

    def wait_for_loss(self) -> None:
        """Block until the X server has closed the connection; for a thread of its own, and nothing is read."""
        closing = select.poll()
        closing.register(self._connection.fileno(), select.POLLRDHUP)
        closing.poll()

    def prepare(self, background: str, *, may_change: bool = False) -> None:
        """Hide the window and give it the `background` colour (`#rrggbb`) of the next shot.

        `may_change`: the media may change its shape. Then the X server paints the background where libVLC's window no
        longer is. With other media it would do so for an instant when the deck crashes.
        """
        self.hide()
        self._top.change_attributes(background_pixel=int(background[1:], 16))
        if may_change:
            self._canvas.change_attributes(background_pixel=int(background[1:], 16))
        else:
            self._canvas.change_attributes(background_pixmap=X.NONE)
        self._canvas.map()
        self._place_canvas(fit_media(self._area, 0, 0, Fit.FILL))

    def place_media(self, width: int, height: int, fit: Fit) -> bool:
        """Place media of that size in the window; return whether it was in another place."""
        before = self._media
        self._place_canvas(fit_media(self._area, width, height, fit))
        return self._media != before

    def count_paints(self) -> int:
        """Return how often nearly all of the visible media was painted since the last call."""
        self._read_events()
        paints, self._paints = self._paints, 0
        return paints

    def _read_events(self) -> None:
        while self._connection.pending_events():
            event = self._connection.next_event()
            match event:
                case x_events.CreateNotify():
                    self._output_id = event.window.id
                    self._set_output((event.width, event.height))
                case x_events.ConfigureNotify() if event.window.id == self._output_id:
                    self._set_output((event.width, event.height))
                case x_events.DestroyNotify() if event.window.id == self._output_id:
                    self._set_output(None)
                case _ if (painted := getattr(event, "area", None)) is not None:  # python-xlib copies the class
                    self._count(painted.width * painted.height)

    def _set_output(self, size: tuple[int, int] | None) -> None:
        if size != self._output:
            self._output, self._output_paints, self._paints = size, 0, 0  # what was painted before was of another size

    def _count(self, painted: int) -> None:
        """Count a paint of so many pixels."""
        _, _, width, height = self._visible_media()
        self._paints += painted >= _FULL_PAINT * width * height
        if self._output:
            width, height = min(width, self._output[0]), min(height, self._output[1])
            self._output_paints += painted >= _FULL_PAINT * width * height

    @property
    def has_output(self) -> bool:
        """Whether libVLC has a window of its own in the canvas, as far as it is known."""
        return self._output is not None

    @property
    def output_follows(self) -> bool:
        """Whether libVLC has no window of its own, or one as large as the canvas. Until then it paints unscaled."""
        self._read_events()
        if self._output is None:
            return True
        return abs(min(self._media.width - self._output[0], self._media.height - self._output[1])) <= 1

    def output_size(self) -> tuple[int, int]:
        """Return the upright media's size from the window libVLC made in ours; (0, 0) if there is none."""
        self._connection.sync()
        self._read_events()
        return self._upright(self._output or (0, 0))

    def other_shape(self) -> tuple[int, int] | None:
        """Return the upright media's size from libVLC's window if that has another shape than the canvas.

        None also until libVLC has painted it a few times, and while it does not follow the canvas: then it is smaller
        or larger in both directions.
        """
        self._read_events()
        if self._output is None or self._output_paints < _SETTLED_PAINTS:
            return None
        free = max(self._media.width - self._output[0], self._media.height - self._output[1])
        return self._upright(self._output) if self.output_follows and free > _ROUNDING else None

    def _upright(self, size: tuple[int, int]) -> tuple[int, int]:
        return size[::-1] if self._area.sideways else size

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
        try:
            return bytes(self._top.get_image(x, y, width, height, X.ZPixmap, 0xFFFFFF).data)
        except error.BadMatch:  # another program has just made the window smaller, or hid it: `is_in_sight` undoes that
            return bytes(4 * width * height)

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

    def is_in_sight(self) -> bool:
        """Tell whether the raised window lies whole on the display, with no window of another program over it (1 ms).

        What is wrong with the window itself is put right; the daemon puts windows of other programs below it.
        """
        covered_by, misplaced = self._order.foreign_over(self._top.id), self._misplaced()
        if covered_by is None or misplaced:
            log.warning("another program has moved, resized or unmapped the window on air; it is put back")
            self._top.reparent(self._root, self._area.x, self._area.y)
            self._top.map()
            self._canvas.map()
            self._place_canvas(self._media)
            self.show()
        root = self._root.get_geometry()
        whole = self._area.x + self._area.width <= root.width and self._area.y + self._area.height <= root.height
        return covered_by == "" and not misplaced and whole

    def _misplaced(self) -> bool:
        top, canvas = self._top.get_geometry(), self._canvas.get_geometry()
        place, area, media = (top.x, top.y, top.width, top.height), self._area, self._media
        in_place = place == (area.x, area.y, area.width, area.height)
        filled = (canvas.x, canvas.y, canvas.width, canvas.height) == (media.x, media.y, media.width, media.height)
        return not (in_place and filled and self._canvas.get_attributes().map_state == X.IsViewable)

    def hide(self) -> None:
        """Move the window beside the display; its pixels stay."""
        self._top.configure(x=_hidden_x(self._area), y=self._area.y, width=self._area.width, height=self._area.height)
        self._top.map()  # another program may have changed it
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
        area = self._area
        self._top.configure(refused, x=area.x, y=area.y, width=area.width, height=area.height, **under)

    def _place_canvas(self, to: MediaRectangle) -> None:
        self._media, self._output_paints = to, 0
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
    window.set_wm_name(f"{NAME_PREFIX}deck")
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
