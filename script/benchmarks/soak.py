"""soak: many fast cuts with real decks, and what grows: memory, file handles, threads, resources of the X server.

Pictures of 0.1 s and clips of 0.55 s alternate. This process stands for the daemon: the stage and the daemon's display
run in it. One row has the decks kept, to show what libVLC leaks; the other, of five times as many cuts, has them
renewed all along, to show that nobody sees it: 1,000 cuts take some ten minutes. Growth is the slope of a straight line
through all samples, for 1,000 cuts; the verdict names what grows by more than the scatter of the samples explains.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from glass import Glass
from growth import Sample, growths, verdict
from xresources import XResources

from player.display import open_display
from player.protocol.stage_interface import Shot
from player.stage.deck_options import DeckOptions
from player.stage.deck_pair import Wear
from player.stage.stage import Stage, open_stage
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import SIZE, virtual_display

_MIB = 1024**2
_COLOURS = ("red", "lime", "blue", "yellow")
_KEPT = Wear(shots=10**9, rss_bytes=10**15)
_RENEWED = Wear(shots=25, least_shots=1)
_SAMPLE_EVERY = 8  # cuts: the same picture each time, for the scatter's sake
_LOOK_EVERY_S = 0.01
_DARK = 12


async def measure(cuts: int) -> list[dict[str, Any]]:
    """Return a row for decks that are kept, of a fifth of `cuts`, and one of `cuts` for decks that are renewed."""
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as folder:
        shots = await asyncio.to_thread(_media, Path(folder))
        rows = []
        for who, wear, count in (("decks kept", _KEPT, cuts // 5), ("renewed after 25 shots", _RENEWED, cuts)):
            async with virtual_display() as name:
                rows.append({"stage": who, **await _soak(name, shots, max(_SAMPLE_EVERY, count), wear)})
    return rows


def _media(folder: Path) -> list[Shot]:
    """Make a picture and a clip of each colour."""
    shots = []
    for colour in _COLOURS:
        source = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i"]
        picture, clip = folder / f"{colour}-picture", folder / f"{colour}-clip"
        image = ["-frames:v", "1", "-f", "image2", "-c:v", "png", str(picture)]
        subprocess.run([*source, f"color={colour}:s=1280x720", *image], check=True)
        # A pattern moves in it: a film that opens with a still picture takes a second to preroll.
        moving = f"testsrc2=s=640x360:r=30:d=0.55,drawbox=c={colour}:x=280:y=140:w=80:h=80:t=fill,format=yuv420p"
        video = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", moving]
        subprocess.run([*video, "-c:v", "libx264", "-f", "mp4", str(clip)], check=True)
        shots.append(Shot(take="", path=str(picture), kind=MediaKind.PICTURE, duration_ms=100))
        shots.append(Shot(take="", path=str(clip), kind=MediaKind.VIDEO))
    return shots


async def _soak(name: str, shots: list[Shot], cuts: int, wear: Wear) -> dict[str, Any]:
    clock = SystemClock()
    async with (
        open_display(name, clock) as display,
        open_stage(DeckOptions(name, display.area), clock, wear=wear) as stage,
    ):
        services = [asyncio.create_task(stage.run()), asyncio.create_task(display.run())]
        try:
            await stage.preroll(shots[0].model_copy(update={"take": "first", "duration_ms": 2000}))
            await stage.cut_now("first")
            began_s = clock.monotonic()
            with _watching(name) as seen:
                samples = await _cut(stage, name, shots, cuts)
            took_s = clock.monotonic() - began_s
        finally:
            for service in services:
                service.cancel()
                with suppress(asyncio.CancelledError):
                    await service
    facts, found = stage.facts(), growths(samples)
    row: dict[str, Any] = {"verdict": verdict(found, cuts), "cuts": cuts, "cuts_a_minute": 60 * cuts / took_s}
    row |= {"renewals": facts.renewals, "losses": facts.restarts}
    row |= {"looks": seen["all"], "black_looks": seen["black"]}
    for figure, growth in found.items():
        row |= {figure: growth.last, f"{figure}_per_1000": growth.per_1000, f"{figure}_per_1000_error": growth.error}
    return row


async def _cut(stage: Stage, name: str, shots: list[Shot], cuts: int) -> list[Sample]:
    samples = []
    with closing(XResources(name)) as server:
        for number in range(1, cuts + 1):
            shot = shots[number % len(shots)].model_copy(update={"take": str(number)})
            await stage.preroll(shot)
            await stage.cut_at_end(shot.take)
            if number % _SAMPLE_EVERY == 0:
                samples.append({"cut": number, **_sample(stage, server)})
    return samples


def _sample(stage: Stage, server: XResources) -> Sample:
    """Count what the daemon and the decks in service hold; one that is just being replaced or renewed is left out."""
    held = server.held()
    total: defaultdict[str, float] = defaultdict(float)
    for who, pids in (("daemon", [os.getpid()]), ("decks", [pid for pid in stage.facts().pids if pid])):
        for pid in pids:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                total[f"{who}_mib"] += process.memory_info().rss / _MIB
                total[f"{who}_fds"] += process.num_fds()
                total[f"{who}_threads"] += process.num_threads()
            for figure, value in held.get(pid, {}).items():
                total[f"{who}_x_{figure}"] += value
    return {**total, "server_x_windows": server.windows()}


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
