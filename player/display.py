"""The daemon's one connection to the X server: root picture, screen saver, cursor, size, power and screenshots.

python-xlib blocks, so one worker thread owns the connection. The root picture outlives decks and daemon (the server
needs `-noreset`), so that with everything else dead the screen shows the brand.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from player.screen import Area
from player.still import Still
from sync.clock import Clock


class Power(StrEnum):
    """What DPMS says of the monitor; `unknown` where the server cannot tell (Xvfb)."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DisplayState:
    """The display as last seen: whether the X server answers, a monitor is plugged in, and its power."""

    answers: bool
    connected: bool | None
    power: Power
    area: Area
    losses: int


class Display:
    """The display of this device; made by `open_display`."""

    area: Area

    async def show_root(self, picture: Still) -> None:
        """Make `picture` the background of the root window; kept and set again after the X server was lost.

        Raises:
            ScreenFailed: the X server does not answer now (the picture is shown once it is back).
        """
        raise NotImplementedError

    async def grab(self) -> Still:
        """Take what the display shows now (`player.still.png` encodes it).

        Raises:
            ScreenFailed: the X server does not answer.
        """
        raise NotImplementedError

    async def grab_png(self) -> bytes:
        """Take what the display shows now, as PNG, encoded off the loop.

        Raises:
            ScreenFailed: the X server does not answer.
        """
        raise NotImplementedError

    def state(self) -> DisplayState:
        """Return the display as last seen by `run`."""
        raise NotImplementedError

    async def run(self) -> None:
        """Look after the connection (a service): notice its loss, come back, put the root picture up again."""
        raise NotImplementedError


@asynccontextmanager
async def open_display(name: str, clock: Clock) -> AsyncIterator[Display]:
    """Connect to the X server `name` (such as `:0`): saver and DPMS off, cursor hidden.

    Raises:
        ScreenFailed: there is no X server of that name, or it refuses us.
    """
    raise NotImplementedError
    yield
