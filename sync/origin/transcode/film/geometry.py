"""The shape of a film: how a player turns, mirrors and crops its stored pixels, and the size a person sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

_TURNED = {  # by the signs of b and c of the display matrix
    (True, True): "transpose=cclock_flip",
    (True, False): "transpose=clock",
    (False, True): "transpose=cclock",
    (False, False): "transpose=clock_flip",
}


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
    size = Fraction(width) * pixel_aspect, Fraction(height)
    return size[::-1] if turned else size
