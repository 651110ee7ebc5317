"""Converts a moving picture to a video: lays each frame on an opaque ground and pipes it to ffmpeg.

The video is one pass through the frames, whatever the file says about loops: the playlist says how long and how often.
Frames have the times that browsers give them. The rhythm is even, since screens watch films for standing still.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, zip_longest
from math import ceil, gcd, lcm
from pathlib import Path
from typing import IO, Any

from PIL import Image, ImageStat

from sync.origin.transcode.film.colour import TABLE_FILTER, TAG_ARGUMENTS, TAG_FILTER, TO_BT709
from sync.origin.transcode.film.colour_table import ColourTable
from sync.origin.transcode.picture.colour import write_table
from sync.origin.transcode.picture.composition import ComposedFrame
from sync.origin.transcode.picture.frames import MovingPicture

LONGEST_HOURS = 1
"""How long a moving picture may last; a longer one is a film."""

_LONGEST_STEP_MS = Fraction(200)  # with fewer frames a second libVLC shows the first one late
_SHORTEST_STEP_MS = Fraction(1000, 60)  # no screen shows more
_USUAL_STEP_MS = Fraction(20)  # where the times have no common measure
_MOST_FRAMES = 36_000
_SLIDES_STEP_MS = Fraction(100)  # for what would have more frames: it changes seldom
_ROUNDED_MS = 2  # formats with whole milliseconds miss the real times by so much
_SHORTEST_MS = 200  # of a video
_SHORTEST_SET_MS = 11  # browsers take anything shorter as not set (Blink and Gecko alike, in all formats)
_TICKS = 90  # in a millisecond: those of MPEG, of which all usual frame rates are whole multiples
_UNSET_MS = Fraction(100)  # and show such a frame for so long
_ALMOST_BLACK = 24  # of 255: the mean luminance of a drawing that nobody would see on black

Flatten = Callable[[Image.Image, tuple[int, int, int]], Image.Image]
"""Returns a frame as opaque sRGB, laid on a ground of this colour."""


class EncodingFailed(Exception):
    """The encoder ended too early; the picture is not to blame."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a first pass over the frames finds: their times (ms), the ground under them, and whether any differ."""

    durations_ms: tuple[Fraction, ...]
    ground: tuple[int, int, int]
    moves: bool


def survey(picture: MovingPicture) -> Survey:
    """Decode all frames once.

    Raises:
        DECODER_ERRORS: the picture is damaged or incomplete.
    """
    first = b""
    moves, clear, lightest = False, False, 0.0
    frames: list[ComposedFrame] = []
    for frame in picture.frames():
        image = frame.image.convert("RGBA")
        first = first or image.tobytes()
        moves = moves or image.tobytes() != first
        alpha = image.getchannel("A")
        clear = clear or alpha.getextrema() != (255, 255)
        seen = ImageStat.Stat(image.convert("L"), mask=alpha)
        lightest = max(lightest, seen.mean[0] if seen.count[0] else 0.0)
        frames.append(replace(frame, image=image.resize((1, 1))))  # only its times are needed
    unseen = clear and lightest < _ALMOST_BLACK
    return Survey(tuple(_shown_ms(frames)), (255, 255, 255) if unseen else (0, 0, 0), moves)


def _shown_ms(frames: Sequence[ComposedFrame]) -> Iterator[Fraction]:
    """Yield how long each frame shows. Times that were rounded are taken from the starts, so that they do not drift."""
    for frame, following in zip_longest(frames, frames[1:]):
        exact_ms = frame.milliseconds
        if following is not None and frame.starts_ms is not None and following.starts_ms is not None:
            exact_ms = Fraction(following.starts_ms - frame.starts_ms)
        yield Fraction(round(exact_ms * _TICKS), _TICKS) if exact_ms >= _SHORTEST_SET_MS else _UNSET_MS


