"""Judges what was seen of the picture on air: does it stand still although another one was due, is it black.

A picture may stand for as long as its film has no other one for it. Where the file tells when its pictures are due
(`player.deck.vlc.frame_times`), a picture stands still if others were due and none came: libVLC counts each frame that
its decoder takes, and each picture that it gives, so a still film counts twice as fast as a damaged one. Of a stream
ffmpeg tells how many pictures it passed on, so a stream that changes its codec is found in the same way. Of all else
nothing is known but what was seen, and there is more patience.

libVLC updates its counts and its media time only every 0.25-0.5 s. A picture and media time that do not change for
0.6 s are a suspicion: enough to cut to the next shot, not enough to blame the media or the deck. Blame takes 3 s.

Not detected: a video that is black or grey although its decoder works (a fade to black is content too, so black is only
reported), a video that repaints the same wrong picture, and a monitor that is off. docs/decisions/faults-rhythm.md has
the limits.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from player.deck.vlc.frame_times import FrameTimes
from sync.wire.value_types import MediaKind

STUCK_S = 0.35  # two samples on the paused frame; as long again before the second retry
MAX_RETRIES = 2  # libVLC is asked again to play, which is harmless; the second time from the right position
SUSPECTED_S = 0.55  # three samples without a new picture or media time
STALLED_S = 3.0  # likewise
FROZEN_S = 5.0  # without a new picture, while media time goes on
PATIENCE_S = 15.0  # likewise, where nothing tells when the next picture is due
BLACK_S = 0.55
_SUSPECTED_FRAMES, _FROZEN_FRAMES = 6, 10  # media with few frames a second get so many frames of time
_FEW_A_SECOND_S = 0.2  # pictures that are further apart than this get this much time once, and the gap
_LEAST_STANDING_S = 3.0  # a shorter stand cannot be told from late counts
_LEAST_PICTURES = 6  # due meanwhile, for the same reason
SOUGHT_COUNTS = 0.5  # after a seek between key frames, from when on libVLC drops pictures that no other one needs
_LAG_S = 1.0  # the media may be that much behind or ahead of its plan and of libVLC's media time
_LEADS_S = (-0.5, 0.0, 0.25, 0.5, 0.75, 1.0)  # of the count of a picture before it is shown, and after
_GIVEN_LEADS_S = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
_LEAST_COUNTS = 1.25  # for each picture due; libVLC 3 counts 2 for one that its decoder gives, 1 or 0 for a damaged one
_LATE_SHARE = 0.1  # of the pictures due: so many late ones tell that the machine is too slow, not the decoder stuck
_STEADY_S, _STEADY_GAP_S = 10.0, 1.0  # a stream that moved for so long without such a gap has an even rate
_REPAINTED_FPS = 17  # libVLC repaints a picture that does not change 14 times a second
_MIN_RATE_INTERVAL_S = 0.18  # a shorter interval does not tell the paint rate
LONGEST_STEP_S = 1.0  # between samples on a busy machine; in a longer one it stood, and its decoder with it
MAX_GAP_S = 2.5  # a longer one is time in which nothing was seen
_LEAST_SUSPENSION_S = 0.1  # the two clocks are not read at one instant
_LEAST_PAINTS_PER_S = 2  # in such a gap, while libVLC went on: it repaints what stands 14 times a second


class PictureFault(StrEnum):
    """What is wrong with the picture on air, in the words of the report."""

    FINE = ""
    STUCK_AT_START = "the picture stays on its first frame"  # on a busy machine libVLC may ignore the first `play`
    SUSPECTED = "the picture stands still"
    STALLED = "the picture stands still and its media does not go on"
    FROZEN = "the picture stands still while its media goes on"
    BLACK = "the picture became black"
    STUCK_AFTER_STOP = "the picture does not go on since the machine stood"  # nobody is blamed; asked again to go on


BLAMED_FAULTS = frozenset({PictureFault.STALLED, PictureFault.FROZEN, PictureFault.BLACK})
"""The faults that are certain: the media is broken off."""


@dataclass(frozen=True, slots=True)
class PictureSample:
    """One sample of what is on air."""

    at_s: float
    paints: int  # since the sample before
    media_ms: int
    black: bool
    decoded: int | None = None  # frames that the decoder took and pictures that it gave, of the media so far
    lost: int | None = None  # pictures that came too late to be shown
    pixels: bytes | None = None  # a few rows; None: not read, because the paints tell that the picture changes
    planned_s: float = 0.0  # where in its media it should be
    suspended_s: float = 0.0  # how long the machine was suspended since boot
    given: float | None = None  # pictures of a stream that its source gave, up to a second after the media time


Rhythm = Callable[[Sequence[PictureSample]], tuple[float, float]]  # see `_rhythm`


@dataclass(frozen=True, slots=True)
class WatchedMedia:
    """What is watched: `starts_black` if its first picture was black; one frame stays for `frame_s`, as libVLC says.

    `times` is when its pictures are due; None: unknown. With `loops` it starts over at its end.
    """

    kind: MediaKind
    frame_s: float
    starts_black: bool
    times: FrameTimes | None = None
    loops: bool = False


@dataclass(frozen=True, slots=True)
class WatchRecord:
    """What happened since the take began: did its picture change, how often was libVLC asked again to play.

    `longest_s` is the longest time without a new picture that ended with one; `since_s` is when the take began.
    `counts`: so many for each picture due tell that the decoder works.
    """

    moved: bool = True
    retries: int = 0
    longest_s: float = 0.0
    since_s: float = float("inf")
    counts: float = _LEAST_COUNTS


def judge_output(
    samples: Sequence[PictureSample], media: WatchedMedia, record: WatchRecord | None = None
) -> PictureFault:
    """Judge the samples of one take so far, the oldest first."""
    record = record or WatchRecord()
    if media.kind is MediaKind.PICTURE:
        black_s = span_s(latest_without(samples, lambda _, sample: not sample.black))
        lost = not media.starts_black and black_s >= BLACK_S and samples[-1].black
        return PictureFault.BLACK if lost else PictureFault.FINE
    stands_s = standing_s(samples, media, record)
    same_time_s = span_s(_latest_at_same_time(latest_without(samples, looks_different)))
    if min(stands_s, same_time_s) >= STALLED_S:
        return PictureFault.STALLED
    if stands_s > FROZEN_S:
        return PictureFault.FROZEN
    return _suspect(latest_without(samples, visibly_moved), media, record)


def standing_s(samples: Sequence[PictureSample], media: WatchedMedia, record: WatchRecord) -> float:
    """Return how long the picture has stood still that should have changed; 0 while its content may be the cause."""
    if not samples or media.kind is MediaKind.PICTURE:
        return 0.0
    if media.times is None:
        still = latest_without(samples, has_new_picture)
        still_s = span_s(still)
        if still_s > _patience_s(still, media, record):
            return still_s
        return _undecoded_s(samples, partial(_given_between, [each.at_s for each in samples], samples), record.counts)
    return _undecoded_s(samples, partial(_rhythm, media, media.times), record.counts)


def _undecoded_s(samples: Sequence[PictureSample], rhythm: Rhythm, counts: float) -> float:
    """Return for how long the decoder gave no pictures although they were due, without a gap that may be among them.

    The latest few seconds decide, whatever came before; then the stand is as long as this holds for all of it.
    """
    still, stands_s = latest_without(samples, looks_different), 0.0
    enough = rhythm(still)[1] >= _LEAST_PICTURES
    for first in range(len(still) - 2, -1, -1) if enough else ():
        stand = still[first:]
        gap_s, due = rhythm(stand)
        if due < _LEAST_PICTURES or span_s(stand) - gap_s <= _LEAST_STANDING_S:
            continue
        if _painted(stand) and _decoder_works(stand, due, counts):
            break
        stands_s = span_s(stand) - gap_s
    return stands_s


def _decoder_works(still: Sequence[PictureSample], due: float, counts: float) -> bool:
    """Tell by libVLC's counts whether the decoder gave the pictures that were due, be they all alike or too late."""
    first, last = still[0], still[-1]
    late = (last.lost or 0) - (first.lost or 0)
    return (last.decoded or 0) - (first.decoded or 0) >= counts * due or late > _LATE_SHARE * due


