"""Counts tries of passwords and codes, in memory: a table of bounded size, for each origin its own."""

import logging
from collections import OrderedDict
from collections.abc import Sequence

from sync.errors import TooManyTries
from sync.origin.people.tries import Limit, Spent, left_after_right_try, try_once
from sync.runtime.clock import Clock

MOST_KNOWN = 10_000
"""Who tried last is known longest. One network cannot fill the table: it is slowed down before."""

log = logging.getLogger(__name__)


class Attempts:
    """A try counts when it begins, so that many at once are counted too; a right one is given back."""

    def __init__(self, clock: Clock, most_known: int = MOST_KNOWN) -> None:
        self._clock = clock
        self._most_known = most_known
        self._spent: OrderedDict[str, Spent] = OrderedDict()
        self._slowed = set[str]()

    def begin(self, limits: Sequence[Limit]) -> None:
        """Count a try by all of these limits, or by none.

        Raises:
            TooManyTries: one of them is used up.
        """
        now_s = self._clock.monotonic()
        found = {name: try_once(self._spent.get(name), allowance, now_s) for name, allowance in limits}
        for name, (_, wait_s) in found.items():
            self._tell(name, slowed=wait_s > 0)
        wait_s = max(wait_s for _, wait_s in found.values())
        if wait_s > 0:
            raise TooManyTries(
                f"too many wrong tries from here: wait {wait_s:.0f} s. A browser in which you logged in before has "
                "tries of its own, and a key is not slowed down",
                retry_after_s=wait_s,
            )
        for name, (spent, _) in found.items():
            self._keep(name, spent)

    def give_back(self, limits: Sequence[Limit]) -> None:
        """Give a try back: it was right, or nobody looked."""
        now_s = self._clock.monotonic()
        for name, allowance in limits:
            if (spent := self._spent.get(name)) is not None:
                self._keep(name, left_after_right_try(spent, allowance, now_s))

    def _keep(self, name: str, spent: Spent | None) -> None:
        self._spent.pop(name, None)
        if spent is not None:
            self._spent[name] = spent
        while len(self._spent) > self._most_known:
            oldest, _ = self._spent.popitem(last=False)
            self._slowed.discard(oldest)

    def _tell(self, name: str, *, slowed: bool) -> None:
        if slowed and name not in self._slowed and name in self._spent:
            self._slowed.add(name)
            log.warning("tries=%s slowed down", name)
        elif not slowed and name in self._slowed:
            self._slowed.remove(name)
            log.info("tries=%s allowed again", name)
