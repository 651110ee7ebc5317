"""Captures the pixels of the display through memory shared with the X server (MIT-SHM): the one door to mss.

At 1920x1080 that takes 2 ms. Where the server cannot share memory (another machine, a container) mss uses the socket,
which takes four times as long.
"""

from contextlib import suppress

from mss import MSS, ScreenShotError

from player.display.backdrop_pictures import RawPicture
from player.platform.geometry import Area
from sync.errors import ScreenFailed


class ScreenCapture:
    """Captures from the X server `name` over a connection of its own."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._screen: MSS | None = None

    def capture(self, area: Area) -> RawPicture:
        """Return what the display shows in `area`, not turned; raise ScreenFailed if the server does not answer."""
        try:
            return self._grab(area)
        except ScreenFailed:  # mss does not notice that a display grew: try again over a new connection
            self.close()
            return self._grab(area)

    def _grab(self, area: Area) -> RawPicture:
        where = {"left": area.x, "top": area.y, "width": area.width, "height": area.height}
        try:
            self._screen = self._screen or MSS(display=self._name)
            return RawPicture(area.width, area.height, self._screen.grab(where).raw)
        except (ScreenShotError, AssertionError) as error:  # mss fails an assertion when the server is gone
            raise ScreenFailed(f"X server {self._name!r} gives no picture of {area}") from error

    def close(self) -> None:
        """Close the connection, also one that the server has closed."""
        screen, self._screen = self._screen, None  # mss must not close it twice
        with suppress(ScreenShotError):  # the server is gone; mss has freed everything
            if screen:
                screen.close()
