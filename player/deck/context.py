"""What every shot in a deck works with, whether it is being loaded or on air."""

from collections.abc import Callable
from dataclasses import dataclass

from player.deck.vlc.vlc_player import VlcPlayer
from player.deck.window import DeckWindow
from player.protocol.deck_messages import DeckEvent
from sync.runtime.clock import SystemClock
from sync.wire.release import Fit


@dataclass(frozen=True, slots=True)
class DeckContext:
    """One window, the projector that paints into it, the time, and whom to tell."""

    window: DeckWindow
    projector: VlcPlayer
    clock: SystemClock
    tell: Callable[[DeckEvent], None]

    def lay_out(self, fit: Fit) -> bool:
        """Place what libVLC has an output for now; return whether it only covers what it is to fill, until `distort`.

        libVLC forgets to distort what it turns by a quarter: it has to be told once the first of it was painted.
        """
        covers = fit is Fit.FILL and self.window.area.sideways
        size = self.projector.size() or self.window.output_size()
        self.window.fit(*size, Fit.COVER if covers else fit)
        return covers

    def distort(self) -> None:
        """Have what covers fill."""
        area = self.window.area
        self.window.fit(*area.upright, Fit.FILL)
        self.projector.stretch(area.width, area.height)
