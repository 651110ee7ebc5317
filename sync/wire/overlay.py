"""What may stand over whatever plays: a line of text and a logo, as a release places and styles them.

Sizes are shares of the screen, so that one release suits screens of any size.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from sync.wire.base import Colour, Identifier, Instant, Sha256, Wire

MOST_OVERLAYS = 8

LOGO_CHUNK = b"clAR"
"""The private chunk of an asset's PNG with the picture as it was sent, clear where the asset has an opaque ground."""

LOGO_EDGE = 1280
"""Its longest edge in pixels at most: a logo is at most half as wide as the screen."""

TickerText = Annotated[
    str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""One line of text for people to read; 500 letters at 4K take the X server 60 MB."""

HeightPercent = Annotated[int, Field(ge=2, le=25)]
SpeedPercent = Annotated[int, Field(ge=1, le=100)]
WidthPercent = Annotated[int, Field(ge=1, le=50)]
MarginPercent = Annotated[int, Field(ge=0, le=20)]


class Edge(StrEnum):
    """Where a ticker lies."""

    TOP = "top"
    BOTTOM = "bottom"


class Corner(StrEnum):
    """Where a logo stands."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"


class Bounded(Wire):
    """Something shown from `starts_at` on, before `ends_at`; None: from ever, for ever."""

    starts_at: Instant | None = None
    ends_at: Instant | None = None


class TickerStyle(Bounded):
    """What a ticker says and how it looks."""

    kind: Literal["ticker"] = "ticker"
    text: TickerText
    edge: Edge = Edge.BOTTOM
    height_percent: HeightPercent = 8  # of the screen's height
    colour: Colour = "#ffffff"
    background: Colour = "#101820"
    speed_percent: SpeedPercent = 12  # of the screen's height a second


class Ticker(TickerStyle):
    """A bar with one line of text: it runs to the left, again and again, if it is too long to stand still."""

    id: Identifier


class LogoStyle(Bounded):
    """Where a logo stands and how large."""

    kind: Literal["logo"] = "logo"
    corner: Corner = Corner.TOP_RIGHT
    width_percent: WidthPercent = 12  # of the screen's width
    margin_percent: MarginPercent = 3  # of the screen's shorter side


class Logo(LogoStyle):
    """A picture in a corner; what is clear in it stays so."""

    id: Identifier
    asset: Sha256


Overlay = Annotated[Ticker | Logo, Field(discriminator="kind")]
