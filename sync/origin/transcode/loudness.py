"""Measures the integrated loudness of a finished media file by EBU R128, in LUFS."""

import logging
from pathlib import Path

from sync.origin.transcode.probe import SAFE_INPUT
from sync.origin.transcode.sandbox import Limits, run_tool

_KEY = "lavfi.r128.I"
_FILTER = f"ebur128=metadata=1,ametadata=mode=print:key={_KEY}:file='pipe\\:1':direct=1"
_SILENT_LUFS = -70.0  # the gate of R128: quieter sound does not count

log = logging.getLogger(__name__)


async def measure_lufs(path: Path, limits: Limits) -> float | None:
    """Return the loudness of the first audio stream; None if it is silent, shorter than 0.4 s or damaged.

    This decodes the finished file once more, without its video, so that the sound players will play is measured.

    Raises:
        ChildStopped: a limit was hit.
    """
    measured = _SILENT_LUFS

    async def read_line(line: str) -> None:
        nonlocal measured
        key, _, value = line.partition("=")
        if key == _KEY:
            measured = float(value)  # of the sound so far; the last value covers all of it

    options = ("ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-threads", "1")
    output = ("-map", "0:a:0", "-vn", "-af", _FILTER, "-f", "null", "-")
    result = await run_tool((*options, *SAFE_INPUT, "-i", f"file:{path}", *output), limits, on_line=read_line)
    if result.code != 0:
        log.warning("media=%s loudness not measured: %s", path, result.errors.strip()[-300:])
        return None
    return round(measured, 1) if measured > _SILENT_LUFS else None
