"""Watches what the deck on air really shows: does the picture change, is it black, does the media go on.

Sampled five times a second: how often the picture was painted, by the X server's damage reports, which are true
whatever libVLC believes; a few rows of pixels, where the paints alone do not tell whether the picture changes; what
libVLC decoded; the media time; and a few spots for black. A video of one colour is painted at its full rate, so it is
never taken for a frozen one. libVLC's own count of pictures shown is not used: it counts repaints of the same picture.
`player.deck.picture_judgement` judges the samples.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from player.deck.picture_judgement import (
    LONGEST_STEP_S,
    MAX_GAP_S,
    PATIENCE_S,
    SOUGHT_COUNTS,
    PictureFault,
    PictureSample,
    WatchedMedia,
    WatchRecord,
    has_new_picture,
    is_painted_often,
    judge_output,
    latest_without,
    span_s,
    standing_s,
    unseen_s,
    visibly_moved,
)
from sync.wire.value_types import MediaKind

_SURE_SAMPLES = 4  # in a row that are painted often: a film that moves
_MAX_SAMPLES = 256
_RECENT_S = 1.0
_RESUMES_S = 1.5  # libVLC takes up to 0.8 s to go on after the machine stood


class PictureWatch:
    """The samples of one take; a new watch begins with every take on air.

    `known` is what was learned of this media while it was hidden.
    """

    def __init__(self, media: WatchedMedia, known: WatchRecord | None = None) -> None:
        self._media = media
        self._samples: deque[PictureSample] = deque(maxlen=_MAX_SAMPLES)
        self._record = replace(known or WatchRecord(), moved=False, retries=0)
        self._stands_s = self._stood_s = 0.0  # now; before that
        self._resumed_s: float | None = None  # when the machine went on, until the picture of a film was asked to
        self.black_ms = 0
        self.painted_fps: float | None = None  # within the last second

    @property
    def retries(self) -> int:
        """How often the picture was found stuck at its start."""
        return self._record.retries

    @property
    def record(self) -> WatchRecord:
        """What was learned so far."""
        return self._record

    @property
    def still_ms(self) -> int:
        """How long the picture of a video or stream stood still that should have changed, or the machine stood."""
        return round((self._stood_s + self._stands_s) * 1000)

    def needs_pixels(self, at_s: float, paints: int) -> bool:
        """Tell whether pixels must be read (2 ms), because the paints do not tell whether the picture changes.

        Repaints of a picture that stands still may come so close that a single sample looks like a film.
        """
        latest = list(self._samples)[-_SURE_SAMPLES:]
        spans = [sample.at_s - before.at_s for before, sample in pairwise(latest)]
        often = [is_painted_often(sample.paints, within_s) for sample, within_s in zip(latest[1:], spans, strict=True)]
        sure = len(often) == _SURE_SAMPLES - 1 and all(often)
        return not sure or not is_painted_often(paints, at_s - latest[-1].at_s)

    def add(self, sample: PictureSample) -> PictureFault:
        """Add a sample and judge all."""
        before = self._samples[-1] if self._samples else sample
        self._samples.append(sample)
        samples = list(self._samples)
        self._stood_s += unseen_s(before, sample, self._media.kind)
        if sample.at_s - before.at_s < MAX_GAP_S:
            self._count(samples, before, sample)
        if sample.at_s - before.at_s > LONGEST_STEP_S:
            self._resumed_s = sample.at_s
        fault = self._excused(judge_output(samples, self._media, self._record), sample.at_s)
        if fault is PictureFault.STUCK_AT_START:
            self._record = replace(self._record, retries=self.retries + 1)
        return fault

    def _excused(self, fault: PictureFault, at_s: float) -> PictureFault:
        """Return the fault, or what to do instead of blaming anybody soon after the machine stood.

        What is too late then, libVLC drops. Without the frames that were dropped its decoder gives no picture until the
        next key frame, which may be ten seconds away; a film that is asked to go on begins at the one before. A stream
        has none before, and gets the time.
        """
        if self._resumed_s is None or at_s - self._resumed_s > PATIENCE_S:
            return fault
        if not self._stands_s:
            resumes = fault is PictureFault.SUSPECTED and at_s - self._resumed_s < _RESUMES_S
            return PictureFault.FINE if resumes else fault
        if at_s - self._stands_s - self._resumed_s > _RESUMES_S:
            return fault  # it went on, and stood again
        if self._media.kind is not MediaKind.VIDEO:
            return PictureFault.FINE
        self._resumed_s = None
        self._record = replace(self._record, counts=SOUGHT_COUNTS)
        self._samples.clear()
        return PictureFault.STUCK_AFTER_STOP

    def _count(self, samples: Sequence[PictureSample], before: PictureSample, sample: PictureSample) -> None:
        since_ms = round((sample.at_s - before.at_s) * 1000)
        self.black_ms += since_ms if sample.black else 0
        if self._media.kind is MediaKind.PICTURE or not since_ms:
            return
        recent = [each for each in samples if sample.at_s - each.at_s <= _RECENT_S]
        paints, within_s = sum(each.paints for each in recent[1:]), span_s(recent)
        self.painted_fps = round(paints / within_s, 1) if within_s else None
        self._remember(samples, before, sample)
        stands_s = standing_s(samples, self._media, self._record)
        self._stood_s += self._stands_s if stands_s < self._stands_s else 0.0
        self._stands_s = stands_s

    def _remember(self, samples: Sequence[PictureSample], before: PictureSample, sample: PictureSample) -> None:
        """Learn the rhythm of the media from what is seen of it."""
        record = self._record
        if has_new_picture(before, sample):
            stood_s = span_s(latest_without(samples[:-1], has_new_picture))
            record = replace(record, longest_s=max(record.longest_s, stood_s))
        moved = record.moved or visibly_moved(before, sample)
        self._record = replace(record, moved=moved, since_s=min(record.since_s, before.at_s))
