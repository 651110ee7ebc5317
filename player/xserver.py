"""A connection to an X server, with what python-xlib gets wrong about it mended."""

from Xlib import error
from Xlib.display import Display as XDisplay

from sync import ScreenFailed


def connect(name: str) -> XDisplay:
    """Connect to the X server `name`, such as `:0`.

    Raises:
        ScreenFailed: there is none, or it refuses us.
    """
    try:
        connection = XDisplay(name)
    except (error.DisplayError, error.XError, OSError) as problem:
        raise ScreenFailed(f"X server {name!r} does not answer: {problem}") from problem
    # Its RandR puts errors of its own, which it cannot read, in the place of these two
    connection.extension_add_error(1, error.BadRequest)
    connection.extension_add_error(2, error.BadValue)
    return connection
