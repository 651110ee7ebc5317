"""What is damaged in a film, by decoding it once as a whole."""

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, compress, pairwise
from math import isnan, nan
from typing import NamedTuple

from sync.origin.transcode.film.containers import Loss
from sync.origin.transcode.film.geometry import Shape, read_shape
from sync.origin.transcode.film.track_timing import TrackPackets, TrackTimes

LONGEST_MENDED_S = 2.0  # the picture before stays meanwhile, so that no screen shows smeared pictures
_MENDED_SHARE = 0.05
_JOINED_S = 0.5
_SAME_S = 0.002  # times differ by rounding
_MOST_COMPLAINTS = 100_000
_DUE = re.compile(r'"best_effort_timestamp_time": "([-\d.]+)"')
_DAMAGE = re.compile(
    r"error|invalid|corrupt|conceal|missing|damaged|overread|out of range|exhausted|not find ref|illegal|truncat|broken"
    r"|failed|too (small|short|large)|not allocated|unavailable|exceed",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"mmco|SEI |reorder|number of reference frames|edit list|Last message|backstep|non.existing PPS 0", re.I
)


class DecodedFrame(NamedTuple):
    """One frame that came out of the decoder: `due_s` is NaN where the file does not say, sound has no shape."""

    due_s: float
    key: bool
    shape: Shape | None = None


class DecodedTrack:
    """What came out of the decoder for one track: frames in 9 bytes each, of shapes each change, and what it said.

    `complaints` are the numbers of frames and what the decoder said about each. Frames without times, or whose times
    are not to be believed, are `frame_s` apart.
    """

    def __init__(self, starts_s: float = 0.0, frame_s: float | None = None) -> None:
        self.dues, self.keys = array("d"), bytearray()
        self.shapes: list[tuple[float, Shape]] = []
        self.complaints: list[tuple[int, str]] = []
        self._starts_s, self._frame_s = starts_s, frame_s

    def append(self, frame: DecodedFrame) -> None:
        """Add the next frame."""
        due_s = frame.due_s - self._starts_s if self._frame_s is None else len(self.dues) * self._frame_s
        if isnan(due_s):
            return
        if frame.shape and (not self.shapes or self.shapes[-1][1] != frame.shape):
            self.shapes.append((due_s + self._starts_s, frame.shape))
        self.dues.append(due_s)
        self.keys.append(frame.key)

    def complain(self, words: str) -> None:
        """Add what the decoder said about the last frame."""
        if self.dues and len(self.complaints) < _MOST_COMPLAINTS:
            self.complaints.append((len(self.dues) - 1, words))


@dataclass(frozen=True, slots=True)
class Damage:
    """Stretches of a track, in seconds from the start of the film, that cannot be decoded as they were made.

    `complaints`: the decoder said anything at all, so that another decoder may do worse.
    """

    spans: tuple[tuple[float, float], ...] = ()
    complaints: bool = False

    @property
    def seconds(self) -> float:
        """How long all of it is."""
        return sum(end - start for start, end in self.spans)


def read_frame(line: str) -> DecodedFrame | None:
    """Return one frame, of one line of ffprobe (compact JSON); None if it is none."""
    if '"key_frame": ' not in line:
        return None
    due = _DUE.search(line)
    return DecodedFrame(float(due[1]) if due else nan, '"key_frame": 1' in line, read_shape(line))


def cannot_be_read(complaints: str, container: str) -> bool:
    """Tell whether ffprobe complained about the container itself, of which it then left out a part."""
    return any(
        line.startswith(f"[{container.split(',')[0]}") and not _HARMLESS.search(line)
        for line in complaints.splitlines()
    )


def read_complaint(line: str) -> str | None:
    """Return what a decoder said, of one line of ffprobe (compact JSON); None if it is silent."""
    found = re.search(r'"message": "(.*)"', line)
    return found[1] if found else None


