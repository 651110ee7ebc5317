"""Plays that this origin has stored and not counted yet, in memory: who counts them need not read them again.

What is held is only a help. A day whose row says that something else happened to it is counted from the database.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sync.origin.sent_plays.counted_play import CountedFacts, CountedPlay

MOST_HELD = 100_000
"""Plays, some 15 MB. When half as many are held, it is time to count."""

_MOST_FACTS = 50_000

Day = tuple[str, int]
"""Device and day."""


@dataclass(slots=True)
class HeldDay:
    """Plays of one log that came to a day in `marks` transactions, since something else last happened to it here.

    `first` is the lowest of their sequences, `until` the highest.
    """

    log: str
    first: int
    until: int
    plays: list[CountedPlay]
    marks: int = 1
    survived: bool = False  # a count of all days, which had no use for it


class HeldPlays:
    """The plays of each day. One that is not held any more is missed, and its next plays help nobody."""

    def __init__(self) -> None:
        self.half_full = asyncio.Event()
        self._days = dict[Day, HeldDay]()
        self._facts = dict[CountedFacts, CountedFacts]()
        self._size = 0

    def add(self, came: Mapping[Day, HeldDay]) -> None:
        """Hold what one transaction has added to days, after it."""
        if len(self._facts) > _MOST_FACTS:
            self._facts.clear()
        share = self._facts.setdefault
        for day, new in came.items():
            new.plays = [CountedPlay(share(each[0], each[0]), each[1], each[2]) for each in new.plays]
            self._hold(day, self._pop(day), new)
        if self._size >= MOST_HELD // 2:
            self.half_full.set()

    def take(self, days: Iterable[Day]) -> dict[Day, HeldDay]:
        """Return what is held of these days, and hold it no more."""
        return {day: held for day in days if (held := self._pop(day))}

    def put_back(self, taken: Mapping[Day, HeldDay]) -> None:
        """Hold again what was taken and not used, with what came since."""
        for day, held in taken.items():
            self._hold(day, held, self._pop(day))

    def forget(self) -> None:
        """Forget what two counts of all days had no use for, as where another origin counts them."""
        for day in [day for day, held in self._days.items() if held.survived]:
            self._pop(day)
        for held in self._days.values():
            held.survived = True
        if not self._days:
            self._facts.clear()
        if self._size < MOST_HELD // 2:
            self.half_full.clear()

    def _hold(self, day: Day, held: HeldDay | None, new: HeldDay | None) -> None:
        joined = _joined(held, new) if held and new else held or new
        if joined and joined.log and self._size + len(joined.plays) <= MOST_HELD:
            self._days[day] = joined
            self._size += len(joined.plays)

    def _pop(self, day: Day) -> HeldDay | None:
        held = self._days.pop(day, None)
        self._size -= len(held.plays) if held else 0
        return held


def _joined(held: HeldDay, new: HeldDay) -> HeldDay | None:
    """Return both together; None: the new ones do not follow."""
    if held.log != new.log or held.until >= new.first:
        return None
    held.plays.extend(new.plays)
    held.until, held.marks = new.until, held.marks + new.marks
    return held
