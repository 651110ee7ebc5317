"""Watches what the deck on air really shows: does it move, does its media go on, is it black; and judges that.

Looked at five times a second are: how often the picture was painted (the X server's damage reports: the truth about the
window, whatever libVLC believes); where that is no more than libVLC paints a picture that stands, a few rows of its
pixels; how many pictures of the media were shown; the media time; and a few spots for black. A video of one colour is
painted at its full rate all the same, so it is never taken for one that stands.

libVLC moves its count of pictures and its media time only every 0.25-0.5 s. A picture that stands for 0.6 s, and its
media too, is a suspicion: enough to cut to the next shot, not enough to blame anybody. A verdict takes 3 s.

What this cannot see: a video that is really black or grey although its decoder is content (a fade to black is content
too; `black` is only reported), one that paints the same wrong picture again and again, and a monitor that is off.
Media whose own pictures are more than five seconds apart are taken for frozen.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sync.wire.release import MediaKind

STUCK_S = 0.35  # two looks on the very frame it was held on; as long again before the second kick
KICKS = 2  # told again, which harms nobody; then sent to where it should be
STANDS_S = 0.55  # three looks without a new picture, and without media time
STALLED_S = 3.0  # likewise
FROZEN_S = 5.0  # without a new picture, while media time goes on
BLACK_S = 0.55
_STANDS_FRAMES, _FROZEN_FRAMES = 6, 10  # media with few pictures a second is given as many
_REPAINTED_FPS = 17  # libVLC paints a picture that stands 14 times a second
_SHORTEST_S = 0.18  # to tell the two apart
_MOST_LOOKS = 256
_LATELY_S = 1.0
_TARDY = 2.5  # looks further apart than so many seconds tell of a suspended machine, not of the media


class PictureFault(StrEnum):
    """What is wrong with the picture on air, in the words of the report."""

    FINE = ""
    STUCK = "it stands on its first frame"  # libVLC at times does not go on when told, on a busy machine
    STANDS = "the picture stands still"  # a suspicion
    STALLED = "the picture stands still and its media does not go on"
    FROZEN = "the picture stands still while its media goes on"
    BLACK = "the picture became black"


FAULTS = frozenset({PictureFault.STALLED, PictureFault.FROZEN, PictureFault.BLACK})


@dataclass(frozen=True, slots=True)
class PictureSample:
    """One look at what is on air."""

    at_s: float
    painted: int  # times the picture was painted since the look before
    media_ms: int
    black: bool
    shown: int | None = None  # pictures of the media that were shown so far; None: unknown
    picture: bytes | None = None  # a few rows of it; None: not looked at, for it was painted often


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: `black` when its first picture was, `frame_s` how long one picture of it stays."""

    kind: MediaKind
    frame_s: float
    black: bool


@dataclass(frozen=True, slots=True)
class Start:
    """What is known of the first moments on air: whether it was seen to move since, how often libVLC was kicked."""

    moved: bool = True
    kicks: int = 0


def judge_output(looks: Sequence[PictureSample], subject: Subject, start: Start | None = None) -> PictureFault:
    """Judge the looks at one take so far, the oldest first."""
    if subject.kind is MediaKind.PICTURE:
        went = not subject.black and _span_s(_since(looks, lambda _, look: not look.black)) >= BLACK_S
        return PictureFault.BLACK if went and looks[-1].black else PictureFault.FINE
    still = _since(looks, moved)
    patience_s = _FROZEN_FRAMES * subject.frame_s
    if _span_s(_unmoved(still)) >= max(STALLED_S, patience_s):
        return PictureFault.STALLED
    if _span_s(still) > max(FROZEN_S, patience_s):
        return PictureFault.FROZEN
    return _suspect(_since(looks, seen_to_move), subject, start or Start())


