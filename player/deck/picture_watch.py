"""Watches what the deck on air really shows: does the picture change, is it black, does the media go on.

Sampled five times a second: how often the picture was painted, by the X server's damage reports, which are true
whatever libVLC believes; a few rows of pixels, where the paints alone do not tell whether the picture changes; how many
frames of the media were shown; the media time; and a few spots for black. A video of one colour is painted at its full
rate, so it is never taken for a frozen one.

libVLC updates its frame count and its media time only every 0.25-0.5 s. A picture and media time that do not change for
0.6 s are a suspicion: enough to cut to the next shot, not enough to blame the media or the deck. Blame takes 3 s.

Not detected: a video that is black or grey although its decoder works (a fade to black is content too, so black is only
reported), a video that repaints the same wrong picture, and a monitor that is off. Media whose own frames are more than
five seconds apart count as frozen.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sync.wire.release import MediaKind

STUCK_S = 0.35  # two samples on the paused frame; as long again before the second retry
MAX_RETRIES = 2  # libVLC is asked again to play, which is harmless; the second time from the right position
SUSPECTED_S = 0.55  # three samples without a new picture or media time
STALLED_S = 3.0  # likewise
FROZEN_S = 5.0  # without a new picture, while media time goes on
BLACK_S = 0.55
_SUSPECTED_FRAMES, _FROZEN_FRAMES = 6, 10  # media with few frames a second get so many frames of time
_REPAINTED_FPS = 17  # libVLC repaints a picture that does not change 14 times a second
_MIN_RATE_INTERVAL_S = 0.18  # a shorter interval does not tell the paint rate
_MAX_SAMPLES = 256
_RECENT_S = 1.0
_MAX_GAP_S = 2.5  # a longer gap between samples means that the machine was suspended


class PictureFault(StrEnum):
    """What is wrong with the picture on air, in the words of the report."""

    FINE = ""
    STUCK_AT_START = "the picture stays on its first frame"  # on a busy machine libVLC may ignore the first `play`
    SUSPECTED = "the picture stands still"
    STALLED = "the picture stands still and its media does not go on"
    FROZEN = "the picture stands still while its media goes on"
    BLACK = "the picture became black"


BLAMED_FAULTS = frozenset({PictureFault.STALLED, PictureFault.FROZEN, PictureFault.BLACK})
"""The faults that are certain: the media is broken off."""


@dataclass(frozen=True, slots=True)
class PictureSample:
    """One sample of what is on air."""

    at_s: float
    paints: int  # since the sample before
    media_ms: int
    black: bool
    frames_shown: int | None = None  # of the media so far; None: unknown
    pixels: bytes | None = None  # a few rows; None: not read, because the paints tell that the picture changes


@dataclass(frozen=True, slots=True)
class WatchedMedia:
    """What is watched: `starts_black` if its first picture was black; one frame stays for `frame_s`."""

    kind: MediaKind
    frame_s: float
    starts_black: bool


@dataclass(frozen=True, slots=True)
class StartRecord:
    """What happened since the take began: whether its picture changed, how often libVLC was asked again to play."""

    moved: bool = True
    retries: int = 0


def judge_output(
    samples: Sequence[PictureSample], media: WatchedMedia, start: StartRecord | None = None
) -> PictureFault:
    """Judge the samples of one take so far, the oldest first."""
    if media.kind is MediaKind.PICTURE:
        black_s = _span_s(_latest_without(samples, lambda _, sample: not sample.black))
        lost = not media.starts_black and black_s >= BLACK_S and samples[-1].black
        return PictureFault.BLACK if lost else PictureFault.FINE
    unchanged = _latest_without(samples, has_new_picture)
    frames_s = _FROZEN_FRAMES * media.frame_s
    if _span_s(_latest_at_same_time(unchanged)) >= max(STALLED_S, frames_s):
        return PictureFault.STALLED
    if _span_s(unchanged) > max(FROZEN_S, frames_s):
        return PictureFault.FROZEN
    return _suspect(_latest_without(samples, visibly_moved), media, start or StartRecord())


def _suspect(still: Sequence[PictureSample], media: WatchedMedia, start: StartRecord) -> PictureFault:
    """Judge early; `still` are the latest samples between which nothing was seen to move."""
    same_time_s, frames_s = _span_s(_latest_at_same_time(still)), _SUSPECTED_FRAMES * media.frame_s
    if start.moved:
        return PictureFault.SUSPECTED if same_time_s >= max(SUSPECTED_S, frames_s) else PictureFault.FINE
    may_retry = start.retries < MAX_RETRIES
    faster_than_repaints = media.frame_s * _REPAINTED_FPS < 1
    stuck_s = _span_s(still) if faster_than_repaints and may_retry else same_time_s
    if stuck_s < max(STUCK_S * (start.retries + 1), frames_s):
        return PictureFault.FINE
    return PictureFault.STUCK_AT_START if may_retry else PictureFault.SUSPECTED


def _latest_without(
    samples: Sequence[PictureSample], changed: Callable[[PictureSample, PictureSample], bool]
) -> list[PictureSample]:
    """Return the latest samples without a change and without a gap between two of them, the oldest first."""
    found = list(samples[-1:])
    for before in reversed(samples[:-1]):
        if found[-1].at_s - before.at_s > _MAX_GAP_S or changed(before, found[-1]):
            break
        found.append(before)
    return found[::-1]


def _latest_at_same_time(samples: Sequence[PictureSample]) -> list[PictureSample]:
    return _latest_without(samples, lambda before, sample: sample.media_ms != before.media_ms)


def _span_s(samples: Sequence[PictureSample]) -> float:
    return samples[-1].at_s - samples[0].at_s if samples else 0.0


def is_painted_often(paints: int, within_s: float) -> bool:
    """Tell whether a picture is painted more often than one that does not change; False for too short a time."""
    return within_s > _MIN_RATE_INTERVAL_S and paints > _REPAINTED_FPS * within_s


def visibly_moved(before: PictureSample, sample: PictureSample) -> bool:
    """Tell whether other pixels, or paints often enough, show that the media moved; a film of one colour moves, too."""
    changed = None not in (before.pixels, sample.pixels) and before.pixels != sample.pixels
    return changed or is_painted_often(sample.paints, sample.at_s - before.at_s)


def has_new_picture(before: PictureSample, sample: PictureSample) -> bool:
    """Tell whether a new picture was painted between the samples, also by libVLC's frame count, which is late."""
    counted = bool(sample.paints) and (sample.frames_shown is None or sample.frames_shown != before.frames_shown)
    return counted or visibly_moved(before, sample)


