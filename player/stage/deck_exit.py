"""How a deck came to be gone, and whose fault that was."""

import signal
from dataclasses import dataclass

_NO_DISPLAY = 3  # the code a deck ends with when the X server does not take it
_CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


@dataclass(frozen=True, slots=True)
class DeckExit:
    """Why a deck is gone; `crashed` when its own decoder did it, not somebody from outside.

    `displayless`: the X server did not take it, so another one will not fare better. `renewal`: nothing was wrong with
    it, something else is wanted.
    """

    reason: str
    crashed: bool
    displayless: bool = False
    renewal: bool = False


def exit_from_code(code: int) -> DeckExit:
    """Judge a deck by its exit code; a negative one names a signal."""
    if code >= 0:
        bug = code not in (0, _NO_DISPLAY)
        return DeckExit(f"it ended with code {code}", crashed=bug, displayless=code == _NO_DISPLAY)
    name = signal.Signals(-code).name
    return DeckExit(f"it was ended by {name}", crashed=-code in _CRASHES)
