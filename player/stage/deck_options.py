"""What a deck is started with: the part of the display it fills, how it decodes, and its audio output."""

import sys
from dataclasses import dataclass
from pathlib import Path

from player.platform.geometry import Area

DECK = (sys.executable, "-m", "player.deck")


@dataclass(frozen=True, slots=True)
class DeckOptions:
    """`hardware`: libVLC may decode in hardware. `sound`: the audio output; empty: the system's.

    `state_dir` is hidden from it but for the verified media. `program` starts a deck; tests use one with a built-in
    fault.
    """

    display: str
    area: Area
    hardware: bool = False
    sound: str = ""
    program: tuple[str, ...] = DECK
    state_dir: Path | None = None

    def arguments(self) -> list[str]:
        """Return the command line of a deck."""
        state_dir = ["--state-dir", str(self.state_dir)] if self.state_dir else []
        return [*self.program, "--area", str(self.area), *(["--hardware"] if self.hardware else []), *state_dir]
