"""encode: what a stand-alone screen loses while its own origin encodes a 4K film, with each kind of protection.

A player shows a 1080p30 film with noise in it, decoded in software. A client of the display reads a row of pixels every
4 ms: a row that changed is a picture. `pictures` counts them a second, `late` those that came more than one and a half
frames after the one before, `longest` is the longest time without a new one; `lost` is what the player counted itself.
Each arm is as long, and the encode goes on throughout. The last arms give player and display the weight that their
units have; systemd itself is not used, so they need control groups that may be written. All of it takes three minutes,
on a machine that does nothing else.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import footprint
import psutil
from fuzz_ingest import running_origin
from progress import tell
from Xlib import X
from Xlib.display import Display

from sync.runtime.clock import SystemClock

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import virtual_display

SECONDS = 15
_SETTLE_S = 3.0
_FRAME_S = 1 / 30
_EVERY_S = 0.004
_ARMS: dict[str, tuple[str | None, bool]] = {  # the priority of children, and whether the units' weights count
    "nothing is encoded": (None, False),
    "normal priority": ("normal", False),
    "nice": ("nice", False),
    "idle": ("idle", False),
    "nothing, weights": (None, True),
    "normal, weights": ("normal", True),
    "idle, weights": ("idle", True),
}
_GROUPS = {"player": 10_000, "origin": 100}  # as in systemd/*.service


async def measure(only: str = "") -> list[dict[str, Any]]:
    """Return a row for each arm named so; arms with weights only where control groups can be written."""
    rows = []
    async with (
        virtual_display((1920, 1080)) as display,
        footprint.playing(display, footprint.the_film(), "") as (_, url),
    ):
        for name, (priority, weighted) in _ARMS.items():
            with _groups() as groups:
                if only in name and (groups or not weighted):
                    found = await _arm(display, url, priority, groups if weighted else {})
                    rows.append({"encodes": name, **found})
                    tell(rows[-1])
    return rows


async def _arm(display: str, url: str, priority: str | None, groups: dict[str, Path]) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-encode-")))
        if priority:
            film = await asyncio.to_thread(_large_film)
            settings = {"SIGNAGE_ORIGIN__PIPELINE__PRIORITY": priority}
            origin = await stack.enter_async_context(running_origin(folder, settings))
            await origin.send(await asyncio.to_thread(film.read_bytes))
            await asyncio.to_thread(_wait_for_encoder)
        _put_into(groups)
        await SystemClock().sleep(_SETTLE_S)
        before = await asyncio.to_thread(now, url)
        times = await asyncio.to_thread(watch, display, SECONDS)
        after = await asyncio.to_thread(now, url)
        if _encodes() is not bool(priority):
            raise RuntimeError("the encode ended too early" if priority else "something is being encoded")
    same = before["take"] == after["take"]
    return {
        "seconds": SECONDS,
        **figures(times, SECONDS, _FRAME_S),
        "lost": after["lost"] - before["lost"] if same else "-",
    }


def _encodes() -> bool:
    words = (child.cmdline() for child in psutil.Process().children(recursive=True) if child.name() == "ffmpeg")
    return any("libx264" in line for line in words)


def _wait_for_encoder() -> None:
    for _ in range(600):
        with suppress(psutil.NoSuchProcess):
            if _encodes():
                return
        time.sleep(0.1)
    raise TimeoutError("the origin does not begin to encode within a minute")


def figures(times: list[float], seconds: int, frame_s: float) -> dict[str, float]:
    """Return what the instants of new pictures tell; `frame_s` is the time of a frame."""
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return {
        "pictures": len(times) / seconds,
        "late": sum(gap > 1.5 * frame_s for gap in gaps),
        "median_ms": 1000 * statistics.median(gaps),
        "longest_ms": 1000 * max(gaps),
    }


def now(url: str) -> dict[str, Any]:
    """Return what the player says of the take on air: its name, and the frames it lost."""
    with urlopen(f"{url}/v1/now", timeout=10) as answer:
        said = json.load(answer)
    return {"take": said.get("take"), "lost": said.get("frames_lost") or 0}


def watch(name: str, seconds: int) -> list[float]:
    """Look for so many seconds; return the instants (monotonic, in seconds) at which a new picture was seen."""
    display = Display(name)
    root, times, before = display.screen().root, [], b""
    try:
        until = time.monotonic() + seconds
        while (at := time.monotonic()) < until:
            row = root.get_image(600, 500, 128, 1, X.ZPixmap, 0xFFFFFFFF).data
            if row != before:
                times.append(at)
            before = row
            time.sleep(_EVERY_S)
    finally:
        display.close()
    return times


# ── the encode ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _large_film() -> Path:
    """Return a 4K film that takes minutes: 4:2:2 is never copied."""
    source = ("-f", "lavfi", "-i", "testsrc2=s=3840x2160:r=30:d=1,noise=alls=12:allf=t,format=yuv422p")
    second = footprint.made("second.mp4", *source, "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "12M")
    return footprint.made("large-40s.mp4", "-stream_loop", "39", "-i", str(second), "-c", "copy")


# ── control groups ─────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _groups() -> Iterator[dict[str, Path]]:
    """Give a control group for the player and one for the origin, with their weights; none where it cannot."""
    made: dict[str, Path] = {}
    try:
        with suppress(OSError):
            for name, weight in _GROUPS.items():
                made[name] = _group(f"bench-{name}", weight)
        yield made if len(made) == len(_GROUPS) else {}
    finally:
        for folder in made.values():
            for pid in (folder / "cgroup.procs").read_text().split():
                with suppress(OSError):
                    (folder.parent / "cgroup.procs").write_text(pid)
            with suppress(OSError):
                folder.rmdir()


def _group(name: str, weight: int) -> Path:
    old, new = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
    if (old / "cpu.shares").exists():
        (old / name).mkdir(exist_ok=True)
        (old / name / "cpu.shares").write_text(str(weight * 1024 // 100))
        return old / name
    (new / "cgroup.subtree_control").write_text("+cpu")
    (new / name).mkdir(exist_ok=True)
    (new / name / "cpu.weight").write_text(str(weight))
    return new / name


def _put_into(groups: dict[str, Path]) -> None:
    """Move what this benchmark started into the groups: the origin and its children, and all else with the witness."""
    if groups:
        (groups["player"] / "cgroup.procs").write_text(str(os.getpid()))
    for child in psutil.Process().children() if groups else ():
        mine = "origin" if any(word.endswith("signage-origin") for word in child.cmdline()) else "player"
        for process in (child, *child.children(recursive=True)):
            with suppress(OSError):
                (groups[mine] / "cgroup.procs").write_text(str(process.pid))
