"""What every shot in a deck works with, whether it is being loaded or on air."""

from collections.abc import Callable
from dataclasses import dataclass

from player.deck.projector import Projector
from player.deck.window import Window
from player.screen import DeckEvent
from sync.clock import SystemClock


@dataclass(frozen=True, slots=True)
class Booth:
    """One window, the projector that paints into it, the time, and whom to tell."""

    window: Window
    projector: Projector
    clock: SystemClock
    tell: Callable[[DeckEvent], None]
