"""Watches what the deck on air really shows: does it paint, does its media go on, is it black; and judges that.

Four things are looked at once a second: how often the picture was painted (the X server's damage reports: the truth
about the window, whatever libVLC believes), how many pictures of the media were (without new ones libVLC paints the
last again and again), the media time, and a few pixels. A video of one colour has new pictures all the same, so it is
never taken for a frozen one.

What this cannot see: a video that is really black or grey although its decoder is content (a fade to black is content
too; `black` is only reported), one that paints the same wrong picture again and again, and a monitor that is off.
Media whose own pictures are more than ten seconds apart would be taken for frozen; ingest gives all a steady rate.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sync.release import MediaKind

STALLED_LOOKS = 3  # without a new picture, and without media time
FROZEN_S = 5.0  # without a new picture, while media time goes on
_FROZEN_FRAMES = 10  # media with few pictures a second is given as many
_BLACK_LOOKS = 2
_MOST_LOOKS = 64
_TARDY = 2.5  # looks further apart than so many seconds tell of a suspended machine, not of the media


class Verdict(StrEnum):
    """What is wrong with the picture on air, in the words of the report."""

    FINE = ""
    STALLED = "the picture stands still and its media does not go on"
    FROZEN = "the picture stands still while its media goes on"
    BLACK = "the picture became black"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at what is on air."""

    at_s: float
    painted: int  # times the picture was painted since the look before
    media_ms: int
    black: bool
    shown: int | None = None  # pictures of the media that were shown so far; None: unknown


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: `black` when its first picture was, `frame_s` how long one picture of it stays."""

    kind: MediaKind
    frame_s: float
    black: bool


def judge_output(looks: Sequence[Look], subject: Subject) -> Verdict:
    """Judge the looks at one take so far, the oldest first."""
    if subject.kind is MediaKind.PICTURE:
        latest = looks[-_BLACK_LOOKS:]
        went = len(latest) == _BLACK_LOOKS and all(look.black for look in latest)
        return Verdict.BLACK if went and not subject.black else Verdict.FINE
    still = _still(looks)
    if len(still) <= 1:
        return Verdict.FINE
    unmoved = [look for look in still if look.media_ms == still[-1].media_ms]
    if len(unmoved) > STALLED_LOOKS and unmoved[-1].at_s - unmoved[0].at_s > _FROZEN_FRAMES * subject.frame_s:
        return Verdict.STALLED
    patience_s = max(FROZEN_S, _FROZEN_FRAMES * subject.frame_s)
    return Verdict.FROZEN if still[-1].at_s - still[0].at_s > patience_s else Verdict.FINE


def _still(looks: Sequence[Look]) -> list[Look]:
    """Return the latest looks between which no new picture came and no time is missing, the oldest first."""
    found = list(looks[-1:])
    for before in reversed(looks[:-1]):
        if found[-1].at_s - before.at_s > _TARDY or moved(before, found[-1]):
            break
        found.append(before)
    return found[::-1]


def moved(before: Look, look: Look) -> bool:
    """Tell whether a new picture was painted from one look to the next."""
    return bool(look.painted) and (look.shown is None or look.shown != before.shown)


class Watch:
    """The looks at one take; a new one begins with every take that comes on air."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._looks: deque[Look] = deque(maxlen=_MOST_LOOKS)
        self.black_ms = 0
        self.still_ms = 0  # of a video: without a new picture
        self.painted_fps: float | None = None  # between the last two looks

    def look(self, look: Look) -> Verdict:
        """Take one more look into account, and judge."""
        before = self._looks[-1] if self._looks else None
        if before and look.at_s - before.at_s < _TARDY:
            since_ms = round((look.at_s - before.at_s) * 1000)
            self.painted_fps = round(look.painted * 1000 / since_ms, 1) if since_ms else None
            self.black_ms += since_ms if look.black else 0
            self.still_ms += since_ms if self._subject.kind is not MediaKind.PICTURE and not moved(before, look) else 0
        self._looks.append(look)
        return judge_output(list(self._looks), self._subject)
