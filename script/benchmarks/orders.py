"""orders: from an operator's HTTP request to the pixels on the display, against the 100 ms it may take.

The middle of the display is sampled every 4 ms, which is the error of each figure. `skip` with the next one ready
is the cut alone; all others show what has to be opened first. Of three skips only the last one counts, from the first
press on: the two between are not opened, but for the one that was ready.
"""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from glass import Glass

from sync.device.store.content_store import ContentStore
from sync.wire.release import Asset, Item, MediaKind, Playlist, Release

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import free_port, running, virtual_display

ROUNDS = 12
COLOURS = ((200, 40, 40), (40, 160, 40), (40, 60, 200), (200, 200, 60), (60, 200, 200))
FALLBACK, BLACK = (150, 60, 160), (0, 0, 0)
BIN = Path(sys.executable).parent


class Player:
    """A running player, its endpoint and its display."""

    def __init__(self, port: int, state_dir: Path, glass: Glass) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._token = state_dir / "state" / "endpoint_token"
        self._glass = glass

    def now(self) -> dict[str, Any]:
        """Return what it says it shows."""
        with urllib.request.urlopen(self._url + "/v1/now", timeout=5) as answer:
            return dict(json.load(answer))

    def ready(self, on: int | None = None) -> int:
        """Wait until an item (the one numbered `on`) is on, and the next one ready; return the number of that one."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                now = self.now()
                right = now["showing"] == "item" and (on is None or now["title"] == str(on % len(COLOURS)))
                if right and now["next"]["readiness"] == "ready":
                    return int(now["next"]["title"])
            except OSError:
                pass
            time.sleep(0.05)
        raise TimeoutError("no item came on")

    def order(self, what: str, item: int | None = None) -> None:
        """Send an order."""
        order = {"do": what} if item is None else {"do": what, "item": str(item % len(COLOURS))}
        headers = {"Authorization": f"Bearer {self._token.read_text().strip()}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._url + "/v1/commands", json.dumps(order).encode(), headers)
        urllib.request.urlopen(request, timeout=5).close()

    def timed(self, what: str, wanted: tuple[int, int, int], *, times: int = 1, item: int | None = None) -> float:
        """Return the milliseconds from sending the first order to the wanted colour."""
        began = time.monotonic()
        for _ in range(times):
            self.order(what, item)
        return 1000 * (self._glass.wait_for(wanted, within_s=10) - began)


async def measure() -> list[dict[str, Any]]:
    """Return a row for each order: milliseconds, as minimum, median and maximum of its rounds."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-orders-")))
        name = await stack.enter_async_context(virtual_display())
        glass = Glass(name)
        stack.callback(glass.close)
        _hold(folder)
        _make(folder / "fallback.png", FALLBACK, "-frames:v", "1")
        port = free_port(0)
        environment = {
            **os.environ,
            "DISPLAY": name,
            "SIGNAGE_PLAYER__STORAGE__STATE_DIR": str(folder),
            "SIGNAGE_PLAYER__ORIGIN__URL": "http://127.0.0.1:9",
            "SIGNAGE_PLAYER__ENDPOINT__PORT": str(port),
            "SIGNAGE_PLAYER__PLAYBACK__FALLBACK": str(folder / "fallback.png"),
        }
        await stack.enter_async_context(running((str(BIN / "signage-player"), "run"), folder / "log", environment))
        player = Player(port, folder, glass)
        return await asyncio.to_thread(_rounds, player)


def _rounds(player: Player) -> list[dict[str, Any]]:
    times: dict[str, list[float]] = {}

    def took(what: str, ms: float) -> None:
        times.setdefault(what, []).append(ms)

    for _ in range(ROUNDS):
        first = player.ready()
        took("skip, the next one ready", player.timed("skip", _colour(first)))
        took("skip, while the next one loads", player.timed("skip", _colour(first + 1)))
        player.ready(first + 1)
        took("skip three times, the next one ready", player.timed("skip", _colour(first + 4), times=3))
        took("skip three times, while the next one loads", player.timed("skip", _colour(first + 7), times=3))
        player.ready(first + 7)
        took("previous", player.timed("previous", _colour(first + 4)))
        player.ready(first + 4)
        took("play item", player.timed("play", _colour(first + 5), item=first + 5))
        player.ready(first + 5)
        took("blank", player.timed("blank", BLACK))
        took("stop, while blank", player.timed("stop", FALLBACK))
        player.order("play")
        player.ready()
        took("stop", player.timed("stop", FALLBACK))
        player.order("play")
    return [_row(what, found) for what, found in times.items()]


def _colour(number: int) -> tuple[int, int, int]:
    return COLOURS[number % len(COLOURS)]


def _row(order: str, times: list[float]) -> dict[str, Any]:
    middle = sorted(times)[len(times) // 2]
    return {"order": order, "rounds": len(times), "min_ms": min(times), "median_ms": middle, "max_ms": max(times)}


def _make(path: Path, colour: tuple[int, int, int], *how: str) -> bytes:
    source = "color=c=#{:02x}{:02x}{:02x}:s=640x360:r=25:d=60".format(*colour)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, *how, str(path)], check=True)
    return path.read_bytes()


def _hold(folder: Path) -> None:
    """Put a minute of each colour on the device, as a release that plays them in order."""
    cache = ContentStore(folder)
    cache.prepare()
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-f", "mp4")
    films = [_make(folder / f"{number}.mp4", colour, *codec) for number, colour in enumerate(COLOURS)]
    assets = [_asset(cache, film) for film in films]
    items = tuple(Item(id=str(n), title=str(n), asset=asset.sha256) for n, asset in enumerate(assets))
    release = Release(
        channel="main",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        default_playlist="all",
        playlists=(Playlist(id="all", name="all", items=items),),
        assets=tuple(assets),
    )
    raw = release.model_dump_json().encode()
    cache.save_release(hashlib.sha256(raw).hexdigest(), raw)
    cache.activate(hashlib.sha256(raw).hexdigest(), 1)


def _asset(cache: ContentStore, film: bytes) -> Asset:
    name = hashlib.sha256(film).hexdigest()
    (cache.store / "assets" / name).write_bytes(film)
    return Asset(
        sha256=name, size_bytes=len(film), index=name, kind=MediaKind.VIDEO, media_type="video/mp4",
        width=640, height=360, duration_ms=60_000,
    )  # fmt: skip