def _given_between(
    at_s: Sequence[float], samples: Sequence[PictureSample], still: Sequence[PictureSample]
) -> tuple[float, float]:
    """Return what `_rhythm` does, for a stream: `still` is the end of `samples`, which came at `at_s`."""

    def given(until_s: float) -> float:
        return samples[max(0, bisect_right(at_s, until_s) - 1)].given or 0.0

    return 0.0, min(given(still[-1].at_s - lead_s) - given(still[0].at_s - lead_s) for lead_s in _GIVEN_LEADS_S)


def _rhythm(media: WatchedMedia, times: FrameTimes, still: Sequence[PictureSample]) -> tuple[float, float]:
    """Return the longest time without a picture that these samples may lie in, and how many were due at least.

    A picture is counted when it is decoded, up to a second before it is shown. After the machine stood a film goes on
    where it was, or where it should be by now.
    """
    first, last = still[0], still[-1]
    if media.loops:
        return times.longest_s, times.pictures * span_s(still) / times.length_s
    since_s = min(first.planned_s, first.media_ms / 1000) - _LAG_S
    until_s = max(last.planned_s, last.media_ms / 1000) + _LAG_S
    behind_s = first.planned_s - first.media_ms / 1000
    leads_s = (*_LEADS_S, *(lead_s - behind_s for lead_s in _LEADS_S)) if abs(behind_s) > _LAG_S else _LEADS_S
    due = min(times.due(first.planned_s + lead_s, last.planned_s + lead_s) for lead_s in leads_s)
    return times.longest_gap_s(since_s, until_s), due


