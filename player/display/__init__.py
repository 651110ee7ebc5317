"""The daemon's one hold on the X server: what stands on it, what it is like, and how it is set up."""

from player.display.display import Display, open_display
from player.display.outputs import Wanted
from player.display.state import DisplayState, Power

__all__ = ["Display", "DisplayState", "Power", "Wanted", "open_display"]
