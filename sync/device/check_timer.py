"""When the syncer asks for the newest release next: after a wait, or at the moment that a hint or exchange sets."""

import asyncio
import math
from random import Random

from sync.runtime.clock import Clock
from sync.runtime.waiting import first_of


class CheckTimer:
    """The next check. A moment that is set replaces the regular one, also where that is sooner: nobody is ahead."""

    def __init__(self, clock: Clock, rng: Random) -> None:
        self._clock = clock
        self._rng = rng
        self._set_s: float | None = None
        self._begun_s = -math.inf  # the last check whose moment was set
        self._changed = asyncio.Event()
        self._woken = False

    def now(self) -> None:
        """Have the check begin at once."""
        self._woken = True
        self._changed.set()

    def within(self, window_s: float, *, apart_s: float) -> bool:
        """Have it begin at a random moment within `window_s`, but `apart_s` after the last one that was set.

        A moment that is set already stays, unless the new window ends before it. Returns whether it is a new one.
        """
        now_s = self._clock.monotonic()
        if self._set_s is not None and now_s + window_s >= self._set_s:
            return False
        self._set_s = max(now_s + self._rng.uniform(0.0, window_s), self._begun_s + apart_s)
        self._changed.set()
        return True

    @property
    def is_set(self) -> bool:
        """Whether a check is to come that was not only time for."""
        return self._set_s is not None or self._woken

    def begin(self) -> bool:
        """Note that the check begins; return whether something but time had it begin."""
        asked = self.is_set
        if self._set_s is not None:
            self._begun_s = self._clock.monotonic()
        self._set_s = None
        self._woken = False
        return asked

    async def wait(self, seconds: float) -> None:
        """Return when the check is to begin: after `seconds` if nothing sets another moment."""
        regular_s = self._clock.monotonic() + seconds
        while not self._woken:
            self._changed.clear()
            due_s = regular_s if self._set_s is None else self._set_s
            left_s = due_s - self._clock.monotonic()
            if left_s <= 0:
                return
            await first_of(self._clock.sleep(left_s), self._changed.wait())
