"""The last known state of the display, as values."""

from dataclasses import dataclass
from enum import StrEnum

from player.platform.geometry import Area


class Power(StrEnum):
    """The power state of the monitor by DPMS; `unknown` where the server has no DPMS (Xvfb)."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DisplayState:
    """The display at the last poll: whether the X server answers, a monitor is plugged in, and its power.

    `connected` is that of the output that the stage fills; None where the server has no RandR. The stage fills `area`;
    `output` and `refresh_hz` (0: unknown) belong to it. `problem`: a setting that cannot be applied, and why.
    """

    answers: bool
    connected: bool | None
    power: Power
    area: Area
    losses: int
    output: str = ""
    refresh_hz: float = 0.0
    problem: str = ""
    covered_by: str = ""  # a window of another program, put below ours within the last ten minutes
    was_off: bool = False  # the output was off until this poll
    plugged: frozenset[str] = frozenset()  # the outputs with a monitor

    @property
    def dark(self) -> bool:
        """Whether nobody can see anything: the monitor is off or unplugged."""
        return self.connected is False or self.power is Power.OFF
