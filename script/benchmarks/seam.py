"""seam: what the shop sees between two items, from the pixels of the screen, beside mpv and VLC in one run.

Clips carry their number and that of each frame. A process of its own looks at the display 250 times a second; the
interval between looks is the error of each instant and stands in the report. Xvfb has no refresh: it counts as 60 Hz.
"""

import asyncio
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from seam_analysis import Item, Run, Showing, cuts, drift_s, follow, frames, standing_s
from seam_clips import CACHE, Clip, clips, playlist, table, tail
from seam_players import PLAYERS, Player
from seam_witness import witnessing

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import virtual_display

CUTS = 60
PEER_CUTS = 100  # at most, unless asked for: peers take longer for each


async def measure(count: int = CUTS, peers: int | None = None, *, whole: bool = False) -> list[dict[str, Any]]:
    """Return a row for each player over `count` cuts of one mixed playlist, `peers` for all but ours.

    Times are spreads: median, 99 % and maximum. `whole`: whole frames are grabbed and compared as well.
    """
    pool = await asyncio.to_thread(clips)
    peers = min(count, PEER_CUTS) if peers is None else peers
    rows = []
    for at, (name, player) in enumerate(PLAYERS.items()):
        wanted = peers if at else count
        if wanted > 0:
            rows.append(await _play(name, player, pool, playlist(pool, wanted + 1), whole=whole))
    return rows


async def _play(name: str, player: Player, pool: list[Clip], listed: list[Clip], *, whole: bool) -> dict[str, Any]:
    began, items = os.getloadavg()[0], listed + tail(pool)
    async with AsyncExitStack() as stack:
        display = await stack.enter_async_context(virtual_display())
        seen = await stack.enter_async_context(_watching(display, pool))
        testimony = await stack.enter_async_context(witnessing(display, pool)) if whole else None
        await player(display, items)
    runs = [Run(*run) for run in seen["runs"]]
    wanted = [Item(clip.number, clip.frames, float(1 / Fraction(clip.rate)), clip.duration_s) for clip in items]
    showings = follow(wanted, runs)
    _keep(name, items, wanted, showings, runs, testimony.wrong if testimony else [])
    row = {"player": name, **_row(wanted, showings, len(listed))}
    if testimony:
        row |= {"whole_frames": testimony.frames, "whole_frames_wrong": len(testimony.wrong)}
    load = f"{began:.1f} to {os.getloadavg()[0]:.1f}"
    return {**row, "looked_every_ms": spread_ms(seen["intervals_s"]), "load": load, "machine": machine()}


def machine() -> str:
    """Say what this runs on: processor and cores; the display is Xvfb, decoding is done in software."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return f"{found[1] if found else platform.processor()}, {os.cpu_count()} cores, Linux {platform.release()}"


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


def _row(items: Sequence[Item], showings: Sequence[Showing], listed: int) -> dict[str, Any]:
    """Judge what was seen. Of the tail after the `listed` items, too heavy to be in time, only dirt and loss count."""
    main = [showing for showing in showings if showing.at < listed]
    if len(main) < 2:
        return {"cuts": 0, "items_never_seen": len(items) - len(showings)}
    dirty, seams, moving = cuts(items, showings), cuts(items, main), frames(items, main[:-1])
    reported = [clip for clip in frames(items, showings[:-1]) if clip.at >= listed]
    pictures = [abs(stood - items[at].duration_s) for at, stood in standing_s(main) if items[at].frames == 1]
    return {
        "cuts": len(seams),
        "items_never_seen": len(items) - len(showings),
        "black_ms": spread_ms([cut.black_s for cut in dirty]),
        "cuts_with_black": sum(cut.black_s > 0 for cut in dirty),
        "wrong_ms": spread_ms([cut.wrong_s for cut in dirty]),
        "cuts_with_wrong": sum(cut.wrong_s > 0 for cut in dirty),
        "frozen_ms": spread_ms([cut.frozen_s for cut in seams]),
        "first_frame_stands_ms": spread_ms([cut.start_s for cut in seams]),
        "frames": sum(clip.frames for clip in moving),
        "frames_lost": sum(len(clip.lost) for clip in moving),
        "frames_unjudged": sum(clip.unjudged for clip in moving),
        "first_frames_lost": sum(0 in clip.lost for clip in moving),
        "last_frames_lost": sum(clip.frames - 1 in clip.lost for clip in moving),
        "frames_1080p50_60": sum(clip.frames for clip in reported),
        "frames_1080p50_60_lost": sum(len(clip.lost) for clip in reported),
        "picture_off_ms": spread_ms(pictures),
        "drift_ms_per_cut": 1000 * drift_s(items, main) / max(1, len(seams)),
    }


def spread_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Return median, 99th percentile (the smallest value that 99 % do not exceed) and maximum in milliseconds."""
    ordered = sorted(seconds) or [0.0]
    p99 = ordered[min(len(ordered) - 1, -(-99 * len(ordered) // 100) - 1)]
    return {"p50": 1000 * statistics.median(ordered), "p99": 1000 * p99, "max": 1000 * ordered[-1]}


def _keep(
    name: str,
    clips_: Sequence[Clip],
    items: Sequence[Item],
    showings: Sequence[Showing],
    runs: Sequence[Run],
    whole: Sequence[str],
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
    kept = {"cuts": lines, "whole_frames_wrong": whole, "runs": [asdict(run) for run in runs]}
    (CACHE / f"last {name}.json").write_text(json.dumps(kept, ensure_ascii=False))
