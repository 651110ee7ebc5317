"""A deck with a fault built in, chosen by the name of the file it opens; everything else is the real deck.

Runs like `python -m player.deck`. `frozen_decoder` stops the threads of any deck from outside.
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
_ON_AIR = "-on-air"
_FAULT_AFTER_S = 0.8
_PTRACE_SEIZE, _PTRACE_INTERRUPT, _PTRACE_DETACH = 0x4206, 0x4207, 17
_WALL = 0x40000000


class FaultyVlcPlayer(VlcPlayer):
    """A player whose library fails while a file is opened, or while it is on air if the name ends with `-on-air`."""

    _name = ""
    _fault_s = float("inf")

    def open(self, path: str, *rest: Any, **how: Any) -> None:
        self._name = Path(path).name
        if self._name in _FAULTS:
            _FAULTS[self._name]()
        super().open(path, *rest, **how)

    def play(self, *rest: Any, **how: Any) -> None:
        super().play(*rest, **how)
        if self._name.endswith(_ON_AIR):
            self._fault_s = SystemClock().monotonic() + _FAULT_AFTER_S

    def media_ms(self) -> int:
        if SystemClock().monotonic() > self._fault_s:
            _FAULTS[self._name.removesuffix(_ON_AIR)]()
        return super().media_ms()


def _crash() -> None:
    """Read address 0: SIGSEGV."""
    ctypes.string_at(0)


def _hang() -> NoReturn:
    """Never return, like a library in a deadlock."""
    while True:
        threading.Event().wait()


def _exhaust_memory() -> NoReturn:
    """Allocate memory until there is no more, then abort as C++ does."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    allocated = 0
    while libc.malloc(ctypes.c_size_t(_CHUNK_BYTES)):
        allocated += _CHUNK_BYTES
    sys.stderr.write(f"no more memory after {allocated >> 20} MiB\n")
    sys.stderr.flush()
    os.abort()


_FAULTS = {"crashes": _crash, "hangs": _hang, "swells": _exhaust_memory}


@contextmanager
def frozen_decoder(pid: int) -> Iterator[list[int]]:
    """Stop every thread of a deck but its own two: libVLC hangs while the deck goes on."""
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
            libc.ptrace(_PTRACE_DETACH, thread, None, None)  # threads that still exist go on
        reap_threads(threads)


def reap_threads(threads: list[int]) -> bool:
    """Reap stopped threads that were killed: until then the kernel does not remove their process. Always True."""
    for thread in threads:
        with suppress(ChildProcessError):
            os.waitpid(thread, os.WNOHANG | _WALL)
    return True


if __name__ == "__main__":
    setattr(deck, "VlcPlayer", FaultyVlcPlayer)  # noqa: B010 - mypy refuses to assign to a class
    os._exit(deck.main())
