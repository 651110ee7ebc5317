"""The service that finds devices from which nothing is heard any more, and writes it into their history, once a change.

That a device is back is written with its heartbeat. Whoever wants to know whether a device is online reads what is
written here.
"""

import logging
from datetime import timedelta

from sync.errors import StorageBroken, StorageFull
from sync.origin.live.live_hints import LiveHints
from sync.origin.store.heartbeats.heartbeats import HeartbeatStore
from sync.recurring_problem import RecurringProblem
from sync.runtime.clock import Clock, unix_ms

LEAST_SILENCE_S = 120.0
PERIODS = 2.5
"""So many periods of heartbeats without one, and two minutes at least, are silence: a lost one comes again soon."""

LOOK_EVERY_S = 5.0
_LEAST_MS = int(LEAST_SILENCE_S * 1000)
_PAUSED_S = 30.0  # between two looks: this origin was stopped, or its machine suspended
_STEP = timedelta(seconds=1)

log = logging.getLogger(__name__)


class ContactWatch:
    """Judges nobody before it has listened for as long as that takes: after a start, a pause or a step of the clock."""

    def __init__(self, store: HeartbeatStore, live: LiveHints, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._clock = clock
        starts, ends = "silent devices are not found", "silent devices are found again"
        self._problem = RecurringProblem(clock, log, starts, ends, logging.ERROR)

    async def run(self) -> None:
        """Look until cancelled."""
        listening_s = looked_s = self._clock.monotonic()
        start = self._clock.now() - timedelta(seconds=looked_s)
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            now_s, now = self._clock.monotonic(), self._clock.now()
            if now_s - looked_s > _PAUSED_S or abs(now - timedelta(seconds=now_s) - start) > _STEP:
                listening_s = now_s
            looked_s, start = now_s, now - timedelta(seconds=now_s)
            await self._look(now_s - listening_s, unix_ms(now))

    async def _look(self, listened_s: float, now_ms: int) -> None:
        if listened_s < LEAST_SILENCE_S:
            return
        try:
            for device, seen_ms, period_s in await self._store.not_heard(now_ms - _LEAST_MS, now_ms + _LEAST_MS):
                limit_s = silence_s(period_s)
                silent = not 0 <= now_ms - seen_ms <= limit_s * 1000  # later than now: by a clock that was ahead
                if silent and limit_s <= listened_s and await self._store.lose(device, seen_ms, now_ms):
                    log.info("device=%s is not heard any more", device)
                    self._live.screens.lost(device)
                    self._live.changed("devices", device)
        except (StorageBroken, StorageFull) as error:
            self._problem.occurred(str(error))
        else:
            self._problem.cleared()


def silence_s(period_s: float) -> float:
    """Return after how many seconds a device is silent that sends a heartbeat every `period_s`; 0: it does not say."""
    return max(LEAST_SILENCE_S, PERIODS * period_s)
