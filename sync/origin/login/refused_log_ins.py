"""Has the audit log say that log-ins are refused: once for each account and network, while that goes on."""

import logging
from collections import OrderedDict

from sync.origin.audit.changes import Action
from sync.origin.people.tries import Allowance, Spent, try_once
from sync.origin.store.people.people import Person
from sync.origin.store.people.refused_log_ins import RefusedLogInStore
from sync.runtime.clock import Clock

QUIET_S = 3_600.0
"""After this time without a refusal the next one is told again."""

MOST_ENTRIES = Allowance(100, 600.0)
"""Of all together, so that nobody can fill the disk: 144 a day, some 50 kB."""

_MOST_KNOWN = 1_000

log = logging.getLogger(__name__)


class RefusedLogIns:
    """Who is refused, in memory; each origin has its own."""

    def __init__(self, store: RefusedLogInStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._last_s: OrderedDict[tuple[str, str, Action], float] = OrderedDict()
        self._spent: Spent | None = None
        self._is_full = False

    async def note(self, person: Person | None, network: str, action: Action) -> None:
        """Record a refusal, unless the same one was recorded and goes on, or too many were.

        Raises:
            StorageFull: the disk is full.
            StorageBroken: the database cannot be used.
        """
        now_s, what = self._clock.monotonic(), ("" if person is None else person.id, network, action)
        before_s = self._last_s.pop(what, None)
        self._last_s[what] = now_s
        while len(self._last_s) > _MOST_KNOWN:
            self._last_s.popitem(last=False)
        if (before_s is None or now_s - before_s > QUIET_S) and self._has_room(now_s):
            await self._store.add(None if person is None else (person.id, person.name), action)

    def _has_room(self, now_s: float) -> bool:
        self._spent, wait_s = try_once(self._spent, MOST_ENTRIES, now_s)
        if (wait_s > 0) != self._is_full:
            self._is_full = wait_s > 0
            log.warning("refused log-ins are %s", "too many to record" if self._is_full else "recorded again")
        return wait_s == 0
