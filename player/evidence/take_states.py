"""The life of a take, from the decision to show something to its end, and what each end means for plays and ads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sync.runtime.state_table import StateTable


class TakeState(StrEnum):
    """The state of a take. A take that started ends in the outcome that its play has."""

    PLANNED = "planned"  # decided; its shot is being loaded on the hidden deck; nothing is written
    RESERVED = "reserved"  # its shot waits on the hidden deck; an ad needs its reservation on the disk as well
    STARTED = "started"  # its first picture is on the display
    COMPLETE = "complete"  # it was on for all of its time, within the tolerance
    PARTIAL = "partial"  # cut short by schedule, operator or a stop of the player, or its picture stood
    FAILED = "failed"  # its media or its deck failed
    INTERRUPTED = "interrupted"  # the player ended while it was on, and the next start found it
    ABORTED = "aborted"  # it was never on the screen: something else is shown, and the programme goes on as before it
    SKIPPED = "skipped"  # it could not be shown, or an operator stepped over it: the programme goes on after it


TAKE_STATES = StateTable(
    "take",
    TakeState.PLANNED,
    {
        TakeState.PLANNED: {
            TakeState.RESERVED: "loaded",
            TakeState.SKIPPED: "cannot be shown, or stepped over",
            TakeState.ABORTED: "something else is wanted",
        },
        TakeState.RESERVED: {
            TakeState.STARTED: "cut",
            TakeState.ABORTED: "something else is wanted, it cannot be written, or the player ended",
        },
        TakeState.STARTED: {
            TakeState.COMPLETE: "its end, or nearly",
            TakeState.PARTIAL: "cut short",
            TakeState.FAILED: "its media or deck failed",
            TakeState.INTERRUPTED: "the player ended",
            TakeState.ABORTED: "gone at the instant it came",
        },
        TakeState.COMPLETE: {},
        TakeState.PARTIAL: {},
        TakeState.FAILED: {},
        TakeState.INTERRUPTED: {},
        TakeState.ABORTED: {},
        TakeState.SKIPPED: {},
    },
)


@dataclass(frozen=True, slots=True)
class TakeEnd:
    """What an end means: whether a play is written, whether the line of an ad gets its slot back, and why."""

    play: bool
    refund: bool
    why: str


TAKE_ENDS: Mapping[TakeState, TakeEnd] = {
    TakeState.COMPLETE: TakeEnd(play=True, refund=False, why="the line got what it was chosen for"),
    TakeState.PARTIAL: TakeEnd(play=True, refund=True, why="the line is owed a whole showing"),
    TakeState.FAILED: TakeEnd(play=True, refund=True, why="the line is owed a showing that works"),
    TakeState.INTERRUPTED: TakeEnd(
        play=True, refund=True, why="nobody knows how much of it was seen after the last look"
    ),
    TakeState.ABORTED: TakeEnd(play=False, refund=True, why="nobody saw it"),
    TakeState.SKIPPED: TakeEnd(
        play=False, refund=True, why="nobody saw it; another line and another creative come first"
    ),
}
"""For each end of `TAKE_STATES`. A refund and the play are one transaction with the end of the take."""
