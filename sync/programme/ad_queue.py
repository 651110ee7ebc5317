"""The lines in the order they are due, so that a choice reads a few of them instead of all.

Three heaps: `ready` by deadline, `future` by first slot, and `parked` for lines that a gap excludes, by the slot in
which the gap ends. A queue is a value made from accounts and can be made again at any time. Copying three lists of
pointers costs little compared with a choice. When an account changes, its new turn is added; the old one is dropped
when it comes up, for it is not the turn of its line any more.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from sync.programme.ad_shares import Account

Turn = tuple[int, int, int, int]
"""A line's turn: first slot, last slot, tie-break, index among the eligible lines."""

IsTurn = Callable[[Turn], bool]
"""Whether this is the turn of its line now; else it is left from before a change of its account."""

Wait = Callable[[int], int | None]
"""How many slots the line at an index must wait from now; 0: none. None: it does not fit here."""

_MASK = 2**64 - 1
_SOON = 16  # slots


@dataclass(frozen=True, slots=True)
class AdQueue:
    """The turns of all eligible lines; `ready` (or soon) has them as (last, tie, index, first), `parked` by slot."""

    ready: list[tuple[int, int, int, int]] = field(default_factory=list)
    future: list[Turn] = field(default_factory=list)
    parked: list[tuple[int, Turn]] = field(default_factory=list)

    @classmethod
    def from_turns(cls, turns: Iterable[Turn], slot: int = 0) -> "AdQueue":
        """Make the queue of these turns before `slot`.

        New lines are due within a few slots, all of them: to move thousands one by one then would cost more than now.
        """
        ready: list[tuple[int, int, int, int]] = []
        future: list[Turn] = []
        for turn in turns:
            first, last, tie, index = turn
            if first <= slot + _SOON:
                ready.append((last, tie, index, first))
            else:
                future.append(turn)
        heapify(ready)
        heapify(future)
        return cls(ready, future)

    def pop(
        self, slot: int, wait: Wait, ahead: Callable[[int], bool], is_turn: IsTurn = lambda _: True
    ) -> tuple[int | None, "AdQueue"]:
        """Return the line for `slot` and the queue without it; None when no line passes.

        Of the due lines that pass, the one with the earliest deadline; else, early, the one due next that does not get
        too far `ahead`.
        """
        after = AdQueue(list(self.ready), list(self.future), list(self.parked))
        after._release(slot)
        index = after._pop_ready(slot, wait, is_turn)
        if index is None:
            index = after._pop_early(slot, wait, ahead, is_turn)
        return index, after

    def with_turns(self, turns: Iterable[Turn]) -> "AdQueue":
        """Return the queue with more turns."""
        future = list(self.future)
        for turn in turns:
            heappush(future, turn)
        return AdQueue(self.ready, future, self.parked)

    def unparked(self) -> "AdQueue":
        """Return the queue with nothing parked: the gaps are others than they were."""
        return AdQueue(self.ready, self.future, []).with_turns(turn for _, turn in self.parked)

    def _release(self, slot: int) -> None:
        while self.parked and self.parked[0][0] <= slot:
            heappush(self.future, heappop(self.parked)[1])
        while self.future and self.future[0][0] <= slot:
            first, last, tie, index = heappop(self.future)
            heappush(self.ready, (last, tie, index, first))

    def _pop_ready(self, slot: int, wait: Wait, is_turn: IsTurn) -> int | None:
        passed_over = []
        found = None
        while self.ready and found is None:
            turn = heappop(self.ready)
            last, tie, index, first = turn
            if not is_turn((first, last, tie, index)):
                continue
            if first > slot:  # not due yet
                heappush(self.future, (first, last, tie, index))
                continue
            slots = wait(index)
            if slots is None:
                passed_over.append(turn)
            elif slots:
                heappush(self.parked, (slot + slots, (first, last, tie, index)))
            else:
                found = index
        for turn in passed_over:
            heappush(self.ready, turn)
        return found

    def _pop_early(self, slot: int, wait: Wait, ahead: Callable[[int], bool], is_turn: IsTurn) -> int | None:
        passed_over = []
        found = None
        while self.future and found is None:
            turn = heappop(self.future)
            if not is_turn(turn):
                continue
            slots = wait(turn[3])
            if slots is None or ahead(turn[3]):
                passed_over.append(turn)
            elif slots:
                heappush(self.parked, (slot + slots, turn))
            else:
                found = turn[3]
        for turn in passed_over:
            heappush(self.future, turn)
        return found


def next_turn(account: Account, lines: int, index: int, seed: int, tag: int) -> Turn:
    """Return a line's next turn among `lines`. Ties fall by `tag`, a number of the line, `seed`, and its plays."""
    return account.release(lines), account.deadline(lines), _mixed(seed ^ tag, account.plays), index


def _mixed(state: int, step: int) -> int:
    """Return the value of splitmix64 (Steele, Lea and Flood, 2014) `step` steps after `state`."""
    value = (state + (step + 1) * 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
