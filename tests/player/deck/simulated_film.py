"""A film as libVLC shows it, or fails to: the samples that a deck takes of it, without libVLC."""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from player.deck.picture_judgement import PictureSample
from player.deck.vlc.frame_times import FrameTimes

_AHEAD_S = 0.5  # so much earlier than it is shown a frame is decoded
_REPAINT_S = 0.08
_COUNTED_EVERY_S = 0.4

Seconds = Callable[[float], bool]


def never(_: float) -> bool:
    return False


@dataclass(frozen=True)
class SimulatedFilm:
    """Pictures at `times_s`; those while `alike` look as the one before.

    Frames while `refused` are taken by the decoder and give no picture; while `broken` they are not even taken. While
    `hung` nothing of libVLC goes on: no paint, no count, no media time. Pictures while `late` are dropped.
    """

    times_s: Sequence[float]
    length_s: float
    alike: Seconds = never
    refused: Seconds = never
    broken: Seconds = never
    hung: Seconds = never
    late: Seconds = never
    silent: bool = False  # media time moves with the pictures only

    def frame_times(self) -> FrameTimes:
        gaps = [later - sooner for sooner, later in pairwise([0.0, *self.times_s, self.length_s])]
        even = max(gaps) < min(0.5, 1.25 * self.length_s / len(gaps))
        return FrameTimes(len(self.times_s), self.length_s, max(gaps), None if even else array("d", self.times_s))

    def samples(self, until_s: float, every_s: float = 0.2) -> Iterator[PictureSample]:
        """Yield what is sampled while it is on air."""
        before_s, at_s = -every_s, 0.0
        while at_s < until_s:
            came = [time for time in self.times_s if before_s < time <= at_s and self._shown(time)]
            hung = self.hung(at_s)
            repaints = 0 if hung else int((at_s - before_s) / _REPAINT_S)
            counted_s = max((at for at in _steps(at_s) if not self.hung(at)), default=0.0)
            yield PictureSample(
                100 + at_s, max(len(came), repaints), self._media_ms(counted_s), False,
                self._decoded(counted_s), self._lost(counted_s), self._pixels(at_s), at_s,
            )  # fmt: skip
            before_s, at_s = at_s, at_s + every_s

    def given(self, sample: PictureSample) -> float:
        """Return how many of its pictures the source of a stream gave, up to a second after the media time."""
        return float(sum(time <= sample.media_ms / 1000 + 1.0 for time in self.times_s))

    def _shown(self, time: float) -> bool:
        return not (self.refused(time) or self.broken(time) or self.hung(time) or self.late(time))

    def _pixels(self, at_s: float) -> bytes:
        changes = sum(self._shown(time) and not self.alike(time) for time in self.times_s if time <= at_s)
        return str(changes).encode()

    def _decoded(self, at_s: float) -> int:
        taken = [time for time in self.times_s if time <= at_s + _AHEAD_S and not self.broken(time)]
        return sum(1 if self.refused(time) else 2 for time in taken)

    def _lost(self, at_s: float) -> int:
        return sum(self.late(time) for time in self.times_s if time <= at_s)

    def _media_ms(self, at_s: float) -> int:
        if self.silent:
            return round(1000 * max((time for time in self.times_s if time <= at_s), default=0.0))
        return round(at_s * 1000)


def _steps(until_s: float) -> list[float]:
    return [step * _COUNTED_EVERY_S for step in range(int(until_s / _COUNTED_EVERY_S) + 1)]


def every(step_s: float, until_s: float, since_s: float = 0.0) -> list[float]:
    """Return the times of pictures at an even rate."""
    return [since_s + step * step_s for step in range(round((until_s - since_s) / step_s))]
