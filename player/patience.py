"""How often in a row showing may fail before the director draws breath: a broken device must not spin."""

from sync.clock import Clock

_IN_A_ROW = 10
_LONGEST_BREATH_S = 60.0


class FailureBackoff:
    """Counts takes in a row that could not be shown; from the tenth on each costs a pause of 1 s doubling to 60 s."""

    def __init__(self, clock: Clock) -> None:
        self.misses = 0
        self._clock = clock
        self._until_s = 0.0

    def missed(self) -> None:
        """Count one more."""
        self.misses += 1
        if self.misses >= _IN_A_ROW:
            breath_s = min(_LONGEST_BREATH_S, 2.0 ** min(self.misses - _IN_A_ROW, 16))
            self._until_s = self._clock.monotonic() + breath_s

    def reset(self) -> None:
        """Forget it all: something plays, or something changed."""
        self.misses = 0
        self._until_s = 0.0

    def left_s(self) -> float:
        """Return how many seconds to wait before the next try, 0 for none."""
        return max(0.0, self._until_s - self._clock.monotonic())
