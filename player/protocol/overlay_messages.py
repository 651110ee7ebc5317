"""The messages between the daemon and the overlay process: one JSON object a line."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from player.platform.geometry import Area
from sync.wire.overlay import Overlay
from sync.wire.value_types import Sha256, Wire


class ShowOverlays(Wire):
    """Show these overlays in `area` and no others; an overlay that does not change is not drawn again.

    `files` are the paths of the logos' assets.
    """

    area: Area
    overlays: tuple[Overlay, ...]
    files: dict[Sha256, str] = Field(default_factory=dict)


class OverlaysShown(Wire):
    """The ids of the overlays on the display now, for people why others are not, and the code it was started from."""

    event: Literal["placed"] = "placed"
    shown: tuple[str, ...]
    problems: tuple[str, ...]
    code: str = ""


class OverlayPulse(Wire):
    """Sent once a second while the process's loop runs."""

    event: Literal["pulse"] = "pulse"


OverlayEvent = Annotated[OverlaysShown | OverlayPulse, Field(discriminator="event")]
OVERLAY_EVENT: TypeAdapter[OverlayEvent] = TypeAdapter(OverlayEvent)
