"""Keeps lines in the order they are due, so that a choice looks at a handful of them and not at all.

Three heaps: `ready` by deadline, `future` by release, and `parked` for lines a gap keeps out, until the slot it ends
in. An agenda is a value made from accounts, and can be thrown away at any time: it holds nothing of its own. Copying
three lists of pointers is cheap next to what a choice costs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from player.programme.ad_pacing import Account

Due = tuple[int, int, int, int]
"""A line's turn: first slot, last slot, tie-break, index on the slate."""

Wait = Callable[[int], int | None]
"""How many slots the line at an index must wait from now: 0 passes, None: it does not fit here and now."""

_MASK = 2**64 - 1


@dataclass(frozen=True, slots=True)
class AdQueue:
    """The turns of all lines on a slate; `ready` holds them as (last, tie, index, first), `parked` with their slot."""

    ready: list[tuple[int, int, int, int]] = field(default_factory=list)
    future: list[Due] = field(default_factory=list)
    parked: list[tuple[int, Due]] = field(default_factory=list)

    @classmethod
    def of(cls, turns: Iterable[Due]) -> "AdQueue":
        """Make the agenda of these turns."""
        future = list(turns)
        heapify(future)
        return cls(future=future)

    def take(self, slot: int, wait: Wait, ahead: Callable[[int], bool]) -> tuple[int | None, "AdQueue"]:
        """Return the line for `slot` and the agenda without it; None when none passes.

        Of the due lines that pass the one with the earliest deadline; else, early, the one due next that would not get
        `ahead` too far.
        """
        after = AdQueue(list(self.ready), list(self.future), list(self.parked))
        after._wake(slot)
        index = after._take_ready(slot, wait)
        if index is None:
            index = after._take_early(slot, wait, ahead)
        return index, after

    def having(self, turn: Due) -> "AdQueue":
        """Return the agenda with one more turn."""
        future = list(self.future)
        heappush(future, turn)
        return AdQueue(self.ready, future, self.parked)

    def _wake(self, slot: int) -> None:
        while self.parked and self.parked[0][0] <= slot:
            heappush(self.future, heappop(self.parked)[1])
        while self.future and self.future[0][0] <= slot:
            first, last, tie, index = heappop(self.future)
            heappush(self.ready, (last, tie, index, first))

    def _take_ready(self, slot: int, wait: Wait) -> int | None:
        aside = []
        taken = None
        while self.ready and taken is None:
            turn = heappop(self.ready)
            last, tie, index, first = turn
            slots = wait(index)
            if slots is None:
                aside.append(turn)
            elif slots:
                heappush(self.parked, (slot + slots, (first, last, tie, index)))
            else:
                taken = index
        for turn in aside:
            heappush(self.ready, turn)
        return taken

    def _take_early(self, slot: int, wait: Wait, ahead: Callable[[int], bool]) -> int | None:
        aside = []
        taken = None
        while self.future and taken is None:
            turn = heappop(self.future)
            slots = wait(turn[3])
            if slots is None or ahead(turn[3]):
                aside.append(turn)
            elif slots:
                heappush(self.parked, (slot + slots, turn))
            else:
                taken = turn[3]
        for turn in aside:
            heappush(self.future, turn)
        return taken


def turn(account: Account, lines: int, index: int, seed: int, tag: int) -> Due:
    """Return a line's next turn among `lines`; `tag` is a number of its own, ties fall by it, `seed` and its plays."""
    return account.release(lines), account.deadline(lines), _mixed(seed ^ tag, account.plays), index


def _mixed(state: int, step: int) -> int:
    """Return the value of splitmix64 (Steele, Lea and Flood, 2014) `step` steps after `state`."""
    value = (state + (step + 1) * 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
