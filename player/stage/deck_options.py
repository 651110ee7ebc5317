"""What a deck is started with: the part of the display it fills, how it decodes, and its audio output."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from player.platform.geometry import Area

DECK = (sys.executable, "-m", "player.deck")


@dataclass(frozen=True, slots=True)
class DeckOptions:
    """`hardware`: libVLC may decode in hardware. `sound`: the audio output; empty: the system's.

    `program` starts a deck; tests use one with a built-in fault.
    """

    display: str
    area: Area
    hardware: bool = False
    sound: str = ""
    program: tuple[str, ...] = DECK

    def arguments(self) -> list[str]:
        """Return the command line of a deck."""
        return [*self.program, "--area", str(self.area), *(["--hardware"] if self.hardware else [])]

    def environment(self) -> Mapping[str, str]:
        """Return the environment variables of a deck that differ from ours."""
        return {"DISPLAY": self.display}
