"""The display as values: what was last seen of it."""

from dataclasses import dataclass
from enum import StrEnum

from player.screen import Area


class Power(StrEnum):
    """What DPMS says of the monitor; `unknown` where the server cannot tell (Xvfb)."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DisplayState:
    """The display as last seen: whether the X server answers, a monitor is plugged in, and its power."""

    answers: bool
    connected: bool | None
    power: Power
    area: Area
    losses: int
