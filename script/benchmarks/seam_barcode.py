"""The mark in each frame of a seam clip: clip and frame number as a column of black and white blocks, and its reading.

The mark stands in the middle of the screen whatever the shape of the clip, 256 pixels high, so that one column of
pixels, grabbed at once, holds it. Above and below it, and along two rows, the clip is plain grey of a shade that
depends on its number; those tell a picture that is only half there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

SCREEN = (1280, 720)
ROWS = (211, 509)  # of the screen: plain in every clip
_BLOCK = 8
_BLOCKS = 32
TOP = SCREEN[1] // 2 - _BLOCK * _BLOCKS // 2
_BOTTOM = TOP + _BLOCK * _BLOCKS
_WHITE_FROM, _BLACK_TO = 170, 85  # what lies between is no block
_TOLERANCE = 16
_ROW_SPOTS = (0.02, 0.2, 0.4, 0.6, 0.8, 0.98)  # across the clip
_COLUMN_SPOTS = (TOP - 6, _BOTTOM + 6)

_GUARD_ABOVE, _GUARD_BELOW = (1, 0), (0, 1)
_CLIP_BITS, _FRAME_BITS, _CHECK_BITS = 8, 12, 8


class Mark(NamedTuple):
    """Which frame of which clip."""

    clip: int
    frame: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a clip of `width` x `height` lies on the screen when it is fitted into it, and how much it is scaled."""

    left: float
    top: float
    scale: float

    @classmethod
    def of(cls, width: int, height: int) -> "Place":
        """Fit a clip into the screen."""
        scale = min(SCREEN[0] / width, SCREEN[1] / height)
        return cls((SCREEN[0] - width * scale) / 2, (SCREEN[1] - height * scale) / 2, scale)


def shade(clip: int) -> int:
    """Return the luma of a clip's plain parts, 48 to 176; neighbours in number differ widely."""
    return 48 + (clip % 5) * 32


def blocks(mark: Mark) -> tuple[int, ...]:
    """Return the blocks of a mark from the top, 1 for white."""
    check = _check(mark)
    fields = ((mark.clip, _CLIP_BITS), (mark.frame, _FRAME_BITS), (check, _CHECK_BITS))
    bits = [number >> bit & 1 for number, width in fields for bit in reversed(range(width))]
    return (*_GUARD_ABOVE, *bits, *_GUARD_BELOW)


def block_at(y: float) -> int | None:
    """Return which block lies at height `y` of the screen, None beside the mark."""
    return int((y - TOP) // _BLOCK) if TOP <= y < _BOTTOM else None


def read(column: bytes) -> Mark | None:
    """Read the mark from one column of the screen, four bytes a pixel; None if there is none, or a damaged one."""
    levels = column[4 * (TOP + _BLOCK // 2) + 1 : 4 * _BOTTOM : 4 * _BLOCK]
    if any(_BLACK_TO < level < _WHITE_FROM for level in levels):
        return None
    bits = [int(level >= _WHITE_FROM) for level in levels]
    if (*bits[:2], *bits[-2:]) != (*_GUARD_ABOVE, *_GUARD_BELOW):
        return None
    number = int("".join(map(str, bits[2:-2])), 2)
    mark = Mark(number >> _FRAME_BITS + _CHECK_BITS, number >> _CHECK_BITS & (1 << _FRAME_BITS) - 1)
    return mark if number & (1 << _CHECK_BITS) - 1 == _check(mark) else None


def is_whole(mark: Mark, place: Place, column: bytes, row: bytes) -> bool:
    """Tell whether the clip is there from edge to edge, and black beside it."""
    wanted = round((shade(mark.clip) - 16) * 255 / 219)
    width = SCREEN[0] - 2 * place.left
    inside = [column[4 * y + 1] for y in _COLUMN_SPOTS]
    inside += [row[4 * int(place.left + width * spot) + 1] for spot in _ROW_SPOTS]
    outside = [row[4 * int(place.left / 2) + 1]] if place.left > _BLOCK else []
    outside += [column[4 * int(place.top / 2) + 1]] if place.top > _BLOCK else []
    return all(abs(level - wanted) <= _TOLERANCE for level in inside) and all(level <= _TOLERANCE for level in outside)


def is_plain(pixels: bytes, colour: Sequence[int]) -> bool:
    """Tell whether every eighth pixel has one colour, given as blue, green, red."""
    return all(
        abs(level - wanted) <= _TOLERANCE
        for channel, wanted in enumerate(colour)
        for level in pixels[channel :: 4 * _BLOCK]
    )


def _check(mark: Mark) -> int:
    return (mark.clip * 89 + mark.frame * 37 + 101) % 251
