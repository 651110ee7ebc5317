"""streams: how long a network stream takes to stand ready in the hidden deck, from real servers on this machine."""

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from player.protocol.stage_interface import Shot
from sync.errors import ScreenFailed
from sync.wire.release import MediaKind

sys.path[:0] = [str(Path(__file__).parent.parent.parent), str(Path(__file__).parent.parent / "demonstration")]
from processes import virtual_display  # noqa: E402 - found by the line above

from tests.player.conftest import running_stage  # noqa: E402
from tests.player.stream_servers import http_server, stream_server  # noqa: E402

ROUNDS = 8
_FILM = (
    "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25:d=20", "-f", "lavfi", "-i", "sine=440:d=20",
    "-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-pix_fmt", "yuv420p", "-c:a", "aac",
)  # fmt: skip


async def measure() -> list[dict[str, Any]]:
    """Return a row for each kind of stream: milliseconds from opening it to its first picture, hidden."""
    rows = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-streams-")))
        display = await stack.enter_async_context(virtual_display())
        await _make_films(folder)
        address = stack.enter_context(http_server(folder))
        stage = await stack.enter_async_context(running_stage(display))
        for kind, url in (("film over HTTP", f"{address}/film.mp4"), ("HLS", f"{address}/film.m3u8")):
            rows.append(_row(kind, [await _load(stage, url) for _ in range(ROUNDS)]))
        for kind, server in (("MPEG-TS over HTTP", "http"), ("RTMP", "rtmp"), ("UDP", "udp")):
            times = []
            for _ in range(ROUNDS):
                with stream_server(folder / "film.mp4", server) as url:
                    times.append(await _load(stage, url))
            rows.append(_row(kind, times))
    return rows


async def _make_films(folder: Path) -> None:
    film = folder / "film.mp4"
    hls = ("-i", str(film), "-c", "copy", "-hls_time", "2", "-hls_list_size", "0", str(folder / "film.m3u8"))
    for how in ((*_FILM, "-movflags", "+faststart", str(film)), hls):
        await (await asyncio.create_subprocess_exec("ffmpeg", "-v", "error", "-nostdin", *how)).wait()


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
