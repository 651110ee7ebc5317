"""streams: how long a network stream takes to stand ready in the hidden deck, from real servers on this machine."""

import asyncio
import functools
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from player.platform.geometry import Area
from player.protocol.screen import Shot
from player.stage.deck_options import DeckOptions
from player.stage.stage import open_stage
from player.streams.gateway import StreamGateway
from sync.errors import ScreenFailed
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import free_port, virtual_display

ROUNDS = 8
_FILM = (
    "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25:d=20", "-f", "lavfi", "-i", "sine=440:d=20",
    "-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac",
)  # fmt: skip


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


async def measure() -> list[dict[str, Any]]:
    """Return a row for each kind of stream: milliseconds from opening it to its first picture, hidden."""
    clock, rows = SystemClock(), []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-streams-")))
        display = await stack.enter_async_context(virtual_display())
        await _make_films(folder)
        web = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_QuietHandler, directory=folder))
        threading.Thread(target=web.serve_forever, daemon=True).start()
        stack.callback(web.shutdown)
        stage = await stack.enter_async_context(open_stage(DeckOptions(display, Area(width=1280, height=720)), clock))
        stage.streams = gateway = StreamGateway(clock, own_ports=lambda _: True)
        services = [asyncio.create_task(service()) for service in (stage.run, gateway.run)]
        address = f"http://127.0.0.1:{web.server_address[1]}"
        for kind, url in (("film over HTTP", f"{address}/film.mp4"), ("HLS", f"{address}/film.m3u8")):
            rows.append(_row(kind, [await _load(stage, url) for _ in range(ROUNDS)]))
        for kind, server in (("MPEG-TS over HTTP", "http"), ("RTMP", "rtmp"), ("UDP", "udp")):
            times = []
            for _ in range(ROUNDS):
                async with _sending(folder / "film.mp4", server) as url:
                    times.append(await _load(stage, url))
            rows.append(_row(kind, times))
        for service in services:
            service.cancel()
        await asyncio.gather(*services, return_exceptions=True)
    return rows


async def _make_films(folder: Path) -> None:
    film = folder / "film.mp4"
    hls = ("-i", str(film), "-c", "copy", "-hls_time", "2", "-hls_list_size", "0", str(folder / "film.m3u8"))
    for how in ((*_FILM, "-movflags", "+faststart", str(film)), hls):
        await (await asyncio.create_subprocess_exec("ffmpeg", "-v", "error", "-nostdin", *how)).wait()


@asynccontextmanager
async def _sending(film: Path, kind: str) -> AsyncIterator[str]:
    """Send a film in a loop, in real time."""
    port = free_port(0)
    container, listen = ("flv" if kind == "rtmp" else "mpegts"), (() if kind == "udp" else ("-listen", "1"))
    url = f"{kind}://127.0.0.1:{port}" + {"http": "/live.ts", "rtmp": "/live/one", "udp": ""}[kind]
    source = ("-re", "-stream_loop", "-1", "-i", str(film), "-c", "copy", "-f", container)
    server = await asyncio.create_subprocess_exec("ffmpeg", "-v", "quiet", "-nostdin", *source, *listen, url)
    try:
        await asyncio.sleep(0.5)
        yield url
    finally:
        server.kill()
        await server.wait()


async def _load(stage: Any, url: str) -> float:
    """Open a stream in the hidden deck, and close it again."""
    began_s = asyncio.get_running_loop().time()
    try:
        await stage.preroll(Shot(take=url, path="", url=url, kind=MediaKind.STREAM))
    except ScreenFailed as error:
        print(f"{url}: {error}", file=sys.stderr)
        return float("inf")
    took_s = asyncio.get_running_loop().time() - began_s
    await stage.cut_now(url)
    await stage.clear()
    return took_s * 1000


def _row(kind: str, times: list[float]) -> dict[str, Any]:
    return {
        "stream": kind, "rounds": len(times), "min_ms": min(times), "median_ms": sorted(times)[len(times) // 2],
        "max_ms": max(times),
    }  # fmt: skip
