"""A connection to an X server, with fixes for two faults of python-xlib."""

import logging

from Xlib import error
from Xlib.display import Display as XDisplay
from Xlib.protocol import event
from Xlib.protocol.display import Display as ProtocolDisplay

from sync.errors import ScreenFailed

log = logging.getLogger(__name__)


def connect_x(name: str) -> XDisplay:
    """Connect to the X server `name`, such as `:0`.

    Raises:
        ScreenFailed: there is none, or it refuses the connection.
    """
    saved = ProtocolDisplay.event_classes, ProtocolDisplay.error_classes
    # python-xlib shares these between connections. With the event numbers of a server that has other extensions, the
    # next connection fails.
    ProtocolDisplay.event_classes = {**event.event_class}
    ProtocolDisplay.error_classes = error.xerror_class.copy()
    try:
        connection = XDisplay(name)
        connection.display.event_classes = ProtocolDisplay.event_classes
        # python-xlib's RandR replaces two of these by errors it cannot parse.
        connection.display.error_classes = error.xerror_class.copy()
    except (error.DisplayError, error.XError, OSError) as problem:
        log.debug("display=%s %s", name, problem)
        raise ScreenFailed(f"X server {name!r} does not answer: start it, or correct DISPLAY") from problem
    finally:
        ProtocolDisplay.event_classes, ProtocolDisplay.error_classes = saved
    return connection


CEILING = "_SIGNAGE_CEILING"
"""The property of the root window with the id of the ceiling window: decks stay below it, overlays above it."""
