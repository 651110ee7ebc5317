"""Which overlays are due at an instant, and until when that is so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sync.wire.overlay import Overlay


@dataclass(frozen=True, slots=True)
class OverlaysDue:
    """The overlays over the picture; `until` is None when time alone changes nothing."""

    overlays: tuple[Overlay, ...]
    until: datetime | None


def due_overlays(overlays: Sequence[Overlay], at: datetime) -> OverlaysDue:
    """Return the overlays of an instant, in their order; later ones are in front."""
    shown = (
        overlay
        for overlay in overlays
        if (overlay.starts_at is None or overlay.starts_at <= at) and (overlay.ends_at is None or at < overlay.ends_at)
    )
    bounds = (bound for overlay in overlays for bound in (overlay.starts_at, overlay.ends_at) if bound is not None)
    return OverlaysDue(tuple(shown), min((bound for bound in bounds if bound > at), default=None))
