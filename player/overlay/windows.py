"""The X windows of overlays: just above the ceiling window, where the decks cannot cover them.

A window's picture is its background, so the X server itself repaints what was uncovered. Without a compositor no pixel
can be half transparent: the Shape extension cuts out a logo's outline. A ticker's text is stored as pixmaps in the
server, which copies it from there.
"""

from collections.abc import Sequence
from typing import Any

from PIL import Image
from Xlib import X, Xatom, error
from Xlib.display import Display as XDisplay
from Xlib.ext import shape

from player.overlay.layout import TickerMotion
from player.overlay.ticker_and_logo import Strip, opaque_mask, rotate_image
from player.platform.geometry import Area
from player.platform.x11 import CEILING, connect_x
from sync.errors import ScreenFailed

_DEPTH = 24
_MAX_REQUEST_BYTES = 256_000  # an X request holds 262,140 bytes
_ROW_ALIGN = 32  # bits of a bitmap's row
_LOW_BIT_FIRST = 0  # the X protocol's number for bitmaps whose leftmost pixel is the lowest bit


class OverlayWindow:
    """One overlay's window, unmapped at first. Methods raise python-xlib's errors.

    `problem` says to people what is wrong with what it shows; empty if nothing is.
    """

    def __init__(self, connection: XDisplay, area: Area) -> None:
        self.problem = ""
        self._connection = connection
        self._area = area
        root = connection.screen().root
        self.x_window = root.create_window(
            area.x, area.y, area.width, area.height, 0, _DEPTH, X.InputOutput, X.CopyFromParent,
            override_redirect=True, background_pixmap=X.NONE,
        )  # fmt: skip
        self.x_window.set_wm_name("signage-player overlay")
        self._gc = self.x_window.create_gc(graphics_exposures=False)

    def set_picture(self, image: Image.Image) -> None:
        """Show a picture of the window's upright size."""
        turned = rotate_image(image, self._area.turn)
        pixmap = self._make_pixmap(turned)
        self.x_window.change_attributes(background_pixmap=pixmap)
        pixmap.free()  # the window has its own reference
        mask = opaque_mask(turned)
        if mask is not None:
            bits = self._make_bitmap(mask)
            self.x_window.shape_mask(shape.SO.Set, shape.SK.Bounding, 0, 0, bits)
            bits.free()

    def close(self) -> None:
        """Remove the window from the display."""
        self._gc.free()
        self.x_window.destroy()

    def _make_pixmap(self, image: Image.Image) -> Any:
        pixmap = self.x_window.create_pixmap(image.width, image.height, _DEPTH)
        pixels, stride = image.convert("RGB").tobytes("raw", "BGRX"), image.width * 4
        rows = max(1, _MAX_REQUEST_BYTES // stride)
        for y in range(0, image.height, rows):
            strip = pixels[y * stride : (y + rows) * stride]
            pixmap.put_image(self._gc, 0, y, image.width, len(strip) // stride, X.ZPixmap, _DEPTH, 0, strip)
        return pixmap

    def _make_bitmap(self, mask: Image.Image) -> Any:
        padded = Image.new("1", (-(-mask.width // _ROW_ALIGN) * _ROW_ALIGN, mask.height))
        padded.paste(mask, (0, 0))
        low_bit_first = self._connection.display.info.bitmap_format_bit_order == _LOW_BIT_FIRST
        bits = padded.tobytes("raw", "1;R" if low_bit_first else "1")
        bitmap = self.x_window.create_pixmap(padded.width, padded.height, 1)
        gc = bitmap.create_gc(foreground=1, background=0)
        stride = padded.width // 8
        rows = max(1, _MAX_REQUEST_BYTES // stride)
        for y in range(0, padded.height, rows):
            strip = bits[y * stride : (y + rows) * stride]
            bitmap.put_image(gc, 0, y, padded.width, len(strip) // stride, X.XYBitmap, 1, 0, strip)
        gc.free()
        return bitmap


class TickerWindow(OverlayWindow):
    """The window of a ticker that moves."""

    def __init__(self, connection: XDisplay, area: Area, strip: Strip, motion: TickerMotion, started: int) -> None:
        super().__init__(connection, area)
        self._motion = motion
        self._started = started  # at this refresh
        self._drawn_x: int | None = None
        self._bar = Area(width=area.width, height=area.height, turn=area.turn)
        self._pieces = [(piece.width, self._make_pixmap(rotate_image(piece, area.turn))) for piece in strip.pieces]

    def draw(self, refresh: int) -> None:
        """Draw the text at its position of a refresh, if that changed."""
        width, height = self._bar.upright
        x = self._motion.first_x(refresh - self._started, width)
        if x == self._drawn_x:
            return
        self._drawn_x = x
        while x < width:
            for piece_width, pixmap in self._pieces:
                if x < width and x + piece_width > 0:
                    left, top, *size = self._bar.turned(x, 0, piece_width, height)
                    self.x_window.copy_area(self._gc, pixmap, 0, 0, *size, left, top)
                x += piece_width

    def next_refresh(self, refresh: int) -> int:
        """Return the refresh of its next move."""
        return self._started + self._motion.next_refresh(refresh - self._started)

    def close(self) -> None:
        """Remove the window from the display, and the text from the server."""
        for _, pixmap in self._pieces:
            pixmap.free()
        super().close()


class OverlayStack:
    """Stacks windows just above the ceiling window; one X connection."""

    def __init__(self, connection: XDisplay) -> None:
        self.connection = connection
        self._root = connection.screen().root
        self._root.change_attributes(event_mask=X.PropertyChangeMask)
        self._ceiling_property = connection.intern_atom(CEILING)

    def raise_windows(self, windows: Sequence[OverlayWindow]) -> None:
        """Put windows just above the ceiling, the last in front; on top of everything if there is no ceiling."""
        found = self._root.get_full_property(self._ceiling_property, Xatom.WINDOW)
        ceiling = int(found.value[0]) if found else 0
        for window in reversed(windows):  # each goes just above the ceiling, so below the one before
            if not ceiling or not self._put_above(window, ceiling):
                window.x_window.configure(stack_mode=X.Above)
        self.connection.sync()

    def ceiling_changed(self) -> bool:
        """Read the server's events, and return whether there is another ceiling."""
        changed = False
        while self.connection.pending_events():
            event = self.connection.next_event()
            changed |= event.type == X.PropertyNotify and event.atom == self._ceiling_property
        return changed

    def _put_above(self, window: OverlayWindow, ceiling: int) -> bool:
        refused = error.CatchError(error.BadWindow, error.BadMatch)
        window.x_window.configure(refused, sibling=ceiling, stack_mode=X.Above)
        self.connection.sync()
        return refused.get_error() is None


def open_overlay_stack(name: str) -> OverlayStack:
    """Connect to the X server `name`; raise ScreenFailed if it does not answer, or has no Shape extension."""
    connection = connect_x(name)
    if not connection.has_extension("SHAPE"):
        raise ScreenFailed(f"X server {name!r} lacks the SHAPE extension, which overlays need")
    return OverlayStack(connection)
