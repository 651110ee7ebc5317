"""Overlays of a release: a line of text and a logo that are shown over all content.

Sizes are percentages of the screen, so that one release fits screens of any size.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from sync.wire.value_types import Colour, Identifier, Instant, Sha256, Wire

MOST_OVERLAYS = 8

TickerText = Annotated[
    str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""One line of text; 500 characters at 4K take 60 MB in the X server."""

HeightPercent = Annotated[int, Field(ge=2, le=25)]
SpeedPercent = Annotated[int, Field(ge=1, le=100)]
WidthPercent = Annotated[int, Field(ge=1, le=50)]
MarginPercent = Annotated[int, Field(ge=0, le=20)]


class Edge(StrEnum):
    """The edge at which a ticker is."""

    TOP = "top"
    BOTTOM = "bottom"


class Corner(StrEnum):
    """The corner in which a logo is."""

    TOP_LEFT = "top-left"
    TOP_RIGHT = "top-right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM_RIGHT = "bottom-right"


class Bounded(Wire):
    """Something shown from `starts_at` until before `ends_at`; None means no limit."""

    starts_at: Instant | None = None
    ends_at: Instant | None = None


class TickerStyle(Bounded):
    """The text of a ticker and its style."""

    kind: Literal["ticker"] = "ticker"
    text: TickerText
    edge: Edge = Edge.BOTTOM
    height_percent: HeightPercent = 8  # of the screen's height
    colour: Colour = "#ffffff"
    background: Colour = "#101820"
    speed_percent: SpeedPercent = 12  # of the screen's height a second


class Ticker(TickerStyle):
    """A bar with one line of text. Text that is too long scrolls to the left, again and again."""

    id: Identifier


class LogoStyle(Bounded):
    """The place and size of a logo."""

    kind: Literal["logo"] = "logo"
    corner: Corner = Corner.TOP_RIGHT
    width_percent: WidthPercent = 12  # of the screen's width
    margin_percent: MarginPercent = 3  # of the screen's shorter side


class Logo(LogoStyle):
    """A picture in a corner. Its transparent parts stay transparent."""

    id: Identifier
    asset: Sha256


Overlay = Annotated[Ticker | Logo, Field(discriminator="kind")]
