"""When each picture of a film is due, read from the file itself: the rhythm that its decoder has to keep.

Read are MP4 files (ISO/IEC 14496-12): durations `stts`, composition offsets `ctts`, the edit list `elst` and the scales
of time. A file of another format, a fragmented one or a damaged table gives None: then the rhythm is not known.
"""

import struct
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice, pairwise, repeat
from pathlib import Path
from typing import BinaryIO

_MOST_BYTES = 64 * 1024**2  # of the tables of one film
_MOST_PICTURES = 2_000_000  # 18 hours with 30 a second
_CONTAINERS = frozenset({b"trak", b"mdia", b"minf", b"stbl", b"edts"})
_GAP_S = 0.5  # a film whose pictures never are further apart,
_UNEVEN = 1.25  # nor so many times further than on average, is even


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """The pictures of a film: how many in which time, and the longest time without one, its start and end included.

    `times_s` is when each is due, in order; None if they come at an even rate.
    """

    pictures: int
    length_s: float
    longest_s: float
    times_s: "array[float] | None" = None

    def longest_gap_s(self, since_s: float, until_s: float) -> float:
        """Return the longest time in which no picture is due, of those that touch this part of the film."""
        times = self.times_s
        if times is None:
            return self.longest_s
        first, last = bisect_right(times, since_s) - 1, bisect_left(times, until_s)
        around = [times[at] if 0 <= at < len(times) else self._edge(at) for at in range(first, last + 1)]
        return max((later - sooner for sooner, later in pairwise(around)), default=0.0)

    def due(self, since_s: float, until_s: float) -> float:
        """Return how many pictures are due in this part of the film."""
        if self.times_s is None:
            return self.pictures * max(0.0, min(until_s, self.length_s) - since_s) / self.length_s
        return bisect_right(self.times_s, until_s) - bisect_right(self.times_s, since_s)

    def next_s(self, after_s: float) -> float | None:
        """Return when the first picture after this one is due; None if there is none, or the film is even."""
        at = bisect_right(self.times_s, after_s) if self.times_s is not None else self.pictures
        return self.times_s[at] if self.times_s is not None and at < self.pictures else None

    def _edge(self, at: int) -> float:
        return 0.0 if at < 0 else max(self.length_s, self.times_s[-1] if self.times_s else 0.0)


def read_frame_times(path: str) -> FrameTimes | None:
    """Return when the pictures of a film are due; None if the file does not say so in a way that is read here."""
    try:
        with Path(path).open("rb") as file:
            return _from_moov(_find_moov(file))
    except (OSError, struct.error, ValueError, IndexError, KeyError):
        return None


def _find_moov(file: BinaryIO) -> bytes:
    size = file.seek(0, 2)
    at = 0
    while at + 8 <= size:
        file.seek(at)
        length, name = struct.unpack(">I4s", file.read(8))
        header = 8
        if length == 1:
            (length,), header = struct.unpack(">Q", file.read(8)), 16
        if length == 0:
            length = size - at
        if not name.isalnum() or length < header:
            raise ValueError("no box of an MP4 file")
        if name == b"moov":
            if length > _MOST_BYTES:
                raise ValueError("tables too large")
            return file.read(length - header)
        at += length
    raise ValueError("no table of contents")


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        header = 8
        if length == 1:
            (length,), header = struct.unpack_from(">Q", data, at + 8), 16
        length = length or len(data) - at
        if length < header:
            raise ValueError("a box is shorter than its head")
        yield name, data[at + header : at + length]
        at += length


def _track(data: bytes) -> dict[bytes, bytes]:
    """Return the tables of one track by name, whatever box they are in."""
    found: dict[bytes, bytes] = {}
    for name, body in _boxes(data):
        found.update(_track(body) if name in _CONTAINERS else {name: body})
    return found


