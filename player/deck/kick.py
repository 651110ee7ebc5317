"""Whether a film just un-paused really runs: on a busy machine libVLC at times stays on the held frame for good.

What tells is the picture: the very same one as when it was raised, painted less often than the film has frames. A still
picture is painted again every 60-80 ms by libVLC, a film whose opening stands still at its full rate. Films of less
than twenty frames a second cannot be told apart so; they are left to the watch over the picture (`player.deck.watch`).
"""

from dataclasses import dataclass

AFTER_S = 0.4
_SLOW_S = 0.05  # how long a frame of such films stays
_SHARE = 0.8  # of the paints that were due
_MOST = 2  # kicks: told again, which harms nobody; then sent to where it should be. After that the watch has it


def is_stuck(paints: int, waited_s: float, frame_s: float, *, same: bool) -> bool:
    """Judge by how often it was painted since it was raised, and whether the `same` picture is there."""
    return same and paints < _SHARE * waited_s / frame_s


@dataclass(slots=True)
class Start:
    """The first moments of one film on air: `first` is its picture as it was raised, at `since_s`."""

    first: bytes
    since_s: float
    frame_s: float
    paints: int = 0
    kicks: int = 0
    runs: bool = False

    def due_s(self) -> float:
        """Return when to look; never once it runs."""
        return float("inf") if self.runs or self.frame_s > _SLOW_S else self.since_s + AFTER_S

    def look(self, now: float, picture: bytes) -> bool:
        """Take a look at `picture`, when that is due, and tell whether to kick."""
        if not is_stuck(self.paints, now - self.since_s, self.frame_s, same=picture == self.first):
            self.runs = True
            return False
        self.since_s, self.paints, self.kicks = now, 0, self.kicks + 1
        self.runs = self.kicks >= _MOST
        return True
