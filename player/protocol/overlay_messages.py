"""The lines between the daemon and the overlay process: one JSON object each."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from player.platform.geometry import Area
from sync.wire.base import Sha256, Wire
from sync.wire.overlay import Overlay


class ShowOverlays(Wire):
    """Show these overlays in `area` and no others; one that is already there as it should be is not touched.

    `files` are the paths of the logos' assets.
    """

    area: Area
    overlays: tuple[Overlay, ...]
    files: dict[Sha256, str] = Field(default_factory=dict)


class OverlaysShown(Wire):
    """The overlays on the display now, by id, and in words why others of them are not."""

    event: Literal["placed"] = "placed"
    shown: tuple[str, ...]
    problems: tuple[str, ...]


class OverlayPulse(Wire):
    """Once a second: the process's loop turns."""

    event: Literal["pulse"] = "pulse"


OverlayEvent = Annotated[OverlaysShown | OverlayPulse, Field(discriminator="event")]
OVERLAY_EVENT: TypeAdapter[OverlayEvent] = TypeAdapter(OverlayEvent)
