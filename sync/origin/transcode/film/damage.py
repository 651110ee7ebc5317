"""What is damaged in a film, by decoding it once as a whole."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sync.origin.transcode.film.containers import Loss
from sync.origin.transcode.film.geometry import Shape, read_shape
from sync.origin.transcode.film.rhythm import Packet, TrackTimes

LONGEST_MENDED_S = 2.0  # the picture before stays meanwhile, so that no screen shows smeared pictures
_MENDED_SHARE = 0.05
_JOINED_S = 0.5
_SAME_S = 0.002  # times differ by rounding
_DAMAGE = re.compile(
    r"error|invalid|corrupt|conceal|missing|damaged|overread|out of range|exhausted|not find ref|illegal|truncat|broken"
    r"|failed|too (small|short|large)|not allocated|unavailable|exceed",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"mmco|SEI |reorder|number of reference frames|edit list|Last message|backstep|non.existing PPS 0", re.I
)


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """One frame that came out of the decoder, what the decoder said about it, and the shape of a picture."""

    due_s: float
    key: bool
    complaints: tuple[str, ...] = ()
    shape: Shape | None = None


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
    """Return one frame, of one line of ffprobe (compact JSON); None if it is none, or one without a time."""
    due = re.search(r'"best_effort_timestamp_time": "([-\d.]+)"', line)
    return DecodedFrame(float(due[1]), '"key_frame": 1' in line, shape=read_shape(line)) if due else None


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
    frames: Sequence[DecodedFrame],
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
    if not frames:
        return Damage(((min(due, default=0.0), end_s),), complaints=True)
    keys = sorted(frame.due_s for frame in frames if frame.key)
    shown = sorted(frame.due_s for frame in frames)
    bad = [(frame.due_s, frame.due_s) for frame in frames if any(_is_damage(words) for words in frame.complaints)]
    bad += [(at_s, at_s) for at_s in _missing(sorted(due), [*shown, end_s], 1.5 * frame_s + 0.01)]
    bad += missing
    spans = [
        (start, next((key for key in keys if key > end + _SAME_S / 2), end_s)) for start, end in bad if start > shown[0]
    ]
    return Damage(_joined(spans), complaints=any(frame.complaints for frame in frames[1:]))


def missing_in_file(
    packets: Sequence[Packet], times: TrackTimes, losses: Sequence[Loss], *, unreadable: bool
) -> list[tuple[float, float]]:
    """Return when what is not in the file was due, as first and last picture of each stretch, by the times of the file.

    `packets` are those of one track. A gap counts if the file cannot be read there, or lost packets of any track
    meanwhile. A loss in the track itself spoils the group of packets that it is in, or that begins with it, unless
    this one needs no other.
    """
    if times.jumps or not (losses or unreadable):
        return []
    groups: dict[int, list[Packet]] = {}
    place = 0
    for packet in packets:
        place = place if packet.at is None else packet.at
        groups.setdefault(place, []).append(packet)
    place_of = {packet.due_s: place for place, group in groups.items() for packet in group}
    lost_at = sorted(loss.at for loss in losses)
    missing = []
    for start, end in times.gaps:
        first, last = sorted((place_of.get(start, 0), place_of.get(end, 0)))
        if unreadable or bisect_left(lost_at, first) < bisect_right(lost_at, last):
            missing.append((start + times.frame_s, end - _SAME_S))
    places = sorted(groups)
    for loss in losses:
        group = groups[places[max(0, bisect_right(places, loss.at) - 1)]]
        dues = [packet.due_s for packet in group if packet.due_s is not None]
        if loss.track == group[0].track and dues and not (loss.begins and group[0].key):
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


def _missing(due: Sequence[float], shown: Sequence[float], longer_than_s: float) -> list[float]:
    """Return the first time that is due in each long gap of what is shown."""
    missing = []
    for before, after in pairwise(shown):
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
