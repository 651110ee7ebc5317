"""A deck with a fault built in: what goes wrong depends on the name of the file it is given.

Run like `python -m player.deck`; all but the fault is the real deck. `standing` does harm to any deck from outside.
"""

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from player.deck import __main__ as deck
from player.deck.vlc.vlc_player import VlcPlayer
from sync.runtime.clock import SystemClock

DECK = (sys.executable, "-m", "tests.player.faulty_decks")
_CHUNK_BYTES = 64 * 1024**2
_AIR = "-on-air"
_AFTER_S = 0.8
_PTRACE_SEIZE, _PTRACE_INTERRUPT, _PTRACE_DETACH = 0x4206, 0x4207, 17
_WALL = 0x40000000


class FaultyVlcPlayer(VlcPlayer):
    """A projector whose library fails while a file is opened, or, if its name ends so, while it is on air."""

    _name = ""
    _due_s = float("inf")

    def open(self, path: str, *rest: Any, **how: Any) -> None:
        self._name = Path(path).name
        if self._name in _FAULTS:
            _FAULTS[self._name]()
        super().open(path, *rest, **how)

    def play(self, *rest: Any, **how: Any) -> None:
        super().play(*rest, **how)
        if self._name.endswith(_AIR):
            self._due_s = SystemClock().monotonic() + _AFTER_S

    def media_ms(self) -> int:
        if SystemClock().monotonic() > self._due_s:
            _FAULTS[self._name.removesuffix(_AIR)]()
        return super().media_ms()


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


@contextmanager
def frozen_decoder(pid: int) -> Iterator[list[int]]:
    """Stop every thread of a deck but its own two: libVLC never returns, while the deck goes on."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    threads = sorted(int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir())[2:]
    for thread in threads:
        for request in (_PTRACE_SEIZE, _PTRACE_INTERRUPT):
            assert libc.ptrace(request, thread, None, None) == 0, os.strerror(ctypes.get_errno())
    try:
        yield threads
    finally:
        for thread in threads:
            libc.ptrace(_PTRACE_DETACH, thread, None, None)  # those that still live go on
        reap_threads(threads)


def reap_threads(threads: list[int]) -> bool:
    """Take note of the deaths of threads that stand: till then the kernel keeps their process."""
    for thread in threads:
        with suppress(ChildProcessError):
            os.waitpid(thread, os.WNOHANG | _WALL)
    return True


if __name__ == "__main__":
    setattr(deck, "VlcPlayer", FaultyVlcPlayer)  # noqa: B010 - a class is not to be assigned to
    os._exit(deck.main())