def find_damage(
    frames: DecodedTrack,
    due: Sequence[float],
    frame_s: float,
    end_s: float,
    missing: Sequence[tuple[float, float]] = (),
) -> Damage:
    """Return the damage of a track with packets at the times `due`, usually `frame_s` apart, that ends at `end_s`.

    All times count from the start of the film. Of a damaged picture all others are made until the next key frame, so
    that the damage lasts until then. So does what is `missing` in the file. What comes before the first frame is none:
    a recording that begins between two key frames.
    """
    if not frames.dues:
        return Damage(((min(due, default=0.0), end_s),), complaints=True)
    keys, shown = sorted(compress(frames.dues, frames.keys)), array("d", sorted(frames.dues))
    bad = [(frames.dues[number],) * 2 for number, words in frames.complaints if _is_damage(words)]
    bad += [(at_s, at_s) for at_s in _missing(array("d", sorted(due)), shown, end_s, 1.5 * frame_s + 0.01)]
    bad += missing
    ends = ((start, bisect_right(keys, end + _SAME_S / 2)) for start, end in bad if start > shown[0])
    spans = [(start, keys[after] if after < len(keys) else end_s) for start, after in ends]
    return Damage(_joined(spans), complaints=any(number for number, _ in frames.complaints))


def missing_in_file(
    packets: TrackPackets, track: int, times: TrackTimes, losses: Sequence[Loss], *, unreadable: bool
) -> list[tuple[float, float]]:
    """Return when what is not in the file was due, as first and last picture of each stretch, by the times of the file.

    `packets` are those of one track. A gap counts if the file cannot be read there, or lost packets of any track
    meanwhile. A loss in the track itself spoils the group of packets that it is in, or that begins with it, unless
    this one needs no other.
    """
    if times.jumps or not packets or not (losses or unreadable):
        return []
    edges = {edge for gap in times.gaps for edge in gap}
    places = packets.places or array("q", bytes(8 * len(packets)))
    place_of = {due: place for due, place in zip(packets.dues, places, strict=True) if due in edges}
    lost_at = sorted(loss.at for loss in losses)
    missing = []
    for start, end in times.gaps:
        first, last = sorted((place_of.get(start, 0), place_of.get(end, 0)))
        if unreadable or bisect_left(lost_at, first) < bisect_right(lost_at, last):
            missing.append((start + times.frame_s, end - _SAME_S))
    for loss in losses:
        place = places[max(0, bisect_right(places, loss.at) - 1)]
        first, last = bisect_left(places, place), bisect_right(places, place)
        dues = [due for due in packets.dues[first:last] if not isnan(due)]
        if loss.track == track and dues and not (loss.begins and packets.keys[first]):
            missing.append((min(dues), max(dues)))
    return missing


def can_mend(damage: Damage, length_s: float) -> bool:
    """Tell whether so little is damaged that the picture before it may stay meanwhile."""
    longest_s = max((end - start for start, end in damage.spans), default=0.0)
    return longest_s <= LONGEST_MENDED_S and damage.seconds <= max(LONGEST_MENDED_S, _MENDED_SHARE * length_s)


def describe(damage: Damage) -> str:
    """Return the damaged stretches for people: `from 0:07.0 to 0:09.5, from 1:02.0 to 1:03.0 and 4 more times`."""
    told = ", ".join(_span(start, end) for start, end in damage.spans[:3])
    more = len(damage.spans) - 3
    return f"{told} and {more} more time{'s' if more > 1 else ''}" if more > 0 else told


def _is_damage(words: str) -> bool:
    return bool(_DAMAGE.search(words)) and not _HARMLESS.search(words)


def _missing(due: Sequence[float], shown: Sequence[float], end_s: float, longer_than_s: float) -> list[float]:
    """Return the first time that is due in each long gap of what is shown."""
    missing = []
    for before, after in pairwise(chain(shown, (end_s,))):
        if after - before > longer_than_s:
            first = bisect_right(due, before + _SAME_S)
            missing += [due[first]] if first < len(due) and due[first] < after - _SAME_S else []
    return missing


def _joined(spans: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1] + _JOINED_S:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def _span(start: float, end: float) -> str:
    first, last = _clock(start), _clock(end)
    return f"at {first}" if first == last else f"from {first} to {last}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(max(0.0, seconds), 1), 60)
    return f"{int(minutes)}:{rest:04.1f}"
