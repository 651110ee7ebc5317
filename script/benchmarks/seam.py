"""seam: what the shop sees between two items, from the pixels of the screen, beside mpv and VLC in one run.

Clips carry their number and that of each frame. A process of its own looks at the display 250 times a second; the
interval between looks is the error of each instant and stands in the report. Xvfb has no refresh: it counts as 60 Hz.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from seam_analysis import Item, Run, Showing, cuts, drift_s, follow, frames, standing_s
from seam_clips import CACHE, Clip, clips, playlist, table
from seam_players import PLAYERS, Player

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import virtual_display

CUTS = 60


async def measure(count: int = CUTS) -> list[dict[str, Any]]:
    """Return a row for each player over `count` cuts of one mixed playlist; times as median, 99 % and maximum."""
    pool = await asyncio.to_thread(clips)
    items = playlist(pool, count + 1)
    return [await _play(name, player, pool, items) for name, player in PLAYERS.items()]


async def _play(name: str, player: Player, pool: list[Clip], items: list[Clip]) -> dict[str, Any]:
    async with virtual_display() as display, _watching(display, pool) as seen:
        await player(display, items)
    runs = [Run(*run) for run in seen["runs"]]
    wanted = [Item(clip.number, clip.frames, float(1 / Fraction(clip.rate)), clip.duration_s) for clip in items]
    showings = follow(wanted, runs)
    _keep(name, items, wanted, showings, runs)
    intervals = seen["intervals_s"]
    return {"player": name, **_row(wanted, showings), "looked_every_ms": _spread(intervals), "load": os.getloadavg()[0]}


@asynccontextmanager
async def _watching(display: str, pool: list[Clip]) -> AsyncIterator[dict[str, Any]]:
    """Look at the display while the block runs; what was seen is there after it."""
    seen: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench-seam-") as folder:
        known, result = Path(folder) / "clips.json", Path(folder) / "seen.json"
        known.write_text(table(pool))
        script = Path(__file__).with_name("seam_sampler.py")
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), display, str(known), str(result), stdin=PIPE, stdout=PIPE
        )
        assert process.stdin and process.stdout
        try:
            await process.stdout.readline()
            yield seen
        finally:
            process.stdin.close()
            if await process.wait() != 0:
                raise subprocess.CalledProcessError(process.returncode or 0, str(script))
        seen.update(json.loads(result.read_text()))


def _row(items: Sequence[Item], showings: Sequence[Showing]) -> dict[str, Any]:
    seams, moving = cuts(items, showings), frames(items, showings[:-1])
    pictures = [abs(stood - items[at].duration_s) for at, stood in standing_s(showings) if items[at].frames == 1]
    return {
        "cuts": len(seams),
        "items_never_seen": len(items) - len(showings),
        "black_ms": _spread([cut.black_s for cut in seams]),
        "cuts_with_black": sum(cut.black_s > 0 for cut in seams),
        "wrong_ms": _spread([cut.wrong_s for cut in seams]),
        "cuts_with_wrong": sum(cut.wrong_s > 0 for cut in seams),
        "frozen_ms": _spread([cut.frozen_s for cut in seams]),
        "first_frame_stands_ms": _spread([cut.start_s for cut in seams]),
        "frames": sum(clip.frames for clip in moving),
        "frames_lost": sum(len(clip.lost) for clip in moving),
        "frames_unjudged": sum(clip.unjudged for clip in moving),
        "first_frames_lost": sum(0 in clip.lost for clip in moving),
        "last_frames_lost": sum(clip.frames - 1 in clip.lost for clip in moving),
        "picture_off_ms": _spread(pictures),
        "drift_ms_per_cut": 1000 * drift_s(items, showings) / max(1, len(seams)),
    }


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    """Return median, 99th percentile (the smallest value that 99 % do not exceed) and maximum in milliseconds."""
    ordered = sorted(seconds) or [0.0]
    p99 = ordered[min(len(ordered) - 1, -(-99 * len(ordered) // 100) - 1)]
    return {"p50": 1000 * statistics.median(ordered), "p99": 1000 * p99, "max": 1000 * ordered[-1]}


def _keep(
    name: str, clips_: Sequence[Clip], items: Sequence[Item], showings: Sequence[Showing], runs: Sequence[Run]
) -> None:
    """Leave every cut and every look of the last run in a file, for whoever wants to see why."""
    lost = {one.at: one for one in frames(items, showings)}
    lines = [
        {
            "from": clips_[cut.at].name, "to": clips_[cut.at + 1].name, **asdict(cut),
            "lost": lost[cut.at].lost if cut.at in lost else (),
        }
        for cut in cuts(items, showings)
    ]  # fmt: skip
    kept = {"cuts": lines, "runs": [asdict(run) for run in runs]}
    (CACHE / f"last {name}.json").write_text(json.dumps(kept, ensure_ascii=False))
