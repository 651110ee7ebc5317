"""A connection to an X server, with fixes for four faults of python-xlib; and which windows on it are ours."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from Xlib import X, error, xauth
from Xlib.display import Display as XDisplay
from Xlib.protocol import event
from Xlib.protocol.display import Display as ProtocolDisplay
from Xlib.support import connect

from sync.errors import ScreenFailed

_AUTHORITY = "/run/signage-display/Xauthority"  # as signage-display.service writes it
_ANY_HOST = 0xFFFF  # as a family of addresses, in <X11/Xauth.h>
_FIRST_PORT = 6000  # of servers that listen to networks

log = logging.getLogger(__name__)


def find_authority(display: str) -> None:
    """Let this process use the key of the display unit, for a command of a person who may read it."""
    if display.partition(".")[0] == ":0" and "XAUTHORITY" not in os.environ and os.access(_AUTHORITY, os.R_OK):
        os.environ["XAUTHORITY"] = _AUTHORITY


def _find_key(*display: Any) -> tuple[bytes, bytes]:
    """Return the kind and the key of the entry for this display; python-xlib knows no entries for any host."""
    kind, key = _python_xlibs(*display)
    if not key:
        with suppress(error.XauthError, error.XNoAuthError):
            authority: Any = xauth.Xauthority()
            kind, key = authority.get_best_auth(_ANY_HOST, b"", display[-1])
    return kind, key


_python_xlibs = connect.get_auth


def _open_socket(_name: str, protocol: str | None, host: str | None, number: int) -> socket.socket:
    """Connect to a server as python-xlib does, which leaves sockets open that do not connect."""
    if host and "unix" not in (host, protocol):
        return socket.create_connection((host, _FIRST_PORT + number))
    path = Path(f"/tmp/.X11-unix/X{number}")
    with ExitStack() as unless_connected:
        opened = unless_connected.enter_context(socket.socket(socket.AF_UNIX))
        opened.connect(str(path) if path.exists() else f"\0{path}")
        unless_connected.pop_all()
    return opened


def connect_x(name: str) -> XDisplay:
    """Connect to the X server `name`, such as `:0`.

    Raises:
        ScreenFailed: there is none, or it refuses the connection.
    """
    saved = ProtocolDisplay.event_classes, ProtocolDisplay.error_classes, connect.get_auth, connect.get_socket
    # python-xlib shares these between connections. With the event numbers of a server that has other extensions, the
    # next connection fails.
    ProtocolDisplay.event_classes = {**event.event_class}
    ProtocolDisplay.error_classes = error.xerror_class.copy()
    connect.get_auth = _find_key  # type: ignore[assignment]  # its stub names the arguments
    try:
        with ExitStack() as unless_connected:
            connect.get_socket = lambda *where: unless_connected.enter_context(_open_socket(*where))
            connection = XDisplay(name)
            unless_connected.pop_all()
        connection.display.event_classes = ProtocolDisplay.event_classes
        # python-xlib's RandR replaces two of these by errors it cannot parse.
        connection.display.error_classes = error.xerror_class.copy()
    except (error.DisplayError, error.XError, OSError) as problem:
        log.debug("display=%s %s", name, problem)
        if "uthoriz" in str(problem):
            raise ScreenFailed(f"X server {name!r} refuses this user: set XAUTHORITY to its file of keys") from problem
        raise ScreenFailed(f"X server {name!r} does not answer: start it, or correct DISPLAY") from problem
    finally:
        ProtocolDisplay.event_classes, ProtocolDisplay.error_classes, connect.get_auth, connect.get_socket = saved
    return connection


CEILING = "_SIGNAGE_CEILING"
"""The property of the root window with the id of the ceiling window: decks stay below it, overlays above it."""

NAME_PREFIX = "signage-player "
"""The names of all our windows begin with this."""

_NO_NAME = "without a name"
_LONGEST_NAME = 60


class WindowOrder:
    """The windows of an X server and whose they are; windows of ours are asked once, so that looking costs little."""

    def __init__(self, connection: XDisplay) -> None:
        self._root = connection.screen().root
        self._ours: set[int] = set()

    def foreign_over_ours(self) -> list[tuple[Any, str]]:
        """Return the visible windows of other programs over any of ours, with their names, the topmost first."""
        found: list[tuple[Any, str]] = []
        above: list[tuple[Any, str]] = []
        for window, name in self._from_the_top():
            if window.id in self._ours:
                found, above = [*found, *above], []
            elif name:
                above.append((window, name))
        return found

    def foreign_over(self, ours: int) -> str | None:
        """Return the name of a visible window of another program over this window; None if it is not on the screen."""
        covered_by = ""
        for window, name in self._from_the_top():
            if window.id == ours:
                return covered_by
            covered_by = covered_by or name
        return None

    def _from_the_top(self) -> Iterator[tuple[Any, str]]:
        windows = self._root.query_tree().children
        self._ours &= {int(window.id) for window in windows}
        for window in reversed(windows):
            yield window, "" if window.id in self._ours else self._name_if_visible(window)

    def _name_if_visible(self, window: Any) -> str:
        """Return the name of a window of another program; empty if it is ours, not visible, or was just closed."""
        try:
            name = str(window.get_wm_name() or _NO_NAME)
            if name.startswith(NAME_PREFIX):
                self._ours.add(int(window.id))
                return ""
            attributes, geometry, screen = window.get_attributes(), window.get_geometry(), self._root.get_geometry()
        except (error.BadWindow, error.BadDrawable):
            return ""
        seen = attributes.win_class == X.InputOutput and attributes.map_state == X.IsViewable
        overlaps_x = -geometry.width < geometry.x < screen.width
        overlaps_y = -geometry.height < geometry.y < screen.height
        return "".join(filter(str.isprintable, name))[:_LONGEST_NAME] if seen and overlaps_x and overlaps_y else ""
