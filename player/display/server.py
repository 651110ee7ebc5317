"""One connection to the X server, blocking: root picture, saver, cursor, size, power, pixels, and the ceiling.

The ceiling is a window nobody sees. Decks raise themselves just below it and overlays just above, so that an overlay
stays in front whatever is cut to. Its id stands in a property of the root window, where each deck reads it at each cut.
"""

import logging
from typing import Any

from Xlib import X, Xatom, error
from Xlib.display import Display as XDisplay

from player.display.capture import Capture
from player.display.state import DisplayState, Power
from player.screen import CEILING, Area
from player.still import Still
from sync import ScreenFailed

_REQUEST_BYTES = 256_000  # an X request holds 262,140 bytes
_DEPTH = 24
_PLUGGED_IN = 0  # RandR's word for connected

log = logging.getLogger(__name__)


class Server:
    """The X server `name`; used from one thread. Every method but `close` raises what python-xlib raises."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._connection: Any = None
        self._capture: Capture | None = None
        self.ceiling = 0

    def open(self) -> None:
        """Connect, or connect again, and set up what is kept on the display.

        Raises:
            ScreenFailed: it cannot be used.
        """
        self.close()
        connection = XDisplay(self._name)
        screen = connection.screen()
        if screen.root_depth != _DEPTH:
            connection.close()
            raise ScreenFailed(f"X server {self._name!r} has depth {screen.root_depth}; start it with depth {_DEPTH}")
        connection.set_screen_saver(0, 0, X.DontPreferBlanking, X.DontAllowExposures)
        if connection.has_extension("DPMS"):
            connection.dpms_disable()
        nothing = screen.root.create_pixmap(1, 1, 1)
        screen.root.change_attributes(cursor=nothing.create_cursor(nothing, (0, 0, 0), (0, 0, 0), 0, 0))
        nothing.free()
        self.ceiling = _raise_ceiling(connection)
        connection.sync()
        self._connection = connection

    def look(self) -> DisplayState:
        """Return the display as it is now."""
        connection = self._x()
        size = connection.screen().root.get_geometry()
        area = Area(width=size.width, height=size.height)
        return DisplayState(True, _connected(connection), _power(connection), area, 0)

    def paint(self, picture: Still) -> None:
        """Make `picture` the background of the root window."""
        connection = self._x()
        root = connection.screen().root
        pixmap = root.create_pixmap(picture.width, picture.height, _DEPTH)
        pen = pixmap.create_gc()
        stride = picture.width * 4
        rows = max(1, _REQUEST_BYTES // stride)
        for y in range(0, picture.height, rows):
            strip = picture.bgrx[y * stride : (y + rows) * stride]
            pixmap.put_image(pen, 0, y, picture.width, len(strip) // stride, X.ZPixmap, _DEPTH, 0, strip)
        root.change_attributes(background_pixmap=pixmap)
        root.clear_area()
        pen.free()
        pixmap.free()  # the root window keeps its own hold of the pixels
        connection.sync()

    def take(self) -> Still:
        """Return what the display shows."""
        self._capture = self._capture or Capture(self._x())
        return self._capture.take()

    def close(self) -> None:
        """Leave the X server; the root picture stays."""
        connection, self._connection, self.ceiling = self._connection, None, 0
        if self._capture:
            self._capture.close()
        self._capture = None
        if connection is not None:
            try:
                connection.close()
            except error.ConnectionClosedError:
                log.debug("display=%s was closed by the server", self._name)

    def _x(self) -> Any:
        if self._connection is None:
            raise ScreenFailed(f"X server {self._name!r} is not connected")
        return self._connection


def _raise_ceiling(connection: Any) -> int:
    root = connection.screen().root
    window = root.create_window(
        0, 0, 1, 1, 0, X.CopyFromParent, X.InputOutput, X.CopyFromParent, override_redirect=True
    )
    window.set_wm_name("signage-player ceiling")
    root.change_property(connection.intern_atom(CEILING), Xatom.WINDOW, 32, [window.id])
    return int(window.id)


def _connected(connection: Any) -> bool | None:
    """Tell whether any output has a monitor; None where the server has no RandR."""
    if not connection.has_extension("RANDR"):
        return None
    resources = connection.screen().root.xrandr_get_screen_resources_current()
    outputs = [connection.xrandr_get_output_info(name, resources.config_timestamp) for name in resources.outputs]
    return any(output.connection == _PLUGGED_IN for output in outputs)


def _power(connection: Any) -> Power:
    if not connection.has_extension("DPMS") or not connection.dpms_capable().capable:
        return Power.UNKNOWN
    info = connection.dpms_info()
    return Power.ON if not info.state or info.power_level == 0 else Power.OFF
