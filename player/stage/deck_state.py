"""The states of a deck process, the moves between them, and why a process ended."""

import signal
from dataclasses import dataclass
from enum import StrEnum

from sync.runtime.state_table import StateTable

_NO_DISPLAY = 3  # the exit code of a deck that the X server does not accept
_CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


class DeckState(StrEnum):
    """What a deck does now. Orders change the state when they are sent, results when the deck reports them."""

    GONE = "gone"  # no process runs
    STARTING = "starting"  # the process is being started; it has not reported yet that it is ready
    READY = "ready"  # it takes commands; it has no shot, and its window is off the screen
    LOADING = "loading"  # it opens a shot, unseen
    LOADED = "loaded"  # the first frame of the shot is ready in a window below
    ON_AIR = "on air"  # its window is on the screen with a shot; the last picture stays after the end of the shot
    BLANK = "blank"  # its window covers the screen with plain black, as ordered
    LEAVING = "leaving"  # the process was killed, or ended by itself; its exit code is awaited

    @property
    def takes_commands(self) -> bool:
        """Whether the process reads what is sent to it."""
        return self not in (DeckState.GONE, DeckState.STARTING, DeckState.LEAVING)


_ENDS = {DeckState.LEAVING: "killed, or ended by itself"}

DECK_STATES = StateTable(
    "deck",
    DeckState.GONE,
    {
        DeckState.GONE: {DeckState.STARTING: "process started"},
        DeckState.STARTING: {DeckState.READY: "reports that it is ready", **_ENDS},
        DeckState.READY: {DeckState.LOADING: "load ordered", DeckState.BLANK: "black ordered", **_ENDS},
        DeckState.LOADING: {
            DeckState.LOADED: "first frame ready",
            DeckState.READY: "media unplayable, or load cancelled",
            **_ENDS,
        },
        DeckState.LOADED: {
            DeckState.ON_AIR: "window raised",
            DeckState.LOADING: "another shot ordered",
            DeckState.READY: "media failed while it waited",
            DeckState.BLANK: "black ordered",
            **_ENDS,
        },
        DeckState.ON_AIR: {DeckState.READY: "hidden", DeckState.BLANK: "black ordered", **_ENDS},
        DeckState.BLANK: {DeckState.READY: "hidden", **_ENDS},
        DeckState.LEAVING: {DeckState.GONE: "process ended"},
    },
)


@dataclass(frozen=True, slots=True)
class DeckExit:
    """Why a deck ended. `crashed`: its own decoder is the cause, not somebody from outside.

    `displayless`: the X server did not accept it, so another deck fails too. `renewal`: the deck was in order, but it
    is worn, or the display changed. `unstarted`: the system did not start the process. `other_code`: the program was
    updated since the player started.
    """

    reason: str
    crashed: bool
    displayless: bool = False
    renewal: bool = False
    unstarted: bool = False
    other_code: bool = False


def exit_from_code(code: int) -> DeckExit:
    """Return why a deck with this exit code ended; a negative code is the number of a signal."""
    if code >= 0:
        bug = code not in (0, _NO_DISPLAY)
        return DeckExit(f"it ended with code {code}", crashed=bug, displayless=code == _NO_DISPLAY)
    name = signal.Signals(-code).name
    return DeckExit(f"it was ended by {name}", crashed=-code in _CRASHES)