def _patience_s(still: Sequence[PictureSample], media: WatchedMedia, record: WatchRecord) -> float:
    """Return how long media of unknown rhythm may show the same picture: what it did before, it may do again.

    libVLC repaints what stands still: without any paint it hangs.
    """
    stands = span_s(_latest_at_same_time(still)) >= STALLED_S
    frames_s = max(_FROZEN_FRAMES * media.frame_s, 2 * record.longest_s)
    steady = record.longest_s < _STEADY_GAP_S and still[0].at_s - record.since_s >= _STEADY_S
    if not _painted(still) or (steady and media.kind is MediaKind.STREAM):
        return max(STALLED_S - 0.01 if stands else FROZEN_S, frames_s)
    return max(PATIENCE_S, frames_s)


def _suspect(still: Sequence[PictureSample], media: WatchedMedia, record: WatchRecord) -> PictureFault:
    """Judge early; `still` are the latest samples between which nothing was seen to move."""
    same_time = _latest_at_same_time(still)
    same_time_s, frame_s = span_s(same_time), media.frame_s
    if media.times is not None and still:
        frame_s, _ = _rhythm(media, media.times, still)
    frames_s = _SUSPECTED_FRAMES * min(frame_s, _FEW_A_SECOND_S) + max(0.0, frame_s - _FEW_A_SECOND_S)
    if media.times is None:
        frames_s = _SUSPECTED_FRAMES * frame_s
    hangs = media.times is not None or not _painted(same_time)
    suspected = PictureFault.SUSPECTED if hangs else PictureFault.FINE
    if record.moved:
        return suspected if same_time_s >= max(SUSPECTED_S, frames_s) else PictureFault.FINE
    may_retry = record.retries < MAX_RETRIES
    faster_than_repaints = frame_s * _REPAINTED_FPS < 1
    stuck_s = span_s(still) if faster_than_repaints and may_retry else same_time_s
    if stuck_s < max(STUCK_S * (record.retries + 1), frames_s):
        return PictureFault.FINE
    return PictureFault.STUCK_AT_START if may_retry else suspected


def _painted(samples: Sequence[PictureSample]) -> bool:
    """Tell whether anything was painted between these samples."""
    return any(sample.paints for sample in samples[1:])


def latest_without(
    samples: Sequence[PictureSample], changed: Callable[[PictureSample, PictureSample], bool]
) -> list[PictureSample]:
    """Return the latest samples without a change, and while neither deck nor machine stood, the oldest first."""
    found = list(samples[-1:])
    for before in reversed(samples[:-1]):
        if found[-1].at_s - before.at_s > LONGEST_STEP_S or changed(before, found[-1]):
            break
        found.append(before)
    return found[::-1]


def _latest_at_same_time(samples: Sequence[PictureSample]) -> list[PictureSample]:
    return latest_without(samples, lambda before, sample: sample.media_ms != before.media_ms)


def span_s(samples: Sequence[PictureSample]) -> float:
    """Return the time from the first to the last of these samples."""
    return samples[-1].at_s - samples[0].at_s if samples else 0.0


def is_painted_often(paints: int, within_s: float) -> bool:
    """Tell whether a picture is painted more often than one that does not change; False for too short a time."""
    return within_s > _MIN_RATE_INTERVAL_S and paints > _REPAINTED_FPS * within_s


def visibly_moved(before: PictureSample, sample: PictureSample) -> bool:
    """Tell whether other pixels, or paints often enough, show that the media moved; a film of one colour moves, too."""
    changed = None not in (before.pixels, sample.pixels) and before.pixels != sample.pixels
    return changed or is_painted_often(sample.paints, sample.at_s - before.at_s)


def looks_different(before: PictureSample, sample: PictureSample) -> bool:
    """Tell whether the pixels are others; pixels that were not read are others, because paints tell so for long."""
    if before.pixels is None or sample.pixels is None:
        return visibly_moved(before, sample)
    return before.pixels != sample.pixels


def has_new_picture(before: PictureSample, sample: PictureSample) -> bool:
    """Tell whether there is a new picture of media of unknown rhythm: what is decoded and painted may be one."""
    return (sample.decoded != before.decoded and sample.paints > 0) or looks_different(before, sample)


def unseen_s(before: PictureSample, sample: PictureSample, kind: MediaKind) -> float:
    """Return for how much of the time between two samples nothing was on the screen, or nobody knows what.

    The machine was suspended; or deck and decoder stood together, as they do when the deck or a virtual machine is
    stopped. A still picture needs no decoder, and stays.
    """
    gap_s = sample.at_s - before.at_s
    stood = gap_s > MAX_GAP_S and kind is not MediaKind.PICTURE and sample.paints < _LEAST_PAINTS_PER_S * gap_s
    suspended_s = sample.suspended_s - before.suspended_s
    return gap_s if stood else min(gap_s, suspended_s) if suspended_s > _LEAST_SUSPENSION_S else 0.0
