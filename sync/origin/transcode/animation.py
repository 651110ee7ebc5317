"""Pictures that move (GIF, WebP, PNG) as a film: each frame flattened and piped to ffmpeg at a steady rate."""

import subprocess
from collections.abc import Callable, Iterator
from math import gcd
from pathlib import Path
from typing import Any

from PIL import Image, ImageSequence

_STEPS_MS = (200, 100, 80, 50, 40, 20)  # 5 to 50 frames a second
_DEFAULT_MS = 100  # what browsers show a frame without a duration for
_LONGEST_FRAME_MS = 60_000

Flatten = Callable[[Image.Image], Image.Image]


def save_video(image: Image.Image, target: Path, longest_edge: int, flatten: Flatten) -> dict[str, Any]:
    """Write the frames as H.264 and return the facts; frame times are kept to half a step, and do not drift."""
    durations = [_duration_ms(frame) for frame in ImageSequence.Iterator(image)]
    step_ms = frame_step_ms(durations)
    scale = min(1.0, longest_edge / max(image.size))
    width, height = (max(2, round(edge * scale / 2) * 2) for edge in image.size)
    shown = list(frame_repeats(durations, step_ms))
    encoder = subprocess.Popen(_command(width, height, step_ms, target), stdin=subprocess.PIPE)
    assert encoder.stdin is not None
    with encoder.stdin as pipe:
        for frame, times in zip(ImageSequence.Iterator(image), shown, strict=True):
            if times:
                raw = flatten(frame.copy()).resize((width, height), Image.Resampling.LANCZOS).tobytes()
                for _ in range(times):
                    pipe.write(raw)
    if encoder.wait():
        raise RuntimeError(f"ffmpeg ended with {encoder.returncode}")
    facts = {"kind": "video", "media_type": "video/mp4", "width": width, "height": height}
    return {**facts, "duration_ms": sum(shown) * step_ms}


def frame_step_ms(durations_ms: list[int]) -> int:
    """Return the longest step that fits all durations, else the shortest we use."""
    common = gcd(*durations_ms)
    return next((step for step in _STEPS_MS if common % step == 0), _STEPS_MS[-1])


def frame_repeats(durations_ms: list[int], step_ms: int) -> Iterator[int]:
    """Yield for how many steps each frame stands; rounding never adds up, and the last stands for one at least."""
    elapsed = given = 0
    for number, duration_ms in enumerate(durations_ms, start=1):
        elapsed += duration_ms
        times = round(elapsed / step_ms) - given
        if number == len(durations_ms):
            times = max(1, times)
        given += times
        yield times


def _duration_ms(frame: Image.Image) -> int:
    frame.load()  # WebP tells a duration only then
    told = round(frame.info.get("duration", 0) or 0)
    return min(_LONGEST_FRAME_MS, told) if told > 10 else _DEFAULT_MS


def _command(width: int, height: int, step_ms: int, target: Path) -> tuple[str, ...]:
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"1000/{step_ms}", "-i", "pipe:0")
    colours = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
    matrix = ("-vf", "scale=out_color_matrix=bt709,format=yuv420p")
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-threads", "4")
    clean = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart")
    quiet = ("-hide_banner", "-v", "error", "-y")
    return ("ffmpeg", *quiet, *raw, *matrix, *codec, *colours, *clean, "-f", "mp4", f"file:{target}")
