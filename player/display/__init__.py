"""The player's connection to the X server: outputs, what is behind the decks (backdrop, pairing code), screenshots."""

from player.display.display import Display, open_display
from player.display.display_state import DisplayState, Power
from player.display.outputs import WantedOutput

__all__ = ["Display", "DisplayState", "Power", "WantedOutput", "open_display"]
