"""soak: many fast cuts with real decks, and what grows: memory, file handles, threads, resources of the X server.

Pictures of 0.1 s and clips of 0.5 s alternate. This process stands for the daemon: the stage runs in it. One row has
the decks kept for the whole run, to show what libVLC leaks; the other has them renewed all along, to show that nobody
sees it. Growth is the slope of a straight line through all samples, for 1,000 cuts.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from glass import Glass
from Xlib.display import Display

from player.pair import Wear
from player.screen import Area, Shot
from player.stage import Stage, open_stage
from sync.clock import SystemClock
from sync.release import MediaKind

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import SIZE, virtual_display

_MIB = 1024**2
_COLOURS = ("red", "lime", "blue", "yellow")
_KEPT = Wear(shots=10**9, rss_bytes=10**15)
_RENEWED = Wear(shots=25, least_shots=1)
_SAMPLE_EVERY = 5  # cuts
_LOOK_EVERY_S = 0.01
_DARK = 12

Sample = dict[str, float]


async def measure(cuts: int) -> list[dict[str, Any]]:
    """Return a row for decks that are kept and one for decks that are renewed, of `cuts` cuts each."""
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as folder:
        shots = await asyncio.to_thread(_media, Path(folder))
        rows = []
        for who, wear in (("decks kept", _KEPT), ("renewed after 25 shots", _RENEWED)):
            async with virtual_display() as name:
                rows.append({"stage": who, **await _soak(name, shots, cuts, wear)})
    return rows


def _media(folder: Path) -> list[Shot]:
    """Make a picture and a clip of each colour."""
    shots = []
    for colour in _COLOURS:
        source = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i"]
        picture, clip = folder / f"{colour}-picture", folder / f"{colour}-clip"
        image = ["-frames:v", "1", "-f", "image2", "-c:v", "png", str(picture)]
        subprocess.run([*source, f"color={colour}:s=1280x720", *image], check=True)
        video = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "mp4", str(clip)]
        subprocess.run([*source, f"color={colour}:s=640x360:r=30:d=0.5", *video], check=True)
        shots.append(Shot(take="", path=str(picture), kind=MediaKind.PICTURE, duration_ms=100))
        shots.append(Shot(take="", path=str(clip), kind=MediaKind.VIDEO))
    return shots


async def _soak(name: str, shots: list[Shot], cuts: int, wear: Wear) -> dict[str, Any]:
    area, clock = Area(width=SIZE[0], height=SIZE[1]), SystemClock()
    async with open_stage(name, area, clock, wear=wear) as stage:
        running = asyncio.create_task(stage.run())
        try:
            await stage.preroll(shots[0].model_copy(update={"take": "first", "duration_ms": 2000}))
            await stage.cut_now("first")
            began_s = clock.monotonic()
            with _watching(name) as seen:
                samples = await _cut(stage, name, shots, cuts)
            took_s = clock.monotonic() - began_s
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
    facts = stage.facts()
    row: dict[str, Any] = {"cuts": cuts, "cuts_a_minute": 60 * cuts / took_s}
    row |= {"renewals": facts.renewals, "losses": facts.restarts}
    row |= {"looks": seen["all"], "black_looks": seen["black"]}
    return row | _growth(samples)


async def _cut(stage: Stage, name: str, shots: list[Shot], cuts: int) -> list[Sample]:
    connection, samples = Display(name), []
    for number in range(1, cuts + 1):
        shot = shots[number % len(shots)].model_copy(update={"take": str(number)})
        await stage.preroll(shot)
        await stage.cut_at_end(shot.take)
        if number % _SAMPLE_EVERY == 0:
            samples.append({"cut": number, **_sample(stage), **_x_resources(connection)})
    connection.close()
    return samples


def _sample(stage: Stage) -> Sample:
    ours = psutil.Process()
    found = {
        "daemon_mib": ours.memory_info().rss / _MIB,
        "daemon_fds": ours.num_fds(),
        "daemon_threads": ours.num_threads(),
    }
    total = Counter[str]()
    for pid in stage.facts().pids:
        with suppress(psutil.NoSuchProcess):  # just being replaced
            deck = psutil.Process(pid)
            total.update(
                decks_mib=deck.memory_info().rss / _MIB, decks_fds=deck.num_fds(), decks_threads=deck.num_threads()
            )
    return {**found, **total}


def _x_resources(connection: Any) -> Sample:
    """Count clients and top-level windows of the X server.

    What each client holds is not asked: libVLC's come and go with every file, and python-xlib trips over the error of
    asking for one that just left. A leak in a client of ours shows as memory of its deck or of the X server.
    """
    windows = len(connection.screen().root.query_tree().children)
    if not connection.has_extension("X-Resource"):
        return {"x_windows": windows}
    return {"x_windows": windows, "x_clients": len(connection.res_query_clients().clients)}


def _growth(samples: list[Sample]) -> dict[str, Any]:
    """Return each figure at the end, and its growth for 1,000 cuts; the first fifth, when caches fill, is left out."""
    steady = samples[len(samples) // 5 :]
    row: dict[str, Any] = {}
    for name in (key for key in steady[-1] if key != "cut"):
        known = [(sample["cut"], sample[name]) for sample in steady if name in sample]
        slope = statistics.linear_regression(*zip(*known, strict=True)).slope if len(known) > 1 else float("nan")
        row |= {name: float(steady[-1][name]), f"{name}_per_1000": 1000 * slope}
    return row


@contextmanager
def _watching(name: str) -> Iterator[Counter[str]]:
    """Count looks at the middle of the screen, and the black ones, from a thread of its own."""
    seen, stop, glass = Counter[str](), threading.Event(), Glass(name)

    def look() -> None:
        while not stop.wait(_LOOK_EVERY_S):
            seen["all"] += 1
            seen["black"] += max(glass.pixel(SIZE[0] // 2, SIZE[1] // 2)) < _DARK

    thread = threading.Thread(target=look, name="eyes")
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
        glass.close()
