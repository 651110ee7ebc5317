"""fuzz: valid media, damaged at random: what decks and the origin make of them, and what the shop sees meanwhile.

On a real stage a blue picture is on air; each damaged file is prerolled, shown for a moment if it can be, and followed
by the picture again. `blue late` is the longest wait for blue after that cut; `decks lost` are crashes and hangs of the
decoder, each of which costs one deck and blames its file. The same seed makes the same damage. For the origin see
`fuzz_ingest.py`, for signed documents `fuzz_documents.py`.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import fuzz_documents
import fuzz_ingest
from fuzz_damage import damaged
from glass import Glass

from player.platform.geometry import Area
from player.protocol.stage_interface import Shot
from player.stage.deck_options import DeckOptions
from player.stage.stage import Stage, open_stage
from sync.errors import DeckLost, MediaUnplayable
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import SIZE, virtual_display

BLUE = (0, 0, 255)
_SHOWN_S = 0.2

_VIDEO = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=0.8", "-f", "lavfi", "-i", "sine=440:d=0.8"]
_PICTURE = ["-f", "lavfi", "-i", "testsrc2=s=640x360", "-frames:v", "1"]
_BLUE = ["-f", "lavfi", "-i", "color=blue:s=1280x720", "-frames:v", "1", "-f", "image2", "-c:v", "png"]
_KINDS: dict[str, tuple[MediaKind, list[str]]] = {
    "H.264 mp4": (MediaKind.VIDEO, [*_VIDEO, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "mp4"]),
    "HEVC mp4": (MediaKind.VIDEO, [*_VIDEO, "-c:v", "libx265", "-x265-params", "log-level=none", "-f", "mp4"]),
    "VP9 webm": (MediaKind.VIDEO, [*_VIDEO, "-c:v", "libvpx-vp9", "-c:a", "libopus", "-f", "webm"]),
    "MPEG-2 ts": (MediaKind.VIDEO, [*_VIDEO, "-c:v", "mpeg2video", "-c:a", "mp2", "-f", "mpegts"]),
    "MPEG-4 avi": (MediaKind.VIDEO, [*_VIDEO, "-c:v", "mpeg4", "-c:a", "mp3", "-f", "avi"]),
    "PNG": (MediaKind.PICTURE, [*_PICTURE, "-f", "image2", "-c:v", "png"]),
    "JPEG": (MediaKind.PICTURE, [*_PICTURE, "-f", "image2", "-c:v", "mjpeg"]),
}

# ── the stage ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def measure(count: int, part: str, seed: int) -> list[dict[str, Any]]:
    """Return a row for each kind of media, of `count` damaged files: for `decks`, for `ingest`, or for both.

    Or for each kind of the `documents` that a device reads from a server.
    """
    if part == "documents":
        return await asyncio.to_thread(fuzz_documents.measure, count, seed)
    rows = [] if part == "ingest" else await _measure_decks(count, seed)
    return rows if part == "decks" else rows + await fuzz_ingest.measure(count, seed)


async def _measure_decks(count: int, seed: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="bench-fuzz-") as made:
        folder = Path(made)
        blue = _make(folder / "blue", _BLUE)
        rows = []
        async with virtual_display() as name:
            for kind, (what, how) in _KINDS.items():
                whole, files = _make(folder / "whole", how).read_bytes(), -(-count // len(_KINDS))
                rows.append({"media": kind, **await _fuzz(name, folder, whole, what, blue, files, seed)})
    return rows


def _make(path: Path, how: list[str]) -> Path:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *how, str(path)], check=True)
    return path


async def _fuzz(
    name: str, folder: Path, whole: bytes, kind: MediaKind, blue: Path, count: int, seed: int
) -> dict[str, Any]:
    rng, seen, glass = Random(seed), Counter[str](), Glass(name)
    width, height = SIZE
    async with open_stage(DeckOptions(name, Area(width=width, height=height)), SystemClock()) as stage:
        service = asyncio.create_task(stage.run())
        try:
            late_ms = await _back_to_blue(stage, glass, blue, "blue")
            for number in range(count):
                path = folder / "damaged"
                path.unlink(missing_ok=True)
                path.write_bytes(damaged(whole, rng))
                seen[await _try(stage, Shot(take=f"{number}", path=str(path), kind=kind))] += 1
                late_ms = max(late_ms if number else 0.0, await _back_to_blue(stage, glass, blue, f"blue-{number}"))
            lost = stage.facts().restarts
        finally:
            service.cancel()
            with suppress(asyncio.CancelledError):
                await service
            glass.close()
    row = {"files": count, **{what: seen[what] for what in ("shown", "refused", "deck lost")}}
    return {**row, "decks lost": lost, "blue_late_ms": late_ms}


async def _try(stage: Stage, shot: Shot) -> str:
    """Show a damaged file for a moment; return what came of it."""
    try:
        await stage.preroll(shot)
        await stage.cut_now(shot.take)
    except MediaUnplayable:
        return "refused"
    except DeckLost:
        return "deck lost"
    with suppress(TimeoutError):
        async with asyncio.timeout(_SHOWN_S):
            await stage.ended()
    return "shown"


async def _back_to_blue(stage: Stage, glass: Glass, blue: Path, take: str) -> float:
    """Cut to the blue picture; return the milliseconds from the order to blue."""
    clock = SystemClock()
    while True:
        with suppress(DeckLost, MediaUnplayable):
            await stage.preroll(Shot(take=take, path=str(blue), kind=MediaKind.PICTURE))
            ordered_s = clock.monotonic()
            await stage.cut_now(take)
            await asyncio.to_thread(glass.wait_for, BLUE, within_s=5)
            return 1000 * (clock.monotonic() - ordered_s)
