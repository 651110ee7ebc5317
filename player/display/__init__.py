"""The daemon's connection to the X server: its outputs and state, what is behind and before the decks, screenshots."""

from player.display.display import Display, open_display
from player.display.outputs import WantedOutput
from player.display.state import DisplayState, Power

__all__ = ["Display", "DisplayState", "Power", "WantedOutput", "open_display"]
