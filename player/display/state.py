"""The display as values: what was last seen of it."""

from dataclasses import dataclass
from enum import StrEnum

from player.platform.geometry import Area


class Power(StrEnum):
    """What DPMS says of the monitor; `unknown` where the server cannot tell (Xvfb)."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DisplayState:
    """The display as last seen: whether the X server answers, a monitor is plugged in, and its power.

    `connected`: to the output the stage fills; None where the server has no RandR. `area` is what the stage fills,
    `output` and `refresh_hz` (0: unknown) belong to it. `problem`: a setting that cannot be followed, and why.
    """

    answers: bool
    connected: bool | None
    power: Power
    area: Area
    losses: int
    output: str = ""
    refresh_hz: float = 0.0
    problem: str = ""
    covered_by: str = ""  # another program's window, put below ours within the last ten minutes