def _suspect(still: Sequence[PictureSample], subject: Subject, start: Start) -> PictureFault:
    """Judge what can be told at once: `still` are the latest looks between which nothing was seen to move."""
    unmoved_s, patience_s = _span_s(_unmoved(still)), _STANDS_FRAMES * subject.frame_s
    if start.moved:
        return PictureFault.STANDS if unmoved_s >= max(STANDS_S, patience_s) else PictureFault.FINE
    paints_tell = subject.frame_s * _REPAINTED_FPS < 1
    stuck_s = _span_s(still) if paints_tell and start.kicks < KICKS else unmoved_s
    if stuck_s < max(STUCK_S * (start.kicks + 1), patience_s):
        return PictureFault.FINE
    return PictureFault.STUCK if start.kicks < KICKS else PictureFault.STANDS


def _since(
    looks: Sequence[PictureSample], changed: Callable[[PictureSample, PictureSample], bool]
) -> list[PictureSample]:
    """Return the latest looks between which nothing `changed` and no time is missing, the oldest first."""
    found = list(looks[-1:])
    for before in reversed(looks[:-1]):
        if found[-1].at_s - before.at_s > _TARDY or changed(before, found[-1]):
            break
        found.append(before)
    return found[::-1]


def _unmoved(looks: Sequence[PictureSample]) -> list[PictureSample]:
    return _since(looks, lambda before, look: look.media_ms != before.media_ms)


def _span_s(looks: Sequence[PictureSample]) -> float:
    return looks[-1].at_s - looks[0].at_s if looks else 0.0


def is_often(painted: int, within_s: float) -> bool:
    """Tell whether a picture is painted more often than one that stands; too short a time does not tell."""
    return within_s > _SHORTEST_S and painted > _REPAINTED_FPS * within_s


def seen_to_move(before: PictureSample, look: PictureSample) -> bool:
    """Tell whether the shop saw it move from one look to the next, or could have: a film of one colour moves, too."""
    changed = None not in (before.picture, look.picture) and before.picture != look.picture
    return changed or is_often(look.painted, look.at_s - before.at_s)


def moved(before: PictureSample, look: PictureSample) -> bool:
    """Tell whether a new picture was painted from one look to the next, by libVLC's count too, which comes late."""
    counted = bool(look.painted) and (look.shown is None or look.shown != before.shown)
    return counted or seen_to_move(before, look)


class PictureWatch:
    """The looks at one take; a new one begins with every take that comes on air."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._looks: deque[PictureSample] = deque(maxlen=_MOST_LOOKS)
        self._start = Start(moved=False)
        self.black_ms = 0
        self.still_ms = 0  # of a video: without a new picture, where that lasted
        self.painted_fps: float | None = None  # within the last second

    @property
    def kicks(self) -> int:
        """How often the verdict was that it is stuck."""
        return self._start.kicks

    def wants_picture(self, at_s: float, painted: int) -> bool:
        """Tell whether the paints alone leave it open whether it moves: then its pixels are wanted (2 ms)."""
        return not self._looks or not is_often(painted, at_s - self._looks[-1].at_s)

    def observe(self, look: PictureSample) -> PictureFault:
        """Take one more look into account, and judge."""
        before = self._looks[-1] if self._looks else look
        self._looks.append(look)
        looks = list(self._looks)
        if look.at_s - before.at_s < _TARDY:
            self._count(looks, before, look)
        verdict = judge_output(looks, self._subject, self._start)
        if verdict is PictureFault.STUCK:
            self._start = replace(self._start, kicks=self.kicks + 1)
        return verdict

    def _count(self, looks: Sequence[PictureSample], before: PictureSample, look: PictureSample) -> None:
        since_ms = round((look.at_s - before.at_s) * 1000)
        self.black_ms += since_ms if look.black else 0
        if self._subject.kind is MediaKind.PICTURE or not since_ms:
            return
        lately = [one for one in looks if look.at_s - one.at_s <= _LATELY_S]
        paints, within_s = sum(one.painted for one in lately[1:]), _span_s(lately)
        self.painted_fps = round(paints / within_s, 1) if within_s else None
        still_s = _span_s(_since(looks, moved))
        if still_s > _LATELY_S:
            self.still_ms += since_ms if still_s - since_ms / 1000 > _LATELY_S else round(still_s * 1000)
        self._start = replace(self._start, moved=self._start.moved or seen_to_move(before, look))
