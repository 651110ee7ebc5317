"""A deck with a fault built in, for tests: what goes wrong depends on the name of the file it is given.

Run like `python -m player.deck`; all but the fault is the real deck.
"""

import ctypes
import os
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from player.deck import __main__ as deck
from player.deck.projector import Projector

DECK = (sys.executable, "-m", "tests.stage.faulty")
_CHUNK_BYTES = 64 * 1024**2
_AIR = "-on-air"


class FaultyProjector(Projector):
    """A projector whose library fails while a file is opened, or, if its name ends so, while it is on air."""

    _name = ""

    def open(self, path: str, *rest: Any, **how: Any) -> None:
        self._name = Path(path).name
        if self._name in _FAULTS:
            _FAULTS[self._name]()
        super().open(path, *rest, **how)

    def run(self, *rest: Any, **how: Any) -> None:
        super().run(*rest, **how)
        if self._name.endswith(_AIR):
            threading.Timer(0.3, _FAULTS[self._name.removesuffix(_AIR)]).start()


def _crash() -> None:
    """Read where nothing is: SIGSEGV."""
    ctypes.string_at(0)


def _hang() -> NoReturn:
    """Never return, as a library that waits for itself."""
    while True:
        threading.Event().wait()


def _swell() -> NoReturn:
    """Take memory until there is no more, then end as C++ does that got none."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    taken = 0
    while libc.malloc(ctypes.c_size_t(_CHUNK_BYTES)):
        taken += _CHUNK_BYTES
    sys.stderr.write(f"no more memory after {taken >> 20} MiB\n")
    sys.stderr.flush()
    os.abort()


_FAULTS = {"crashes": _crash, "hangs": _hang, "swells": _swell}

if __name__ == "__main__":
    setattr(deck, "Projector", FaultyProjector)  # noqa: B010 - a class is not to be assigned to
    os._exit(deck.main())
