"""What a deck is started with: the part of a display it fills, how it decodes, and where it is heard."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from player.platform.geometry import Area

DECK = (sys.executable, "-m", "player.deck")


@dataclass(frozen=True, slots=True)
class DeckOptions:
    """`hardware`: libVLC may decode in hardware; `sound`: the output to be heard on, empty for the system's.

    `program` is another one in tests, with a fault built in.
    """

    display: str
    area: Area
    hardware: bool = False
    sound: str = ""
    program: tuple[str, ...] = DECK

    def arguments(self) -> list[str]:
        """Return the command line of such a deck."""
        return [*self.program, "--area", str(self.area), *(["--hardware"] if self.hardware else [])]

    def environment(self) -> Mapping[str, str]:
        """Return what it finds in its environment beside what is in ours."""
        return {"DISPLAY": self.display}
