"""The part of a display that is filled, upright or turned, and the name of the window above all decks."""

from typing import Annotated, Literal

from pydantic import Field

from sync.wire.base import Wire

Turn = Literal[0, 90, 180, 270]
"""How far a picture is turned clockwise, in degrees."""


class Area(Wire):
    """The part of the display a stage fills, in pixels from the top left corner, as the X server counts them.

    `turn`: all of it is drawn turned so far, because the X server does not turn it itself.
    """

    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    x: int = 0
    y: int = 0
    turn: Turn = 0

    @property
    def sideways(self) -> bool:
        """Whether what is drawn there is turned by a quarter."""
        return self.turn in (90, 270)

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as the shop sees them."""
        return (self.height, self.width) if self.sideways else (self.width, self.height)

    def turned(self, x: int, y: int, width: int, height: int) -> tuple[int, int, int, int]:
        """Return where a rectangle the shop sees lies in this area: left, top, width, height in the server's pixels."""
        match self.turn:
            case 90:
                return self.width - y - height, x, height, width
            case 180:
                return self.width - x - width, self.height - y - height, width, height
            case 270:
                return y, self.height - x - width, height, width
            case _:
                return x, y, width, height

    def __str__(self) -> str:
        return f"{self.width}x{self.height}{self.x:+d}{self.y:+d}" + (f"@{self.turn}" if self.turn else "")
