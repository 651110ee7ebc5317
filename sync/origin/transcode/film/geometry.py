"""The shape of a film: how a player turns, mirrors and crops its stored pixels, and the size a person sees."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Any

_TURNED = {  # by the signs of b and c of the display matrix
    (True, True): "transpose=cclock_flip",
    (True, False): "transpose=clock",
    (False, True): "transpose=cclock",
    (False, False): "transpose=clock_flip",
}
_WIDEST_PIXEL = Fraction(20)
_FRAME_SHAPE = re.compile(r'"width": (\d+), "height": (\d+)(?:, "sample_aspect_ratio": "(\d+):(\d+)")?')


@dataclass(frozen=True, slots=True)
class Orientation:
    """ffmpeg's filters that bring a stored picture upright; `turned`: they swap its width and height."""

    filters: tuple[str, ...] = ()
    turned: bool = False


UPRIGHT = Orientation()


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of the stored picture that is meant to be seen, in stored pixels."""

    width: int
    height: int
    left: int
    top: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a stored picture, and width by height of its pixels."""

    width: int
    height: int
    pixel_aspect: Fraction


def true_aspect(pixel_aspect: Fraction) -> Fraction:
    """Return width by height of pixels; square ones if no film has it (352 x 576 at 16:9 has 2.9)."""
    return pixel_aspect if 1 / _WIDEST_PIXEL <= pixel_aspect <= _WIDEST_PIXEL else Fraction(1)


def read_shape(line: str) -> Shape | None:
    """Return the shape of one frame, of one line of ffprobe (compact JSON); None if it tells none."""
    found = _FRAME_SHAPE.search(line)
    return _shape(*found.groups()) if found else None


@lru_cache(maxsize=64)
def _shape(width: str, height: str, across: str | None, down: str | None) -> Shape:
    known = across and down and int(across) and int(down)
    return Shape(int(width), int(height), Fraction(int(across or 1), int(down or 1)) if known else Fraction(1))


def longest_shape(seen: Sequence[tuple[float, Shape]], end_s: float) -> Shape:
    """Return the shape that a film has for the longest time, of its frames with their times; it ends at `end_s`."""
    seconds: defaultdict[Shape, float] = defaultdict(float)
    for (start_s, shape), (next_s, _) in pairwise([*seen, (end_s, seen[-1][1])]):
        seconds[shape] += max(0.0, next_s - start_s)
    return max(seconds, key=lambda shape: seconds[shape])


def orientation_of(video: Mapping[str, Any]) -> Orientation:
    """Return the orientation of a stream of ffprobe's document, to the nearest quarter turn, from its display matrix.

    The matrix maps a stored point to the display: x' = a x + c y, y' = b x + d y (ISO 14496-12, 6.2.2).
    """
    for side in video.get("side_data_list", ()):
        matrix = _matrix(str(side.get("displaymatrix", "")))
        if matrix is not None:
            return _orientation(*matrix)
    return UPRIGHT


def _matrix(printed: str) -> tuple[int, int, int, int] | None:
    """Return a, b, c and d of a matrix as ffprobe prints it: three lines, each with its offset."""
    rows = [line.partition(":")[2].split() for line in printed.strip().splitlines()]
    if len(rows) < 2 or any(len(row) != 3 for row in rows):
        return None
    return int(rows[0][0]), int(rows[0][1]), int(rows[1][0]), int(rows[1][1])


def _orientation(a: int, b: int, c: int, d: int) -> Orientation:
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Orientation((_TURNED[b > 0, c > 0],), turned=True)
    filters = (*(("hflip",) if a < 0 else ()), *(("vflip",) if d < 0 else ()))
    return Orientation(
        filters or (("null",) if b or c else ())
    )  # nothing to turn, and a matrix that players may follow


def shown_size(width: int, height: int, pixel_aspect: Fraction, *, turned: bool) -> tuple[Fraction, Fraction]:
    """Return the size of a picture with square pixels, upright; the height of the stored picture stays."""
    size = Fraction(width) * true_aspect(pixel_aspect), Fraction(height)
    return size[::-1] if turned else size
