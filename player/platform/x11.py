"""A connection to an X server, with fixes for three faults of python-xlib."""

import logging
import os
from contextlib import suppress
from typing import Any

from Xlib import error, xauth
from Xlib.display import Display as XDisplay
from Xlib.protocol import event
from Xlib.protocol.display import Display as ProtocolDisplay
from Xlib.support import connect

from sync.errors import ScreenFailed

_AUTHORITY = "/run/signage-display/Xauthority"  # as signage-display.service writes it
_ANY_HOST = 0xFFFF  # as a family of addresses, in <X11/Xauth.h>

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


def connect_x(name: str) -> XDisplay:
    """Connect to the X server `name`, such as `:0`.

    Raises:
        ScreenFailed: there is none, or it refuses the connection.
    """
    saved = ProtocolDisplay.event_classes, ProtocolDisplay.error_classes, connect.get_auth
    # python-xlib shares these between connections. With the event numbers of a server that has other extensions, the
    # next connection fails.
    ProtocolDisplay.event_classes = {**event.event_class}
    ProtocolDisplay.error_classes = error.xerror_class.copy()
    connect.get_auth = _find_key  # type: ignore[assignment]  # its stub names the arguments
    try:
        connection = XDisplay(name)
        connection.display.event_classes = ProtocolDisplay.event_classes
        # python-xlib's RandR replaces two of these by errors it cannot parse.
        connection.display.error_classes = error.xerror_class.copy()
    except (error.DisplayError, error.XError, OSError) as problem:
        log.debug("display=%s %s", name, problem)
        if "uthoriz" in str(problem):
            raise ScreenFailed(f"X server {name!r} refuses this user: set XAUTHORITY to its file of keys") from problem
        raise ScreenFailed(f"X server {name!r} does not answer: start it, or correct DISPLAY") from problem
    finally:
        ProtocolDisplay.event_classes, ProtocolDisplay.error_classes, connect.get_auth = saved
    return connection


CEILING = "_SIGNAGE_CEILING"
"""The property of the root window with the id of the ceiling window: decks stay below it, overlays above it."""
