"""The segments of JPEG files (ITU-T T.81, annex B): one picture without its tags, or many that follow each other."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

JPEG_START = b"\xff\xd8\xff"

_END, _PIXELS, _INDEX = 0xD9, 0xDA, 0xE2
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_RARE_FRAMES = _FRAMES - {0xC0, 0xC1, 0xC2}  # lossless and arithmetic codes, no tables
_STRIPPED_MARKERS = frozenset(range(0xE1, 0xF0)) - {0xEE} | {0xFE}  # APP1-15 except Adobe's colour tag, and comments
_PIXELS_END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # what is no stuffed byte, filler or restart
_SEVERAL = b"MPF\0"
_FILLERS = re.compile(rb"\xff+")
_NAMED, _BETWEEN_BYTES = b"image/jpeg", 1024  # what cameras in the web send before each picture, and how long it may be
_FEWEST_PICTURES = 5  # of a film: fewer play for less than 0.2 s
_LOOKED_AT_BYTES = 32 * 1024**2  # in which these must be
_MOST_SEGMENTS = 10_000  # of one of them; with restart marks pixels are still one


class Segment(NamedTuple):
    """A marker, and where it begins and ends with what belongs to it."""

    marker: int
    start: int
    end: int


def segments(raw: bytes, start: int = 0) -> Iterator[Segment]:
    """Yield the segments of the picture that begins at `start`, up to its end mark; none are left out.

    Raises:
        ValueError: they cannot be read.
    """
    at = start + 2
    while (fillers := _FILLERS.match(raw, at)) and fillers.end() < len(raw):
        at = fillers.end() - 1
        marker = raw[at + 1]
        end = at + 2 if marker == _END else at + 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
        if marker == _PIXELS:
            found = _PIXELS_END.search(raw, end)
            if found is None:
                break
            end = found.start()
        yield Segment(marker, at, end)
        if marker == _END:
            return
        at = end
    raise ValueError("the segments end too early")


def strip_jpeg(raw: bytes) -> bytes | None:
    """Return a JPEG without tags, comments and bytes behind its end, such as the film of a motion photo or a gain map.

    None if its segments cannot be read, or if some decoders do not know how it is coded.
    """
    try:
        found = list(segments(raw))
    except ValueError:
        return None
    if any(segment.marker in _RARE_FRAMES for segment in found):
        return None
    return raw[:2] + b"".join(raw[start:end] for marker, start, end in found if marker not in _STRIPPED_MARKERS)


def are_jpegs_of_a_film(source: Path) -> bool:
    """Tell whether a file has JPEGs of one size one behind the other, as some cameras write films without a container.

    Between them may be padding, or what a server sends before each. A file with an index of its pictures (MPF: 3D
    cameras, gain maps, previews) is one picture.
    """
    with source.open("rb") as file:
        raw = file.read(_BETWEEN_BYTES)
        at = raw.find(JPEG_START)
        if at and _NAMED not in raw[: max(0, at)].lower():
            return False
        raw += file.read(_LOOKED_AT_BYTES)
    sizes: set[bytes] = set()
    try:
        for _ in range(_FEWEST_PICTURES):
            found = list(islice(segments(raw, at), _MOST_SEGMENTS))
            if any(one.marker == _INDEX and raw[one.start + 4 : one.start + 8] == _SEVERAL for one in found):
                return False
            sizes |= {raw[one.start + 5 : one.start + 9] for one in found if one.marker in _FRAMES}
            if (at := raw.find(JPEG_START, found[-1].end, found[-1].end + _BETWEEN_BYTES)) < 0:
                return False
    except ValueError:
        return False
    return len(sizes) == 1
