"""The X windows of overlays: just above the ceiling, where nothing decks do touches them.

A window's picture is its background, so that the X server itself repairs what was uncovered. There are no half clear
pixels without a compositor: a logo's outline is cut out by the Shape extension. A ticker lies as pixmaps in the server
and is moved by copies.
"""

from collections.abc import Sequence
from typing import Any

from PIL import Image
from Xlib import X, Xatom, error
from Xlib.display import Display as XDisplay
from Xlib.ext import shape

from player.overlay.drawing import Strip, mask, rotate_image
from player.overlay.layout import TickerMotion
from player.platform.geometry import Area
from player.platform.x11 import CEILING, connect_x
from sync.errors import ScreenFailed

_DEPTH = 24
_REQUEST_BYTES = 256_000  # an X request holds 262,140 bytes
_PADDED = 32  # bits: the rows of a bitmap
_LEAST_FIRST = 0  # the server's word for bitmaps whose leftmost pixel is the lowest bit


class OverlayWindow:
    """One overlay's window, unmapped at first. Methods raise what python-xlib raises.

    `problem` is what is wrong with what it shows, in words.
    """

    def __init__(self, connection: XDisplay, place: Area) -> None:
        self.problem = ""
        self._connection = connection
        self._place = place
        root = connection.screen().root
        self.window = root.create_window(
            place.x, place.y, place.width, place.height, 0, _DEPTH, X.InputOutput, X.CopyFromParent,
            override_redirect=True, background_pixmap=X.NONE,
        )  # fmt: skip
        self.window.set_wm_name("signage-player overlay")
        self._pen = self.window.create_gc(graphics_exposures=False)

    def picture(self, image: Image.Image) -> None:
        """Show a picture of the window's size (as the shop sees it)."""
        upright = rotate_image(image, self._place.turn)
        pixmap = self._pixmap(upright)
        self.window.change_attributes(background_pixmap=pixmap)
        pixmap.free()  # the window keeps its own hold of the pixels
        there = mask(upright)
        if there is not None:
            bits = self._bitmap(there)
            self.window.shape_mask(shape.SO.Set, shape.SK.Bounding, 0, 0, bits)
            bits.free()

    def close(self) -> None:
        """Take the window off the display."""
        self._pen.free()
        self.window.destroy()

    def _pixmap(self, image: Image.Image) -> Any:
        pixmap = self.window.create_pixmap(image.width, image.height, _DEPTH)
        pixels, stride = image.convert("RGB").tobytes("raw", "BGRX"), image.width * 4
        rows = max(1, _REQUEST_BYTES // stride)
        for y in range(0, image.height, rows):
            strip = pixels[y * stride : (y + rows) * stride]
            pixmap.put_image(self._pen, 0, y, image.width, len(strip) // stride, X.ZPixmap, _DEPTH, 0, strip)
        return pixmap

    def _bitmap(self, there: Image.Image) -> Any:
        padded = Image.new("1", (-(-there.width // _PADDED) * _PADDED, there.height))
        padded.paste(there, (0, 0))
        low = self._connection.display.info.bitmap_format_bit_order == _LEAST_FIRST
        bits = padded.tobytes("raw", "1;R" if low else "1")
        bitmap = self.window.create_pixmap(padded.width, padded.height, 1)
        pen = bitmap.create_gc(foreground=1, background=0)
        stride = padded.width // 8
        rows = max(1, _REQUEST_BYTES // stride)
        for y in range(0, padded.height, rows):
            strip = bits[y * stride : (y + rows) * stride]
            bitmap.put_image(pen, 0, y, padded.width, len(strip) // stride, X.XYBitmap, 1, 0, strip)
        pen.free()
        return bitmap


class TickerWindow(OverlayWindow):
    """A ticker on the move."""

    def __init__(self, connection: XDisplay, place: Area, strip: Strip, motion: TickerMotion, first: int) -> None:
        super().__init__(connection, place)
        self._motion = motion
        self._first = first  # the refresh it began at
        self._drawn: int | None = None
        self._own = Area(width=place.width, height=place.height, turn=place.turn)
        self._pieces = [(piece.width, self._pixmap(rotate_image(piece, place.turn))) for piece in strip.pieces]

    def run(self, refresh: int) -> None:
        """Draw the text where it is at a refresh, if it has moved."""
        width, height = self._own.upright
        x = self._motion.left(refresh - self._first, width)
        if x == self._drawn:
            return
        self._drawn = x
        while x < width:
            for wide, pixmap in self._pieces:
                if x < width and x + wide > 0:
                    left, top, across, down = self._own.turned(x, 0, wide, height)
                    self.window.copy_area(self._pen, pixmap, 0, 0, across, down, left, top)
                x += wide

    def due(self, refresh: int) -> int:
        """Return the refresh it moves at next."""
        return self._first + self._motion.next_refresh(refresh - self._first)

    def close(self) -> None:
        """Take the window off the display, and the text out of the server."""
        for _, pixmap in self._pieces:
            pixmap.free()
        super().close()


class OverlayStack:
    """The place just above the ceiling, on one connection."""

    def __init__(self, connection: XDisplay) -> None:
        self.connection = connection
        self._root = connection.screen().root
        self._root.change_attributes(event_mask=X.PropertyChangeMask)
        self._property = connection.intern_atom(CEILING)

    def raise_(self, panes: Sequence[OverlayWindow]) -> None:
        """Put windows above the ceiling, the last in front; to the very top while there is no ceiling."""
        found = self._root.get_full_property(self._property, Xatom.WINDOW)
        ceiling = int(found.value[0]) if found else 0
        for pane in reversed(panes):  # each goes just above the ceiling, so below those before
            if not ceiling or not self._above(pane, ceiling):
                pane.window.configure(stack_mode=X.Above)
        self.connection.sync()

    def moved(self) -> bool:
        """Take what the server tells, and return whether there is another ceiling."""
        moved = False
        while self.connection.pending_events():
            event = self.connection.next_event()
            moved |= event.type == X.PropertyNotify and event.atom == self._property
        return moved

    def _above(self, pane: OverlayWindow, ceiling: int) -> bool:
        refused = error.CatchError(error.BadWindow, error.BadMatch)
        pane.window.configure(refused, sibling=ceiling, stack_mode=X.Above)
        self.connection.sync()
        return refused.get_error() is None


def open_front(name: str) -> OverlayStack:
    """Connect to the X server `name`.

    Raises:
        ScreenFailed: it does not answer, or has no Shape extension.
    """
    connection = connect_x(name)
    if not connection.has_extension("SHAPE"):
        raise ScreenFailed(f"X server {name!r} lacks the SHAPE extension, which overlays need")
    return OverlayStack(connection)
