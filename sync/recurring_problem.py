"""Logs a problem when it starts and when it ends, and one that comes and goes not each time."""

import logging
import re
from dataclasses import dataclass

from sync.runtime.clock import Clock

AWAY_S = 3600.0
"""How long a problem that came and went has to stay away until it counts as ended."""

_CHANGING = re.compile(r"[0-9a-f]{8,}|\d+")  # sequences, hashes, ports: another one is the same problem


def problem_kind(text: str) -> str:
    """Return what stays the same of a problem while its figures change."""
    return _CHANGING.sub("#", text)


@dataclass(frozen=True, slots=True)
class _Seen:
    at_s: float
    comes_and_goes: bool
    text: str


class RecurringProblem:
    """The problems of one service; `start` and `end` are what the log says, such as "sync waits".

    Every second answer may be wrong for ever, where several servers or caches share one address. So a problem that is
    back within an hour of its end is told once more, and then no more until it has stayed away for an hour. Starts are
    told at `level`.
    """

    def __init__(self, clock: Clock, log: logging.Logger, start: str, end: str, level: int = logging.WARNING) -> None:
        self._clock = clock
        self._log = log
        self._start = start
        self._end = end
        self._level = level
        self._seen: dict[str, _Seen] = {}
        self._present: set[str] = set()  # since the last success

    def occurred(self, text: str, *, comes_and_goes: bool = False) -> None:
        """Tell of a problem, if it is new. `comes_and_goes`: its kind does, so its first end is not believed."""
        kind = problem_kind(text)
        before, now_s = self._seen.get(kind), self._clock.monotonic()
        back = before is not None and kind not in self._present
        if before is None:
            self._log.log(self._level, "%s: %s", self._start, text)
        elif back and not before.comes_and_goes:
            back_again = "%s: %s (it comes and goes: told again once it stays away)"
            self._log.log(self._level, back_again, self._start, text)
        known = before is not None and before.comes_and_goes
        self._seen[kind] = _Seen(now_s, comes_and_goes or back or known, text)
        self._present.add(kind)

    def cleared(self) -> None:
        """Tell of an end, after a success."""
        if any(not self._seen[kind].comes_and_goes for kind in self._present):
            self._log.info(self._end)
        self._present.clear()
        now_s = self._clock.monotonic()
        for kind, seen in list(self._seen.items()):
            if now_s - seen.at_s >= AWAY_S:
                del self._seen[kind]
                if seen.comes_and_goes:
                    self._log.info("%s: not seen for %.0f minutes: %s", self._end, AWAY_S / 60, seen.text)
