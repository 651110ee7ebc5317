"""The filters of an encode, as one chain of named steps; each step is a pure function of the facts of the film.

The order matters: fields are woven before colours and sizes change, colours are converted at the stored size, the
picture is turned before its pixels become square, and the even rate comes last.
"""

from fractions import Fraction

from sync.origin.transcode.film.colour import TAG_FILTER, convert_colour
from sync.origin.transcode.film.facts import VideoFile
from sync.origin.transcode.film.fields import deinterlace, shown_rate

MAX_FRAME_RATE = Fraction(61)


def filter_chain(video: VideoFile, width: int, height: int) -> str:
    """Return ffmpeg's filters that make of a decoded film what screens show, at this size."""
    steps = (deinterlace(video), convert_colour(video), turn(video), make_square(width, height), even_rate(video))
    return ",".join(name for step in steps for name in step)


def turn(video: VideoFile) -> tuple[str, ...]:
    """Return the filters that crop, mirror and turn; today ffmpeg turns by itself."""
    return ()


def make_square(width: int, height: int) -> tuple[str, ...]:
    """Return the filters for this size with square pixels, in the pixel format of the encoder."""
    return (f"scale={width}:{height}", "setsar=1", "format=yuv420p", TAG_FILTER)


def even_rate(video: VideoFile) -> tuple[str, ...]:
    """Return the filters that give the film an even rate."""
    return ("fps=60",) if shown_rate(video) > MAX_FRAME_RATE else ()
