"""footprint: what the installed player takes, idle on a picture and on a 1080p30 H.264 film, decoded in software.

The origin publishes, the player fetches; then, the origin gone, each of its processes is looked at once a second.
Figures are medians: memory as resident (RSS) and as shared out among those who map it (PSS), processor time as a share
of one core. On the same film and display, `mpv --loop`. From exec to the first frame: see `start`.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import start

from sync.runtime.clock import SystemClock

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import free_port, running, virtual_display

SECONDS = 60
_SETTLE_S = 10.0
_SIZE = (1920, 1080)
_MIB = 1024**2
_CACHE = Path(__file__).parent.parent.parent / "var" / "bench" / "footprint"
_FILM_S = 100  # longer than the looks: no cut among them, so the deck on air stays the same
_CLIP_S = 10
_KINDS = {"player.deck": "deck", "player.overlay": "overlay"}
_PLAYLIST = '[[items]]\nfile = "{file}"\n{more}'

Figures = dict[str, list[float]]


async def measure() -> list[dict[str, Any]]:
    """Return a row for each process of each scene."""
    first = {row["player"]: row["median_ms"] for row in await start.measure()}
    ours, theirs = first["signage-player"], first["mpv FILE"]
    rows = []
    for scene, file, more in (
        ("picture", _picture(), "duration_ms = 600000\n"),
        ("film", the_film(), ""),
    ):
        async with virtual_display(_SIZE) as display, playing(display, file, more) as (pid, url):
            found = await _look(pid)
            rows += [_row(scene, who, figures, ours) for who, figures in found.items()]
            rows[-len(found)] |= await asyncio.to_thread(_told, url)
    async with virtual_display(_SIZE) as display, _mpv(display, the_film()) as pid:
        rows += [_row("film", who, figures, theirs) for who, figures in (await _look(pid)).items()]
    return rows


def _row(scene: str, who: str, figures: Figures, first_ms: float) -> dict[str, Any]:
    row: dict[str, Any] = {"scene": scene, "process": who, "looks": len(figures["rss_mib"])}
    row |= {name: statistics.median(values) for name, values in figures.items()}
    return row | {
        "first_frame_ms": first_ms if who in ("daemon", "mpv") else "-",
        "painted_fps": "-",
        "frames_lost": "-",
    }


def _told(url: str) -> dict[str, Any]:
    """Return what the player says of the picture: a deck that drops frames is cheap."""
    with urlopen(f"{url}/v1/now", timeout=5) as answer:
        now = json.load(answer)
    return {name: "-" if now.get(name) is None else now[name] for name in ("painted_fps", "frames_lost")}


# ── looking ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _look(pid: int) -> dict[str, Figures]:
    """Look at a process and its children once a second; return each one's figures, the busier deck first."""
    clock, top = SystemClock(), psutil.Process(pid)
    await clock.sleep(_SETTLE_S)
    family = [top, *top.children(recursive=True)]
    seen: dict[psutil.Process, Figures] = {process: defaultdict(list) for process in family}
    for process in family:
        process.cpu_percent()  # from here on
    for _ in range(SECONDS):
        await clock.sleep(1.0)
        for process, figures in seen.items():
            with suppress(psutil.NoSuchProcess):  # exchanged meanwhile
                _note(process, figures)
    busy = sorted(seen, key=lambda process: statistics.fmean(seen[process]["cpu_percent"] or [0]), reverse=True)
    decks = [process for process in busy if _kind(process) == "deck"]
    names = {top: "daemon" if decks else "mpv"} | dict(zip(decks, ("deck on air", "deck aside"), strict=False))
    ordered = [top, *decks, *(process for process in busy if process not in (top, *decks))]
    return {names.get(process, _kind(process)): seen[process] for process in ordered if seen[process]}


def _note(process: psutil.Process, figures: Figures) -> None:
    memory = process.memory_full_info()
    figures["rss_mib"].append(memory.rss / _MIB)
    figures["pss_mib"].append(memory.pss / _MIB)
    figures["cpu_percent"].append(process.cpu_percent())
    figures["threads"].append(process.num_threads())
    figures["fds"].append(process.num_fds())


def _kind(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        words = process.cmdline()
        return next((kind for module, kind in _KINDS.items() if module in words), process.name())
    return "gone"


# ── playing ────────────────────────────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def playing(display: str, file: Path, more: str) -> AsyncIterator[tuple[int, str]]:
    """Have an installed player show nothing but this file, from its cache; yield its process id and address."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-footprint-")))
        media = folder / "media"
        media.mkdir()
        await asyncio.to_thread(shutil.copyfile, file, media / file.name)
        (media / "playlist.toml").write_text(_PLAYLIST.format(file=file.name, more=more))
        origin, player = start.installed(folder, display, free_port(0))
        publish = (str(start.BIN / "signage-origin"), "publish", str(media), "--channel", "main")
        quiet = subprocess.DEVNULL
        await asyncio.to_thread(subprocess.run, publish, check=True, stdout=quiet, env={**os.environ, **origin})
        command = (str(start.BIN / "signage-player"), "run")
        log = folder / "player.log"
        async with running((str(start.BIN / "signage-origin"), "serve"), folder / "origin.log", origin):
            process = await stack.enter_async_context(running(command, log, player))
            await _held(folder / "player" / "state" / "active", log)
        yield process.pid, f"http://127.0.0.1:{player['SIGNAGE_PLAYER__ENDPOINT__PORT']}"


async def _held(pointer: Path, log: Path) -> None:
    """Wait until the player has the release."""
    for _ in range(600):
        if pointer.exists():
            return
        await SystemClock().sleep(0.1)
    raise TimeoutError(f"the player got nothing within a minute: {log.read_text()[-2000:]}")


@asynccontextmanager
async def _mpv(display: str, film: Path) -> AsyncIterator[int]:
    with tempfile.TemporaryDirectory(prefix="bench-footprint-") as folder:
        command = ("mpv", "--no-config", "--really-quiet", "--fs", "--loop", str(film))
        async with running(command, Path(folder) / "mpv.log", {"DISPLAY": display}) as process:
            yield process.pid


# ── media ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _picture() -> Path:
    return made("picture.png", "-f", "lavfi", "-i", "testsrc2=s=1920x1080:d=1", "-frames:v", "1")


def the_film() -> Path:
    """Return the 1080p30 film, longer than the looks."""
    source = f"testsrc2=s=1920x1080:r=30:d={_CLIP_S},noise=alls=12:allf=t,format=yuv420p"  # 8 Mbit/s have to be filled
    rate = ("-b:v", "8M", "-maxrate", "10M", "-bufsize", "16M")
    clip = made("clip.mp4", "-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "superfast", *rate)
    again = str(_FILM_S // _CLIP_S - 1)
    return made("film.mp4", "-stream_loop", again, "-i", str(clip), "-c", "copy", "-movflags", "+faststart")


def made(name: str, *how: str) -> Path:
    """Make a file with ffmpeg once; it is kept for the next time."""
    target, new = _CACHE / name, _CACHE / f"new-{name}"
    if not target.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["ffmpeg", "-v", "error", "-y", *how, str(new)], check=True)
        new.rename(target)
    return target
