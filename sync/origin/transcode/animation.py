"""Converts an animated picture (GIF, WebP, PNG) to a video: flattens each frame and pipes it to ffmpeg."""

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
    """Write the frames as H.264 and return the facts; the times of frames are exact to half a step, without drift."""
    durations = [_duration_ms(frame) for frame in ImageSequence.Iterator(image)]
    step_ms = frame_step_ms(durations)
    scale = min(1.0, longest_edge / max(image.size))
    width, height = (max(2, round(edge * scale / 2) * 2) for edge in image.size)
    repeats = list(frame_repeats(durations, step_ms))
    encoder = subprocess.Popen(_command(width, height, step_ms, target), stdin=subprocess.PIPE)
    assert encoder.stdin is not None
    with encoder.stdin as pipe:
        for frame, times in zip(ImageSequence.Iterator(image), repeats, strict=True):
            if times:
                raw = flatten(frame.copy()).resize((width, height), Image.Resampling.LANCZOS).tobytes()
                for _ in range(times):
                    pipe.write(raw)
    if encoder.wait():
        raise RuntimeError(f"ffmpeg ended with {encoder.returncode}")
    facts = {"kind": "video", "media_type": "video/mp4", "width": width, "height": height}
    return {**facts, "duration_ms": sum(repeats) * step_ms}


def frame_step_ms(durations_ms: list[int]) -> int:
    """Return the longest step that divides all durations; if none does, the shortest step."""
    common = gcd(*durations_ms)
    return next((step for step in _STEPS_MS if common % step == 0), _STEPS_MS[-1])


def frame_repeats(durations_ms: list[int], step_ms: int) -> Iterator[int]:
    """Yield the number of steps for each frame; rounding errors do not add up, and the last frame gets at least one."""
    elapsed = yielded = 0
    for number, duration_ms in enumerate(durations_ms, start=1):
        elapsed += duration_ms
        times = round(elapsed / step_ms) - yielded
        if number == len(durations_ms):
            times = max(1, times)
        yielded += times
        yield times


def _duration_ms(frame: Image.Image) -> int:
    frame.load()  # WebP has the duration only after this
    duration_ms = round(frame.info.get("duration", 0) or 0)
    return min(_LONGEST_FRAME_MS, duration_ms) if duration_ms > 10 else _DEFAULT_MS


def _command(width: int, height: int, step_ms: int, target: Path) -> tuple[str, ...]:
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"1000/{step_ms}", "-i", "pipe:0")
    colours = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
    filters = ("-vf", "scale=out_color_matrix=bt709,format=yuv420p")
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-threads", "4")
    no_metadata = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart")
    quiet = ("-hide_banner", "-v", "error", "-y")
    return ("ffmpeg", *quiet, *raw, *filters, *codec, *colours, *no_metadata, "-f", "mp4", f"file:{target}")
