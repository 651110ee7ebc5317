"""How fast pictures become assets: `script/bench pipeline --files 120`, sent to an origin by tus, four at a time.

`files_s` counts from the first byte sent until the last of them is ready, `cpu_ms` is what the origin and its child
processes take for one. `ping_ms` is how long a small request takes meanwhile: median, 99 % and maximum. `peak_mib` is
the memory of the origin and its children together; what they share counts once. A row of `alone` is one picture sent
to an idle origin, and `ready_ms` what its sender waits. A film of a minute is encoded beside the last row.
"""

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
from aiohttp import ClientSession
from PIL import Image, ImageDraw
from seam import spread_ms

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import free_port, running
from syncing_content import listening

from sync.origin.http.auth import make_key
from sync.origin.persistence.database import open_origin_database
from sync.origin.store.people.keys import KeyStore
from sync.roles import Role
from sync.runtime.clock import SystemClock

FILES = 120
_SENDERS = 4
_PING_EVERY_S = 0.25
_LOOK_EVERY_S = 0.1
_PATIENCE_S = 900.0
_BEGIN = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


async def measure(only: str, files: int, workers: int) -> list[dict[str, Any]]:
    """Return a row for each kind of file named so, alone and many of them; 0 workers: as the origin chooses."""
    rows = []
    for name, make, share in (kind for kind in KINDS if only in kind[0]):
        async with _origin(workers) as origin:
            rows.append(await _alone(origin, f"{name}, first", make(-2)))
            rows.append(await _alone(origin, f"{name}, next", make(-1)))
            rows.append(await _many(origin, name, [make(number) for number in range(round(files * share))]))
    if only not in (mixture := "pictures and films beside a long one"):
        return rows
    async with _origin(workers) as origin:
        await origin.send(_film(60, "1920x1080", "-c:v", "mpeg2video", "-q:v", "2"))
        mixed = [make(number) for number in range(files // 3) for _, make, share in KINDS if share == 1]
        films = [_film(2, "1280x720", "-c:v", "libx264", "-crf", str(20 + number)) for number in range(files // 20)]
        rows.append(await _many(origin, mixture, [*films, *mixed]))
    return rows


# ── the files ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _drawn(mode: str, size: tuple[int, int], number: int) -> Image.Image:
    """Return a picture that is unlike that of any other number."""
    image = Image.new(mode, size)
    draw, step = ImageDraw.Draw(image), size[0] // 24
    for at in range(24):
        colour = (at * 10, 250 - at * 9, (number * 37 + at * 61) % 256)
        draw.ellipse((at * step, (number * 7 + at * 5) % 24 * size[1] // 24, (at + 4) * step, size[1]), fill=colour)
    return image


def _photo(size: tuple[int, int], number: int, **options: Any) -> bytes:
    image = _drawn("RGB", size, number)
    grain = Image.effect_noise((size[0] // 4, size[1] // 4), 40).resize(size).convert("RGB")
    return _saved(Image.blend(image, grain, 0.4), "JPEG", **options)


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    raw = BytesIO()
    image.save(raw, kind, **options)
    return raw.getvalue()


def _jpeg(number: int) -> bytes:
    return _photo((1920, 1080), number, quality=85)


def _logo(number: int) -> bytes:
    return _saved(_drawn("RGBA", (800, 600), number), "PNG")


def _phone(number: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    return _photo((4032, 3024), number, quality=90, exif=exif)


def _film(seconds: int, size: str, *codec: str) -> bytes:
    source = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}")
    with tempfile.NamedTemporaryFile(suffix=".mkv") as file:
        command = ("ffmpeg", "-v", "error", "-nostdin", "-y", *source, *codec, "-pix_fmt", "yuv420p", file.name)
        subprocess.run(command, check=True)
        return Path(file.name).read_bytes()


KINDS: tuple[tuple[str, Callable[[int], bytes], float], ...] = (
    ("JPEG of 1920 x 1080", _jpeg, 1),
    ("PNG with transparency", _logo, 1),
    ("photo of 12 megapixels, turned", _phone, 0.2),
)
"""Name, how one of a number is made, and how many of them are sent in proportion."""


# ── the origin ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Origin:
    process: psutil.Process
    url: str
    http: ClientSession
    database: sqlite3.Connection
    peak_bytes: int = 0
    late_s: list[float] = field(default_factory=list)

    async def send(self, raw: bytes) -> str:
        """Send a file; return the id of its media."""
        headers = {**_BEGIN, "Upload-Length": str(len(raw))}
        async with self.http.post(f"{self.url}/v1/uploads", data=raw, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
            return answer.headers["Signage-Media"]

    async def ready(self, sent: list[str]) -> float:
        """Wait until all are ready; return when the last one was (Unix time)."""
        marks = ",".join("?" * len(sent))
        query = f"SELECT count(*), max(updated_ms) FROM media WHERE state = 'ready' AND id IN ({marks})"
        for _ in range(round(_PATIENCE_S / _LOOK_EVERY_S)):
            count, last_ms = self.database.execute(query, sent).fetchone()
            if count == len(sent):
                return float(last_ms) / 1000
            failed = self.database.execute("SELECT name, problem FROM media WHERE state = 'failed'").fetchone()
            assert failed is None, failed
            await asyncio.sleep(_LOOK_EVERY_S)
        raise TimeoutError("files are not ready")

    def cpu_s(self) -> float:
        """Return what the origin and its children have taken so far."""
        children = self.process.children(recursive=True)
        return sum(self.process.cpu_times()[:4]) + sum(sum(_cpu_times(child)) for child in children)

    async def watch(self) -> None:
        """Look at memory and at how soon the origin answers, until cancelled."""
        while True:
            began = time.perf_counter()
            async with self.http.options(f"{self.url}/v1/uploads") as answer:  # costs little itself
                await answer.read()
            self.late_s.append(time.perf_counter() - began)
            processes = [self.process, *self.process.children(recursive=True)]
            self.peak_bytes = max(self.peak_bytes, sum(map(_memory_bytes, processes)))
            await asyncio.sleep(_PING_EVERY_S)


def _cpu_times(process: psutil.Process) -> tuple[float, ...]:
    try:
        return tuple(process.cpu_times()[:4])  # of its own, and of children that have ended
    except psutil.NoSuchProcess:
        return ()


def _memory_bytes(process: psutil.Process) -> int:
    try:
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    except OSError:  # it has ended
        return 0
    return int(text.partition("\nPss:")[2].split()[0]) * 1024


@asynccontextmanager
async def _origin(workers: int) -> AsyncIterator[_Origin]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as made:
        folder, port = Path(made), free_port(0)
        async with open_origin_database(f"sqlite+aiosqlite:///{folder}/origin.db") as database:
            _, key = await make_key(KeyStore(database), SystemClock(), "bench", Role.ADMINISTRATOR)
        environment = {
            "SIGNAGE_ORIGIN__STORAGE__DATA_DIR": str(folder),
            "SIGNAGE_ORIGIN__STORAGE__RESERVE_BYTES": "0",
            "SIGNAGE_ORIGIN__SERVER__PORT": str(port),
        }
        if workers:
            environment["SIGNAGE_ORIGIN__PIPELINE__WORKERS"] = str(workers)
        command = (sys.executable, "-m", "sync.origin.app.start", "serve")
        headers = {"Authorization": f"Bearer {key}"}
        async with running(command, folder / "log" / "origin.log", environment) as process:
            await listening(port)
            async with ClientSession(headers=headers) as http:
                database_file = sqlite3.connect(f"file:{folder}/origin.db?mode=ro", uri=True)
                yield _Origin(psutil.Process(process.pid), f"http://127.0.0.1:{port}", http, database_file)
                database_file.close()


async def _alone(origin: _Origin, name: str, raw: bytes) -> dict[str, Any]:
    await asyncio.sleep(1)
    cpu_s, began = origin.cpu_s(), time.time()
    ready_ms = 1000 * (await origin.ready([await origin.send(raw)]) - began)
    return {"alone": name, "ready_ms": round(ready_ms), "cpu_ms": round(1000 * (origin.cpu_s() - cpu_s))}


async def _many(origin: _Origin, name: str, files: list[bytes]) -> dict[str, Any]:
    watching = asyncio.ensure_future(origin.watch())
    cpu_s, began = origin.cpu_s(), time.time()
    waiting, sent = iter(files), list[str]()

    async def send() -> None:
        for raw in waiting:
            sent.append(await origin.send(raw))

    await asyncio.gather(*(send() for _ in range(_SENDERS)))
    took_s = await origin.ready(sent) - began
    watching.cancel()
    await asyncio.wait([watching])
    cpu_ms = 1000 * (origin.cpu_s() - cpu_s) / len(files)
    row = {"files": name, "kb": round(sum(map(len, files)) / len(files) / 1000), "count": len(files)}
    row |= {"files_s": round(len(files) / took_s, 1), "cpu_ms": round(cpu_ms), "ping_ms": spread_ms(origin.late_s)}
    return row | {"peak_mib": round(origin.peak_bytes / 2**20)}
