"""Measures how loud a finished media is to people's ears: its integrated loudness by EBU R128, in LUFS."""

import logging
from pathlib import Path

from sync.origin.transcode.probe import SAFE_INPUT
from sync.origin.transcode.sandbox import Limits, run_tool

_KEY = "lavfi.r128.I"
_FILTER = f"ebur128=metadata=1,ametadata=mode=print:key={_KEY}:file='pipe\\:1':direct=1"
_SILENT_LUFS = -70.0  # the gate of R128: what is below does not count

log = logging.getLogger(__name__)


async def measure_lufs(path: Path, limits: Limits) -> float | None:
    """Return the loudness of a file's first sound, None if it is silent, too short to tell (0.4 s) or damaged.

    A pass of its own over the finished file, pictures skipped: what is measured is what will be played.

    Raises:
        ChildStopped: a limit was hit.
    """
    measured = _SILENT_LUFS

    async def note(line: str) -> None:
        nonlocal measured
        key, _, value = line.partition("=")
        if key == _KEY:
            measured = float(value)  # so far; the last one is of the whole

    quiet = ("ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-threads", "1")
    chosen = ("-map", "0:a:0", "-vn", "-af", _FILTER, "-f", "null", "-")
    finished = await run_tool((*quiet, *SAFE_INPUT, "-i", f"file:{path}", *chosen), limits, on_line=note)
    if finished.code != 0:
        log.warning("media=%s loudness not measured: %s", path, finished.errors.strip()[-300:])
        return None
    return round(measured, 1) if measured > _SILENT_LUFS else None