def save_video(
    picture: MovingPicture, seen: Survey, target: Path, longest_edge: int, flatten: Flatten, table: ColourTable | None
) -> dict[str, Any]:
    """Write the frames as H.264 and return the facts; the times of frames are exact to half a step, without drift.

    `table` is what the colours need that `flatten` leaves as they are stored: it tone-maps HDR.

    Raises:
        DECODER_ERRORS: the picture is damaged or incomplete.
        EncodingFailed: ffmpeg failed.
    """
    passes = ceil(_SHORTEST_MS / sum(seen.durations_ms))  # a blink is shown a few times
    durations_ms = seen.durations_ms * passes
    step_ms = frame_step_ms(durations_ms)
    if sum(durations_ms) / step_ms > _MOST_FRAMES:
        step_ms = max(step_ms, _SLIDES_STEP_MS)
    repeats = tuple(frame_repeats(durations_ms, step_ms))
    scale = min(1.0, longest_edge / max(picture.size))
    width, height = (max(2, round(edge * scale / 2) * 2) for edge in picture.size)
    if table:
        write_table(table, target.parent)
    command = _command(width, height, step_ms, target.absolute(), tone_maps=table is not None)
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=target.parent)
    assert encoder.stdin is not None
    frames = (frame.image for _ in range(passes) for frame in picture.frames())
    with encoder.stdin as pipe:
        for frame, times in zip(frames, repeats, strict=True):
            if times:
                raw = flatten(frame, seen.ground).resize((width, height), Image.Resampling.LANCZOS).tobytes()
                for _ in range(times):
                    _write(pipe, raw)
    if encoder.wait():
        raise EncodingFailed(f"ffmpeg ended with {encoder.returncode}")
    facts = {"kind": "video", "media_type": "video/mp4", "width": width, "height": height}
    return {**facts, "duration_ms": round(sum(repeats) * step_ms)}


def _write(pipe: IO[bytes], raw: bytes) -> None:
    try:
        pipe.write(raw)
    except BrokenPipeError as error:
        raise EncodingFailed("ffmpeg ended too early") from error


def frame_step_ms(durations_ms: Sequence[Fraction | int]) -> Fraction:
    """Return how long a frame of the video shows: a time of which all durations are whole multiples, or nearly so.

    It is between a 60th and a fifth of a second. If the durations have no such measure, it is 20 ms.
    """
    exact = [Fraction(duration) for duration in durations_ms]
    common = Fraction(gcd(*(one.numerator * (_unit(exact) // one.denominator) for one in exact)), _unit(exact))
    if common >= _SHORTEST_STEP_MS:
        return common / ceil(common / _LONGEST_STEP_MS)
    shortest = min(exact)
    step = sum(exact, Fraction()) / sum(round(one / shortest) for one in exact)
    starts = list(accumulate(exact))
    fits = all(abs(round(start / step) * step - start) <= _ROUNDED_MS for start in starts)
    return step if fits and step >= _SHORTEST_STEP_MS - Fraction(1, 10) else _USUAL_STEP_MS


def _unit(durations: Sequence[Fraction]) -> int:
    return lcm(*(one.denominator for one in durations))


def frame_repeats(durations_ms: Sequence[Fraction | int], step_ms: Fraction | int) -> Iterator[int]:
    """Yield the number of steps for each frame; rounding errors do not add up, and the last frame gets at least one."""
    elapsed, yielded = Fraction(0), 0
    for number, duration_ms in enumerate(durations_ms, start=1):
        elapsed += duration_ms
        times = round(elapsed / step_ms) - yielded
        if number == len(durations_ms):
            times = max(1, times)
        yielded += times
        yield times


def _command(width: int, height: int, step_ms: Fraction, target: Path, *, tone_maps: bool) -> tuple[str, ...]:
    rate = (1000 / step_ms).limit_denominator(100_000)
    pixels = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}")
    raw = (*pixels, "-r", f"{rate.numerator}/{rate.denominator}", "-i", "pipe:0")
    tone_mapping = ("format=gbrp", TABLE_FILTER) if tone_maps else ()
    filters = ("-vf", ",".join((*tone_mapping, TO_BT709, "format=yuv420p", TAG_FILTER)))
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-threads", "4")
    no_metadata = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart")
    quiet = ("-hide_banner", "-v", "error", "-y")
    return ("ffmpeg", *quiet, *raw, *filters, *codec, *TAG_ARGUMENTS, *no_metadata, "-f", "mp4", f"file:{target}")
