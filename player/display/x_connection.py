"""One connection to the X server, blocking: root picture, saver, cursor, size, power, pixels, and the ceiling.

The floor is a window with the root picture, below all decks: what other programs put over them goes under it. The
ceiling is a window nobody sees. Decks raise themselves just below it and overlays just above, so that an overlay
stays in front whatever is cut to. Its id stands in a property of the root window, where each deck reads it at each cut.
"""

import logging
from dataclasses import dataclass
from typing import Any

from Xlib import X, Xatom, error

from player.display import randr
from player.display.capture import Capture
from player.display.foreign_windows import OURS, desktop_on, lower_strangers
from player.display.outputs import OutputChange, Setup, Wanted, arrange
from player.display.pictures import RawPicture, rotate_picture
from player.display.state import DisplayState, Power
from player.platform.geometry import Area
from player.platform.x11 import CEILING, connect_x
from sync.errors import ScreenFailed

_REQUEST_BYTES = 256_000  # an X request holds 262,140 bytes
_DEPTH = 24
_LOOKS_BETWEEN_TRIES = 30  # a monitor just plugged in may not be ready; another try may be a blink

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Refused:
    """A change the server did not make, and how often it was due since."""

    change: OutputChange
    why: str
    looks: int = 0


class XConnection:
    """The X server `name`; used from one thread. Every method but `close` raises what python-xlib raises."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._refused: _Refused | None = None
        self._connection: Any = None
        self._capture: Capture | None = None
        self._floor: Any = None
        self.ceiling = 0

    def open(self) -> None:
        """Connect, or connect again, and set up what is kept on the display.

        Raises:
            ScreenFailed: it cannot be used.
        """
        self.close()
        connection = connect_x(self._name)
        screen = connection.screen()
        if screen.root_depth != _DEPTH:
            connection.close()
            raise ScreenFailed(f"X server {self._name!r} has depth {screen.root_depth}; start it with depth {_DEPTH}")
        desktop = desktop_on(connection)
        if desktop:
            connection.close()
            raise ScreenFailed(f"X server {self._name!r} is no display for a player, {desktop}")
        connection.set_screen_saver(0, 0, X.DontPreferBlanking, X.DontAllowExposures)
        if connection.has_extension("DPMS"):
            connection.dpms_disable()
        nothing = screen.root.create_pixmap(1, 1, 1)
        screen.root.change_attributes(cursor=nothing.create_cursor(nothing, (0, 0, 0), (0, 0, 0), 0, 0))
        nothing.free()
        self._floor = _lay_floor(connection)
        self.ceiling = _raise_ceiling(connection)
        randr.listen(connection)
        connection.sync()
        self._connection = connection

    def stirred(self) -> bool:
        """Tell whether the server told of anything since the last call; it costs no round trip."""
        connection = self._x()
        count = connection.pending_events()
        for _ in range(count):
            connection.next_event()
        return bool(count)

    def poll_state(self, wanted: Wanted) -> DisplayState:
        """Return the display as it is now, once it is as `wanted` where the server allows."""
        connection = self._x()
        setup = randr.read(connection)
        if setup is None:
            size = connection.screen().root.get_geometry()
            area = Area(width=size.width, height=size.height, turn=wanted.rotation)
            return DisplayState(True, None, _power(connection), area, 0)
        found = arrange(setup, wanted)
        problem = found.problem
        if found.change:
            problem = self._arranged(connection, found.change, setup) or problem
            setup = randr.read(connection) or setup
            found = arrange(setup, wanted)
        crtc = setup.crtcs.get(found.output.crtc) if found.output else None
        mode = setup.modes.get(crtc.mode) if crtc else None
        name, connected = (found.output.name, found.output.connected) if found.output else ("", False)
        area = found.area if crtc and mode else Area(width=setup.width, height=setup.height, turn=wanted.rotation)
        return DisplayState(
            True, connected, _power(connection), area, 0, name, mode.refresh_hz if mode else 0.0, problem
        )

    def _arranged(self, connection: Any, change: OutputChange, before: Setup) -> str:
        """Drive outputs as said, but not at each look if the server refuses; return why it does."""
        if self._refused is None or self._refused.change != change or self._refused.looks >= _LOOKS_BETWEEN_TRIES:
            log.info("display=%s is driven as %s", self._name, change)
            self._refused = _Refused(change, randr.apply(connection, change, before))
        self._refused.looks += 1
        problem = self._refused.why
        if not problem:
            self._refused = None
        return problem

    def paint(self, picture: RawPicture, area: Area) -> None:
        """Make `picture` the background of the root window's `area`, turned as that says; the rest is black."""
        connection = self._x()
        root = connection.screen().root
        size = root.get_geometry()
        picture = rotate_picture(picture, area.turn)
        pixmap = root.create_pixmap(size.width, size.height, _DEPTH)
        pen = pixmap.create_gc(foreground=0)
        if (picture.width, picture.height) != (size.width, size.height):
            pixmap.fill_rectangle(pen, 0, 0, size.width, size.height)
        stride = picture.width * 4
        rows = max(1, _REQUEST_BYTES // stride)
        for y in range(0, picture.height, rows):
            strip = picture.bgrx[y * stride : (y + rows) * stride]
            height = len(strip) // stride
            pixmap.put_image(pen, area.x, area.y + y, picture.width, height, X.ZPixmap, _DEPTH, 0, strip)
        self._floor.configure(width=size.width, height=size.height)
        for each in (root, self._floor):
            each.change_attributes(background_pixmap=pixmap)
            each.clear_area()
        self._floor.map()
        pen.free()
        pixmap.free()  # the root window keeps its own hold of the pixels
        connection.sync()

    def take(self, area: Area) -> RawPicture:
        """Return what the display shows in `area`, upright."""
        self._capture = self._capture or Capture(self._x())
        return rotate_picture(self._capture.take(area), -area.turn)

    def uncover(self) -> str:
        """Put windows of others that lie over ours below them; return the name of one, empty for none."""
        return lower_strangers(self._x())

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


def _lay_floor(connection: Any) -> Any:
    """Make the lowest of all windows; it is mapped once there is something to see on it."""
    floor = connection.screen().root.create_window(
        0, 0, 1, 1, 0, X.CopyFromParent, X.InputOutput, X.CopyFromParent, override_redirect=True
    )
    floor.set_wm_name(f"{OURS}floor")
    floor.configure(stack_mode=X.Below)
    return floor


def _raise_ceiling(connection: Any) -> int:
    root = connection.screen().root
    window = root.create_window(
        0, 0, 1, 1, 0, X.CopyFromParent, X.InputOutput, X.CopyFromParent, override_redirect=True
    )
    window.set_wm_name(f"{OURS}ceiling")
    root.change_property(connection.intern_atom(CEILING), Xatom.WINDOW, 32, [window.id])
    return int(window.id)


def _power(connection: Any) -> Power:
    if not connection.has_extension("DPMS") or not connection.dpms_capable().capable:
        return Power.UNKNOWN
    info = connection.dpms_info()
    return Power.ON if not info.state or info.power_level == 0 else Power.OFF
