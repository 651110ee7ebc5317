"""One blocking connection to the X server: root picture, screen saver, cursor, outputs, power, pixels, window order.

The floor is a window with the root picture, below all decks; windows of other programs are put below it. The ceiling is
an invisible window. Decks raise themselves just below it and overlays just above it, so an overlay stays in front at
every cut. Its id is in a property of the root window, which each deck reads at each cut.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass
from socket import SHUT_RDWR
from typing import Any

from Xlib import X, Xatom, error
from Xlib.display import Display as XDisplay

from player.display import randr
from player.display.backdrop_pictures import RawPicture, rotate_picture
from player.display.capture import ScreenCapture
from player.display.display_state import DisplayState, Power
from player.display.foreign_windows import desktop_on, lower_foreign_windows
from player.display.outputs import Output, OutputChange, RandrSetup, WantedOutput, arrange
from player.platform.geometry import Area
from player.platform.x11 import CEILING, NAME_PREFIX, WindowOrder, connect_x
from sync.errors import ScreenFailed

_REQUEST_BYTES = 256_000  # an X request holds 262,140 bytes
_DEPTH = 24
_POLLS_BETWEEN_TRIES = 30  # a monitor just plugged in may not be ready; each try may be visible

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Refusal:
    """A change that the server refused, and at how many polls it was due since."""

    change: OutputChange
    why: str
    polls: int = 0


class XConnection:
    """The X server `name`; used from one thread. All but `close` and `abandon` raise the errors of python-xlib."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._refusal: _Refusal | None = None
        self._connection: XDisplay | None = None
        self._capture: ScreenCapture | None = None
        self._floor: Any = None
        self._order: WindowOrder | None = None
        self.ceiling = 0

    def open(self) -> None:
        """Connect, or connect again, and set up the display; raise ScreenFailed if it cannot be used."""
        self.close()
        connection = connect_x(self._name)
        screen = connection.screen()
        if screen.root_depth != _DEPTH:
            connection.close()
            raise ScreenFailed(f"X server {self._name!r} has depth {screen.root_depth}; start it with depth {_DEPTH}")
        desktop = desktop_on(connection)
        if desktop:
            connection.close()
            raise ScreenFailed(f"X server {self._name!r} cannot be used by a player: {desktop}")
        connection.set_screen_saver(0, 0, X.DontPreferBlanking, X.DontAllowExposures)
        if connection.has_extension("DPMS"):
            connection.dpms_disable()
        empty = screen.root.create_pixmap(1, 1, 1)
        screen.root.change_attributes(cursor=empty.create_cursor(empty, (0, 0, 0), (0, 0, 0), 0, 0))
        empty.free()
        self._floor = _create_floor(connection)
        self.ceiling = _create_ceiling(connection)
        randr.subscribe(connection)
        connection.sync()
        self._connection, self._order = connection, WindowOrder(connection)

    def has_events(self) -> bool:
        """Return whether the server sent events since the last call; this costs no round trip."""
        connection = self._require_connection()
        count = connection.pending_events()
        for _ in range(count):
            connection.next_event()
        return bool(count)

    def poll_state(self, wanted: WantedOutput) -> DisplayState:
        """Set the outputs as `wanted` where the server allows that, and return the state of the display."""
        connection = self._require_connection()
        setup = randr.read_setup(connection)
        if setup is None:
            size = connection.screen().root.get_geometry()
            area = Area(width=size.width, height=size.height, turn=wanted.rotation)
            return DisplayState(answers=True, connected=None, power=_read_power(connection), area=area, losses=0)
        arrangement = arrange(setup, wanted)
        problem, was_off = arrangement.problem, _is_off(setup, arrangement.output)
        if arrangement.change:
            problem = self._apply_change(connection, arrangement.change, setup) or problem
            setup = randr.read_setup(connection) or setup
            arrangement = arrange(setup, wanted)
        output = arrangement.output
        crtc = setup.crtcs.get(output.crtc) if output else None
        mode = setup.modes.get(crtc.mode) if crtc else None
        area = arrangement.area if crtc and mode else Area(width=setup.width, height=setup.height, turn=wanted.rotation)
        return DisplayState(
            answers=True, connected=bool(output and output.connected),
            power=Power.OFF if _is_off(setup, output) else _read_power(connection), area=area, was_off=was_off,
            losses=0, output=output.name if output else "", refresh_hz=mode.refresh_hz if mode else 0.0,
            problem=problem, plugged=frozenset(one.name for one in setup.outputs if one.connected),
        )  # fmt: skip

    def _apply_change(self, connection: XDisplay, change: OutputChange, before: RandrSetup) -> str:
        """Make a change, but not at each poll if the server refuses it; return why it refuses, or empty."""
        if self._refusal is None or self._refusal.change != change or self._refusal.polls >= _POLLS_BETWEEN_TRIES:
            log.info("display=%s change of outputs: %s", self._name, change)
            self._refusal = _Refusal(change, randr.apply_change(connection, change, before))
        self._refusal.polls += 1
        problem = self._refusal.why
        if not problem:
            self._refusal = None
        return problem

    def paint_root(self, picture: RawPicture, area: Area) -> None:
        """Make `picture`, rotated as `area` says, the background of that part of the root window; the rest is black."""
        connection = self._require_connection()
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
        for window in (root, self._floor):
            window.change_attributes(background_pixmap=pixmap)
            window.clear_area()
        self._floor.map()
        pen.free()
        pixmap.free()  # the root window has its own reference
        connection.sync()

    def capture(self, area: Area) -> RawPicture:
        """Return what the display shows in `area`, upright."""
        self._capture = self._capture or ScreenCapture(self._name)
        return rotate_picture(self._capture.capture(area), -area.turn)

    def lower_foreign_windows(self) -> str:
        """Put windows of other programs that are over ours below ours; return the name of one, empty if none."""
        connection, order = self._require_connection(), self._order
        return lower_foreign_windows(connection, order) if order else ""

    def close(self) -> None:
        """Disconnect; the root picture stays."""
        connection, self._connection, self.ceiling = self._connection, None, 0
        if self._capture:
            self._capture.close()
        self._capture = None
        if connection is not None:
            try:
                connection.close()
            except error.ConnectionClosedError:
                log.debug("display=%s the server has closed the connection", self._name)

    def abandon(self) -> None:
        """Have the call fail that waits for a server that hangs; another thread may use this, before `close`."""
        self._capture = None  # its library would wait for the server to close
        if self._connection is not None:
            with suppress(OSError):  # closed meanwhile
                self._connection.display.socket.shutdown(SHUT_RDWR)

    def _require_connection(self) -> Any:
        if self._connection is None:
            raise ScreenFailed(f"X server {self._name!r} is not connected")
        return self._connection


