"""start: from exec to the first frame on the display, with cached content and no network, against `mpv FILE`.

The screen's middle pixel is sampled every 4 ms, which is the error of each figure. The clip is one colour, so the first
matching sample is its first frame. The two take turns, so that a machine whose speed drifts is fair to both.
"""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from glass import Glass

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import display, free_port, running

RUNS = 7
GREEN = (0, 160, 60)
BIN = Path(sys.executable).parent


async def measure() -> list[dict[str, Any]]:
    """Return a row for each player: milliseconds, as minimum, median and maximum of its runs."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-start-")))
        name = await stack.enter_async_context(display())
        glass = Glass(name)
        stack.callback(glass.close)
        clip = _clip(folder / "media")
        environment = await _cached(folder, name, glass)
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(RUNS):
            ours.append(await until_green([str(BIN / "signage-player"), "run"], {**os.environ, **environment}, glass))
            mpv = ["mpv", "--no-config", "--really-quiet", "--fs", str(clip)]
            theirs.append(await until_green(mpv, {**os.environ, "DISPLAY": name}, glass))
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [_row("signage-player", ours, ratio), _row("mpv FILE", theirs, 1.0)]


def _row(who: str, times: list[float], ratio: float) -> dict[str, Any]:
    low, middle, high = min(times), statistics.median(times), max(times)
    return {"player": who, "runs": len(times), "min_ms": low, "median_ms": middle, "max_ms": high, "to_mpv": ratio}


def _clip(folder: Path) -> Path:
    folder.mkdir()
    colour = "color=c=#{:02x}{:02x}{:02x}:s=1280x720:r=30:d=20".format(*GREEN)
    codec = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-colorspace", "bt709")
    command = ("ffmpeg", "-v", "error", "-f", "lavfi", "-i", colour, *codec, str(folder / "green.mp4"))
    subprocess.run(command, check=True)
    return folder / "green.mp4"


def installed(folder: Path, display: str, endpoint_port: int = 0) -> tuple[dict[str, str], dict[str, str]]:
    """Return the environments of an origin in `folder` and of a player that belongs to it."""
    port = free_port(0)
    origin = {
        "SIGNAGE_ORIGIN__STORAGE__DATA_DIR": str(folder / "origin"),
        "SIGNAGE_ORIGIN__SERVER__PORT": str(port),
        "SIGNAGE_ORIGIN__PUBLISH__ENROLMENT_KEY": "a key of the bench",
        "SIGNAGE_ORIGIN__PIPELINE__PRIORITY": "normal",  # there may be a player beside it
    }
    player = {
        "DISPLAY": display,
        "SIGNAGE_PLAYER__STORAGE__STATE_DIR": str(folder / "player"),
        "SIGNAGE_PLAYER__ORIGIN__URL": f"http://127.0.0.1:{port}",
        "SIGNAGE_PLAYER__ORIGIN__ENROLMENT_KEY": "a key of the bench",
        "SIGNAGE_PLAYER__ENDPOINT__PORT": str(endpoint_port),
    }
    return origin, player


async def _cached(folder: Path, name: str, glass: Glass) -> dict[str, str]:
    """Publish the clip, let a player fetch and show it, stop both; return the environment that plays it again."""
    origin, player = installed(folder, name)
    publish = (str(BIN / "signage-origin"), "publish", str(folder / "media"), "--channel", "main")
    quiet = subprocess.DEVNULL
    await asyncio.to_thread(subprocess.run, publish, check=True, stdout=quiet, env={**os.environ, **origin})
    async with (
        running((str(BIN / "signage-origin"), "serve"), folder / "origin.log", origin),
        running((str(BIN / "signage-player"), "run"), folder / "player.log", player),
    ):
        await asyncio.to_thread(glass.wait_for, GREEN, within_s=60)
    return player


async def until_green(command: list[str], environment: dict[str, str], glass: Glass) -> float:
    """Return the milliseconds from exec to green; the process is stopped again before this returns."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        return 1000 * (await asyncio.to_thread(glass.wait_for, GREEN, within_s=30) - began)
    finally:
        process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 5)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