def _from_moov(moov: bytes) -> FrameTimes | None:
    """Return the times of the track with the most pictures; others are covers and chapters."""
    boxes = list(_boxes(moov))
    movie_scale = next((_scale(body)[0] for name, body in boxes if name == b"mvhd"), 0)
    tracks = [_track(body) for name, body in boxes if name == b"trak"]
    films = [track for track in tracks if track.get(b"hdlr", b"")[8:12] == b"vide" and any(_pairs(track[b"stts"]))]
    best = max(films, key=lambda track: sum(_pairs(track[b"stts"])[::2]), default=None)
    return None if best is None else _from_track(best, movie_scale)


def _scale(box: bytes) -> tuple[int, int]:
    """Return ticks a second and the length in ticks, of `mvhd` or `mdhd`."""
    if box[0] == 1:
        scale, length = struct.unpack_from(">IQ", box, 20)
    else:
        scale, length = struct.unpack_from(">II", box, 12)
    if not scale:
        raise ValueError("no scale of time")
    return scale, length


def _pairs(box: bytes) -> "array[int]":
    """Return the entries of `stts` or `ctts`: a count, a value, and so on; signed, as real files have them."""
    (count,) = struct.unpack_from(">I", box, 4)
    pairs = array("i")
    if len(box) < 8 + 8 * count:
        raise ValueError("a table is cut off")
    pairs.frombytes(box[8 : 8 + 8 * count])
    if sys.byteorder == "little":
        pairs.byteswap()
    return pairs


def _from_track(track: dict[bytes, bytes], movie_scale: int) -> FrameTimes | None:
    scale, _ = _scale(track[b"mdhd"])
    steps, offsets = _pairs(track[b"stts"]), _pairs(track[b"ctts"]) if b"ctts" in track else array("i")
    pictures = sum(steps[::2])
    length = sum(count * step for count, step in zip(steps[::2], steps[1::2], strict=True))
    if not 0 < pictures <= _MOST_PICTURES or length <= 0 or min(steps) < 0:
        return None
    late, skipped, ends = _edits(track.get(b"elst"), scale, movie_scale)
    spread, longest = max(offsets[1::2]) - min(offsets[1::2]) if offsets else 0, max(steps[1::2])
    if late + longest + spread <= _GAP_S * scale and longest * pictures <= _UNEVEN * length:
        return FrameTimes(pictures, min(length, ends or length) / scale, longest / scale)
    times = _times(steps, offsets, late - skipped)
    ends = ends or times[-1] + steps[-1]
    shown = [at / scale for at in times if 0 <= at < ends]
    gaps = (later - sooner for sooner, later in pairwise([0.0, *shown, ends / scale]))
    return FrameTimes(len(shown), ends / scale, max(gaps), array("d", shown)) if shown else None


def _times(steps: "array[int]", offsets: "array[int]", start: int) -> list[int]:
    """Return when each picture is due, in ticks from the start of the film, in the order they are shown."""
    times: list[int] = []
    at = start
    for count, step in zip(steps[::2], steps[1::2], strict=True):
        times += range(at, at + count * step, step) if step else repeat(at, count)
        at += count * step
    late = chain.from_iterable(map(repeat, offsets[1::2], offsets[::2]))
    return sorted(time + offset for time, offset in zip(times, islice(chain(late, repeat(0)), len(times)), strict=True))


def _edits(box: bytes | None, scale: int, movie_scale: int) -> tuple[int, int, int]:
    """Return, in ticks of the track: how late it starts, how much of its start is left out, and its end (0: all).

    A film that was put together from several parts of the track raises ValueError.
    """
    if box is None or not movie_scale:
        return 0, 0, 0
    form, size = (">Qq", 20) if box[0] == 1 else (">Ii", 12)
    (count,) = struct.unpack_from(">I", box, 4)
    late, parts = 0, []
    for number in range(min(count, 100)):
        length, media_at = struct.unpack_from(form, box, 8 + number * size)
        ticks = length * scale // movie_scale
        if media_at >= 0:
            parts.append((late, media_at, late + ticks if ticks else 0))
        late += ticks
    if len(parts) > 1:
        raise ValueError("several parts of the track")
    return parts[0] if parts else (0, 0, 0)
