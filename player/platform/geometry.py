"""The part of a display that a stage fills, upright or turned."""

from typing import Annotated, Literal

from pydantic import Field

from sync.wire.value_types import Wire

Turn = Literal[0, 90, 180, 270]
"""How far a picture is turned clockwise, in degrees."""


class Area(Wire):
    """The part of the display a stage fills, in the X server's pixels, from its top left corner.

    `turn`: everything in it is drawn turned by this angle, because the X server does not turn it.
    """

    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    x: int = 0
    y: int = 0
    turn: Turn = 0

    @property
    def sideways(self) -> bool:
        """Whether the turn is 90 or 270 degrees."""
        return self.turn in (90, 270)

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as people see them."""
        return (self.height, self.width) if self.sideways else (self.width, self.height)

    def turned(self, x: int, y: int, width: int, height: int) -> tuple[int, int, int, int]:
        """Return left, top, width, height of a rectangle of the upright picture, in the X server's pixels."""
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
