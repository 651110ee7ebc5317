"""A connection to an X server, with what python-xlib gets wrong about it mended."""

from Xlib import error
from Xlib.display import Display as XDisplay
from Xlib.protocol import event
from Xlib.protocol.display import Display as ProtocolDisplay

from sync.errors import ScreenFailed


def connect_x(name: str) -> XDisplay:
    """Connect to the X server `name`, such as `:0`.

    Raises:
        ScreenFailed: there is none, or it refuses us.
    """
    kept = ProtocolDisplay.event_classes, ProtocolDisplay.error_classes
    # One for all connections, they would keep the numbers of a server with other extensions, and refuse the next one
    ProtocolDisplay.event_classes, ProtocolDisplay.error_classes = event.event_class.copy(), error.xerror_class.copy()
    try:
        connection = XDisplay(name)
        connection.display.event_classes = ProtocolDisplay.event_classes
        # Its RandR puts errors of its own, which it cannot read, in the place of two of these
        connection.display.error_classes = error.xerror_class.copy()
    except (error.DisplayError, error.XError, OSError) as problem:
        raise ScreenFailed(f"X server {name!r} does not answer: {problem}") from problem
    finally:
        ProtocolDisplay.event_classes, ProtocolDisplay.error_classes = kept
    return connection


CEILING = "_SIGNAGE_CEILING"
"""The property of the root window that holds the id of the ceiling: decks stay below it, overlays above."""