class PictureWatch:
    """The samples of one take; a new watch begins with every take on air."""

    def __init__(self, media: WatchedMedia) -> None:
        self._media = media
        self._samples: deque[PictureSample] = deque(maxlen=_MAX_SAMPLES)
        self._start = StartRecord(moved=False)
        self.black_ms = 0
        self.still_ms = 0  # of a video: time without a new picture, where that was longer than a second
        self.painted_fps: float | None = None  # within the last second

    @property
    def retries(self) -> int:
        """How often the picture was found stuck at its start."""
        return self._start.retries

    def needs_pixels(self, at_s: float, paints: int) -> bool:
        """Tell whether pixels must be read (2 ms), because the paints do not tell whether the picture changes."""
        return not self._samples or not is_painted_often(paints, at_s - self._samples[-1].at_s)

    def add(self, sample: PictureSample) -> PictureFault:
        """Add a sample and judge all."""
        before = self._samples[-1] if self._samples else sample
        self._samples.append(sample)
        samples = list(self._samples)
        if sample.at_s - before.at_s < _MAX_GAP_S:
            self._count(samples, before, sample)
        fault = judge_output(samples, self._media, self._start)
        if fault is PictureFault.STUCK_AT_START:
            self._start = replace(self._start, retries=self.retries + 1)
        return fault

    def _count(self, samples: Sequence[PictureSample], before: PictureSample, sample: PictureSample) -> None:
        since_ms = round((sample.at_s - before.at_s) * 1000)
        self.black_ms += since_ms if sample.black else 0
        if self._media.kind is MediaKind.PICTURE or not since_ms:
            return
        recent = [each for each in samples if sample.at_s - each.at_s <= _RECENT_S]
        paints, within_s = sum(each.paints for each in recent[1:]), _span_s(recent)
        self.painted_fps = round(paints / within_s, 1) if within_s else None
        still_s = _span_s(_latest_without(samples, has_new_picture))
        if still_s > _RECENT_S:
            self.still_ms += since_ms if still_s - since_ms / 1000 > _RECENT_S else round(still_s * 1000)
        self._start = replace(self._start, moved=self._start.moved or visibly_moved(before, sample))
