"""The part of `fuzz` that the origin takes in: damaged files of all formats, and files that refer to other files.

A real origin gets each file as an upload. Looked at twice a second: is it alive, does any of its children outlive its
budget. Beside it lies a canary, a good film: the kernel tells (inotify) whether anything opens it, and a listener on
loopback whether anything connects. Plans (`playlist.toml`) that name the canary are damaged and read as `publish` does.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psutil
import start
from aiohttp import ClientSession
from fuzz_damage import damaged
from fuzz_samples import PLANS, make_film, make_references, make_samples
from progress import tell

from sync.errors import SignageError
from sync.origin.planning.folder_plan import read_folder_plan
from sync.origin.transcode.sandbox import THREADS
from sync.runtime.clock import SystemClock

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import free_port, running
from syncing_content import listening

_OF_FOLDER = 0x40000000  # IN_ISDIR: who only lists the folder, as `find` does, reads no file
_AT_ONCE = 6
_LATE_S = 5.0  # a child may need this long to be ended
_BUDGET_S = 120
_SETTINGS = {
    "SIGNAGE_ORIGIN__PIPELINE__LONGEST_S": str(_BUDGET_S),
    "SIGNAGE_ORIGIN__PIPELINE__RETRY_FIRST_S": "0.1",
    "SIGNAGE_ORIGIN__PIPELINE__WORKERS": str(_AT_ONCE // 2),
    "SIGNAGE_ORIGIN__PIPELINE__PRIORITY": "normal",
}
_TUS = {"Tus-Resumable": "1.0.0"}
_CHUNK = {**_TUS, "Content-Type": "application/offset+octet-stream"}


async def measure(count: int, seed: int) -> list[dict[str, Any]]:
    """Return a row for each format, of `count` damaged files altogether, and one each for references and plans."""
    async with _canary() as canary, running_origin(canary.folder, _SETTINGS) as origin:
        samples = make_samples(canary.folder)
        references = make_references(canary.folder, canary.film, canary.url)
        canary.begin()
        rows = []
        for name, whole in samples.items():
            rng = Random(f"{seed} {name}")
            files = [damaged(whole, rng) for _ in range(-(-count // len(samples)))]
            rows.append(await _fuzz(name, files, origin, canary))
        rng = Random(seed)
        files = [*references.values(), *(damaged(whole, rng) for whole in references.values() for _ in range(3))]
        rows.append(await _fuzz("references", files, origin, canary))
        rows.append(await asyncio.to_thread(_fuzz_plans, count, seed, samples["PNG"], canary))
    return rows


# ── the canary ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Canary:
    """A film and an address that nobody may touch; `touched` counts who does."""

    folder: Path
    film: Path
    url: str
    notices: int
    connected: int = 0

    def begin(self) -> None:
        """See that a touch is noticed, and forget who touched it so far.

        Raises:
            OSError: it is not noticed.
        """
        self.film.read_bytes()
        if not self._read():
            raise OSError("the kernel does not tell that a file was read")
        self.connected = 0

    def touched(self) -> int:
        """Return how often it was opened, read or connected to since the last call."""
        count, self.connected = self._read() + self.connected, 0
        return count

    def _read(self) -> int:
        count = 0
        with contextlib.suppress(BlockingIOError):
            while raw := os.read(self.notices, 65536):
                at = 0
                while at < len(raw):
                    _, mask, _, length = struct.unpack_from("iIII", raw, at)
                    at, count = at + 16 + length, count + (not mask & _OF_FOLDER)
        return count


@asynccontextmanager
async def _canary() -> AsyncIterator[_Canary]:
    opened_or_read, not_blocking = 0x20 | 0x01, os.O_NONBLOCK
    libc = ctypes.CDLL(None, use_errno=True)
    with tempfile.TemporaryDirectory(prefix="bench-fuzz-") as made:
        folder = Path(made)
        film = folder / "canary" / "film"
        film.parent.mkdir()
        await asyncio.to_thread(make_film, film)
        notices = libc.inotify_init1(not_blocking)
        if notices < 0 or libc.inotify_add_watch(notices, os.fsencode(film.parent), opened_or_read) < 0:
            raise OSError(ctypes.get_errno(), "inotify does not work here")
        canary = _Canary(folder, film, "", notices)

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            canary.connected += 1
            writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        canary.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/film.mp4"
        try:
            yield canary
        finally:
            server.close()
            os.close(notices)


# ── the origin ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Origin:
    """A running origin; `late` counts children that outlived their budget."""

    url: str
    http: ClientSession
    process: asyncio.subprocess.Process
    late: set[int] = field(default_factory=set)

    async def send(self, raw: bytes) -> str | None:
        """Send a file; return the id of its media, None if it is refused."""
        headers = {**_TUS, "Upload-Length": str(len(raw)), "Upload-Metadata": "filename eA=="}
        async with self.http.post(f"{self.url}/v1/uploads", headers=headers) as answer:
            where = answer.headers.get("Location")
        if where is None:
            return None
        async with self.http.patch(self.url + where, data=raw, headers={**_CHUNK, "Upload-Offset": "0"}) as answer:
            return where.rsplit("/", 1)[1] if answer.status == 204 else None

    async def take_in(self, raw: bytes) -> str:
        """Send a file; return what became of it."""
        media = await self.send(raw)
        while media is not None:
            async with self.http.get(f"{self.url}/v1/media/{media}") as answer:
                told = await answer.json()
            if told.get("state") in ("ready", "failed"):
                return _outcome(told)
            await SystemClock().sleep(0.1)
        return "refused"

    async def watch(self) -> None:
        """Look at the children twice a second; raise when the origin has ended."""
        top = psutil.Process(self.process.pid)
        while True:
            for child in top.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    limit_s = child.rlimit(psutil.RLIMIT_CPU)[0]
                    if limit_s == psutil.RLIM_INFINITY:  # it opens no file itself
                        continue
                    budget_s = limit_s / THREADS
                    if SystemClock().now().timestamp() - child.create_time() > budget_s + _LATE_S:
                        self.late.add(child.pid)
            if self.process.returncode is not None:
                raise RuntimeError(f"the origin ended with {self.process.returncode}")
            await SystemClock().sleep(0.5)


def _outcome(told: dict[str, Any]) -> str:
    if told["state"] == "ready":
        return "shown"
    problem = told.get("problem") or ""
    if "several times" in problem:
        return "origin stumbled"
    return "over its budget" if "time or memory" in problem else "refused"


@asynccontextmanager
async def running_origin(folder: Path, settings: dict[str, str]) -> AsyncIterator[Origin]:
    """Run an origin on loopback with its data in `folder`, and give a client that may write."""
    port = free_port(0)
    settings = settings | {
        "SIGNAGE_ORIGIN__STORAGE__DATA_DIR": str(folder / "origin"),
        "SIGNAGE_ORIGIN__SERVER__PORT": str(port),
    }
    program, url = str(start.BIN / "signage-origin"), f"http://127.0.0.1:{port}"
    async with running((program, "serve"), folder / "origin.log", settings) as process:
        await listening(port)
        add = (program, "keys", "add", "bench", "--access", "write", "--json")
        told = await asyncio.to_thread(subprocess.check_output, add, env={**os.environ, **settings})
        headers = {"Authorization": f"Bearer {json.loads(told)['token']}"}
        async with ClientSession(headers=headers) as http:
            yield Origin(url, http, process)


async def _fuzz(name: str, files: list[bytes], origin: Origin, canary: _Canary) -> dict[str, Any]:
    seen, slowest_s, turns, clock = Counter[str](), 0.0, asyncio.Semaphore(_AT_ONCE), SystemClock()

    async def take_in(raw: bytes) -> None:
        nonlocal slowest_s
        async with turns:
            began = clock.monotonic()
            seen[await origin.take_in(raw)] += 1
            slowest_s = max(slowest_s, clock.monotonic() - began)

    origin.late.clear()
    watch = asyncio.create_task(origin.watch())
    work = asyncio.gather(*(take_in(raw) for raw in files))
    either: set[asyncio.Future[Any]] = {watch, work}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if watch.done():
        work.cancel()
        watch.result()
    watch.cancel()
    await work
    return _row(name, len(files), seen, slowest_s=slowest_s, late=len(origin.late), touched=canary.touched())


def _row(name: str, files: int, seen: Counter[str], *, slowest_s: float, late: int, touched: int) -> dict[str, Any]:
    outcomes = {what: seen[what] for what in ("shown", "refused", "over its budget", "origin stumbled")}
    row = {"ingested": name, "files": files, **outcomes, "slowest_s": slowest_s, "late": late, "canary": touched}
    tell(row)
    return row


# ── plans ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _fuzz_plans(count: int, seed: int, picture: bytes, canary: _Canary) -> dict[str, Any]:
    """Read damaged plans of a folder; an exception that is none of ours goes through."""
    folder, rng, seen, clock = canary.folder / "plans", Random(seed), Counter[str](), SystemClock()
    folder.mkdir()
    (folder / "good.png").write_bytes(picture)
    (folder / "link").symlink_to(canary.film)
    slowest_s = 0.0
    for number in range(count):
        make: Callable[[str, str], str] = PLANS[number % len(PLANS)]
        raw = make(str(canary.film), canary.url).encode()
        (folder / "playlist.toml").write_bytes(damaged(raw, rng) if number >= len(PLANS) else raw)
        began = clock.monotonic()
        try:
            read_folder_plan(folder)
            seen["shown"] += 1
        except SignageError:
            seen["refused"] += 1
        slowest_s = max(slowest_s, clock.monotonic() - began)
    return _row("playlist.toml", count, seen, slowest_s=slowest_s, late=0, touched=canary.touched())