def _create_floor(connection: XDisplay) -> Any:
    """Create the lowest of all windows; it is mapped once it has a picture."""
    floor = connection.screen().root.create_window(
        0, 0, 1, 1, 0, X.CopyFromParent, X.InputOutput, X.CopyFromParent, override_redirect=True
    )
    floor.set_wm_name(f"{NAME_PREFIX}floor")
    floor.configure(stack_mode=X.Below)
    return floor


def _create_ceiling(connection: XDisplay) -> int:
    root = connection.screen().root
    window = root.create_window(
        0, 0, 1, 1, 0, X.CopyFromParent, X.InputOutput, X.CopyFromParent, override_redirect=True
    )
    window.set_wm_name(f"{NAME_PREFIX}ceiling")
    root.change_property(connection.intern_atom(CEILING), Xatom.WINDOW, 32, [window.id])
    return int(window.id)


def _is_off(setup: RandrSetup, output: Output | None) -> bool:
    crtc = setup.crtcs.get(output.crtc) if output else None
    return output is not None and not (crtc and crtc.mode)


def _read_power(connection: XDisplay) -> Power:
    if not connection.has_extension("DPMS") or not connection.dpms_capable().capable:
        return Power.UNKNOWN
    info = connection.dpms_info()
    return Power.ON if not info.state or info.power_level == 0 else Power.OFF
