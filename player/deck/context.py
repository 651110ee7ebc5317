"""What a deck works with, whether its shot is being loaded or on air."""

from collections.abc import Callable
from dataclasses import dataclass

from player.deck.vlc.vlc_player import VlcPlayer
from player.deck.window import DeckWindow
from player.protocol.deck_messages import DeckEvent
from sync.runtime.clock import SystemClock
from sync.wire.release import Fit


@dataclass(frozen=True, slots=True)
class DeckContext:
    """One window, the libVLC player that paints into it, the clock, and how to send an event to the stage."""

    window: DeckWindow
    player: VlcPlayer
    clock: SystemClock
    send: Callable[[DeckEvent], None]

    def lay_out(self, fit: Fit) -> bool:
        """Place the media, now that libVLC has an output; return whether `stretch_to_fill` must follow its first paint.

        libVLC forgets to distort what it turns by a quarter, unless it is told after the first paint. Until then the
        media covers the area.
        """
        covers = fit is Fit.FILL and self.window.area.sideways
        size = self.player.size() or self.window.output_size()
        self.window.place_media(*size, Fit.COVER if covers else fit)
        return covers

    def stretch_to_fill(self) -> None:
        """Distort media that covers the area so that it fills it."""
        area = self.window.area
        self.window.place_media(*area.upright, Fit.FILL)
        self.player.set_aspect(area.width, area.height)
