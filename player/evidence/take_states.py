"""The life of a take, from the decision to show something to its end."""

from enum import StrEnum

from sync.runtime.state_table import StateTable


class TakeState(StrEnum):
    """The state of a take."""

    PLANNED = "planned"  # decided; its shot is being loaded on the hidden deck; nothing is written
    RESERVED = "reserved"  # its shot waits on the hidden deck; an ad needs its reservation on the disk as well
    ON_AIR = "on air"  # it is on the screen
    PLAYED = "played"  # it left the screen and counts: its play is written
    NOT_COUNTED = "not counted"  # it left the screen at the instant it came: no play
    SKIPPED = "skipped"  # it could not be shown, or an operator stepped over it: the programme goes on after it
    CANCELLED = "cancelled"  # something else is shown in its place: the programme goes on as if it had never been


TAKE_STATES = StateTable(
    "take",
    TakeState.PLANNED,
    {
        TakeState.PLANNED: {
            TakeState.RESERVED: "loaded",
            TakeState.SKIPPED: "cannot be shown, or stepped over",
            TakeState.CANCELLED: "something else is wanted",
        },
        TakeState.RESERVED: {
            TakeState.ON_AIR: "cut",
            TakeState.CANCELLED: "something else is wanted, it cannot be written, or the player stopped",
        },
        TakeState.ON_AIR: {
            TakeState.PLAYED: "left the screen",
            TakeState.NOT_COUNTED: "left the screen at once",
        },
        TakeState.PLAYED: {},
        TakeState.NOT_COUNTED: {},
        TakeState.SKIPPED: {},
        TakeState.CANCELLED: {},
    },
)
