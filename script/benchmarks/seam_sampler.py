"""Looks at a display 250 times a second and notes what stands there; a process of its own, until its input ends.

Each look is one column and one row of the root window. What was seen is written as runs: first and last instant
(CLOCK_BOOTTIME) and what it was. Run as `seam_sampler.py DISPLAY CLIPS RESULT`.
"""

import json
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from seam_barcode import ROWS, SCREEN, Place, is_plain, is_whole, read
from Xlib import X
from Xlib.display import Display

EVERY_S = 0.004
BARE = 0xC02080  # the colour of the bare root window, as X has it
_BARE_BGR = (BARE & 255, BARE >> 8 & 255, BARE >> 16)
_BLACK_BGR = (0, 0, 0)

Sight = tuple[str, int, int]  # what, clip, frame


class Sampler:
    """A client of an X display that only looks."""

    def __init__(self, name: str, places: dict[int, Place]) -> None:
        self._display = Display(name)
        self._root = self._display.screen().root
        self._places = places
        self._turn = 0
        self._root.change_attributes(background_pixel=BARE)
        self._root.clear_area()
        self._display.sync()

    def look(self) -> Sight:
        """Return what stands on the screen now."""
        self._turn += 1
        column = self._grab(SCREEN[0] // 2, 0, 1, SCREEN[1])
        row = self._grab(0, ROWS[self._turn % len(ROWS)], SCREEN[0], 1)
        seen = self._judge(column, row)
        if seen[0] != "frame" and self._grab(SCREEN[0] // 2, 0, 1, SCREEN[1]) != column:
            return self.look()  # it changed between column and row
        return seen

    def _judge(self, column: bytes, row: bytes) -> Sight:
        mark = read(column)
        if mark and mark.clip in self._places:
            whole = is_whole(mark, self._places[mark.clip], column, row)
            return "frame" if whole else "torn", mark.clip, mark.frame
        for what, colour in (("black", _BLACK_BGR), ("bare", _BARE_BGR)):
            if is_plain(column, colour) and is_plain(row, colour):
                return what, -1, -1
        return "other", -1, -1

    def _grab(self, x: int, y: int, width: int, height: int) -> bytes:
        return bytes(self._root.get_image(x, y, width, height, X.ZPixmap, 0xFFFFFFFF).data)


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def sample(sampler: Sampler, stop: threading.Event) -> dict[str, Any]:
    """Look until `stop`; return the runs, and the instants between looks that were longer than wanted."""
    runs: list[list[Any]] = []
    intervals: list[float] = []
    due_s = before_s = _now()
    while not stop.is_set():
        asked_s = _now()
        what = sampler.look()
        at_s = (asked_s + _now()) / 2
        intervals.append(at_s - before_s)
        before_s = at_s
        if runs and tuple(runs[-1][2:]) == what:
            runs[-1][1] = at_s
        else:
            runs.append([at_s, at_s, *what])
        due_s = max(due_s + EVERY_S, at_s)
        time.sleep(max(0.0, due_s - _now()))
    return {"runs": runs, "intervals_s": intervals}


def _await_end(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


def main() -> None:
    """Sample until the end of input, then write what was seen."""
    name, table, result = sys.argv[1:]
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)  # late looks are the error of all figures
    clips = json.loads(Path(table).read_text())
    sampler = Sampler(name, {clip["number"]: Place.of(clip["width"], clip["height"]) for clip in clips})
    stop = threading.Event()
    threading.Thread(target=_await_end, args=(stop,), daemon=True).start()
    print("ready", flush=True)
    seen = sample(sampler, stop)
    Path(result).write_text(json.dumps(seen))


if __name__ == "__main__":
    main()
