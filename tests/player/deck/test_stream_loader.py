"""Network streams on a display: every kind from a real server, refused addresses, and a server that dies."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from player.deck.vlc.media_source import open_source
from player.protocol.stage_interface import Shot
from player.stage.stage import Stage
from player.streams.gateway import StreamGateway
from sync.errors import MediaUnplayable
from sync.runtime.clock import SystemClock
from sync.wire.release import MediaKind
from tests.player.conftest import H264, Media, make_media, wait_for_both_decks
from tests.player.pixels import BLUE, GREEN, MIDDLE, PixelReader, is_close, recording_screen, wait_until
from tests.player.stream_servers import free_port, http_server, stream_server

MAGENTA = (255, 0, 255)
FILM = ["-g", "5", "-bf", "0", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]


def stream(url: str, take: str = "live", **options: object) -> Shot:
    return Shot.model_validate({"take": take, "path": "", "url": url, "kind": MediaKind.STREAM, **options})


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lime and a magenta film with sound as MP4, one as HLS, a counting film, and a playlist that is not HLS."""
    folder = tmp_path_factory.mktemp("films")
    for name in ("lime", "magenta"):
        source = ["-f", "lavfi", "-i", f"color={name}:s=320x180:r=10:d=12", "-f", "lavfi", "-i", "sine=440:d=12"]
        make_media(folder / f"{name}.mp4", *source, *FILM, "-movflags", "+faststart")
    count = ["-vf", "geq=lum='16+26*N':cb=128:cr=128"]  # eight frames, each brighter
    make_media(folder / "counting", "-f", "lavfi", "-i", "color=gray:s=320x180:r=10:d=0.8", *count, *H264)
    webm = ["-g", "5", "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-f", "webm"]
    make_media(folder / "lime.webm", "-i", str(folder / "lime.mp4"), "-t", "4", *webm)
    mjpeg = ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-c:a", "pcm_mulaw", "-ar", "8000"]
    make_media(folder / "magenta.avi", "-i", str(folder / "magenta.mp4"), "-t", "4", *mjpeg)
    hls = ["-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0"]
    make_media(folder / "index.m3u8", "-i", str(folder / "magenta.mp4"), *hls)
    (folder / "list.m3u").write_text("#EXTM3U\nlime.mp4\n")
    local = f"file://{folder}/index0.ts"
    (folder / "local.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{local}\n#EXT-X-ENDLIST\n")
    return folder


@pytest.fixture(scope="module")
def http(films: Path) -> Iterator[str]:
    with http_server(films) as address:
        yield address


async def test_libvlc_opens_a_pipe_alone_and_without_ffmpeg_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gateway = StreamGateway(SystemClock())
    service = asyncio.create_task(gateway.run())
    for container, demuxer in (("mpegts", ":demux=ts"), ("nut", ":avformat-format=nut"), ("mp4", ":demux=mp4")):
        source = open_source(await gateway.source("http://127.0.0.1:9/x"), container)
        assert source.address.startswith("fd://") and demuxer in source.options and source.feed
        assert await asyncio.to_thread(os.read, int(source.address[5:]), 1) == b""
        source.feed.close()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MediaUnplayable, match="apt install ffmpeg"):
        await gateway.source("rtsp://camera.local/door")
    service.cancel()
    await asyncio.gather(service, return_exceptions=True)


async def test_every_kind_of_stream_is_shown_and_others_are_refused_with_a_reason_without_password(
    stage: Stage, films: Path, http: str, pixels: PixelReader
) -> None:
    with ExitStack() as servers:
        lime, magenta = films / "lime.mp4", films / "magenta.mp4"
        addresses = [
            (f"{http}/lime.mp4", GREEN),
            (f"{http}/index.m3u8", MAGENTA),
            (f"{http}/lime.webm", GREEN),
            (f"{http}/magenta.avi", MAGENTA),
            (servers.enter_context(stream_server(lime, "rtmp")), GREEN),
            (servers.enter_context(stream_server(magenta, "udp")), MAGENTA),
            (servers.enter_context(stream_server(lime, "rtsp")), GREEN),
        ]
        await wait_for_both_decks(stage)
        for number, (url, colour) in enumerate(addresses):
            await stage.preroll(stream(url, str(number)))
            await stage.cut_now(str(number))
            assert is_close(pixels.colour_at(*MIDDLE), colour, 40), url
        await wait_until(lambda: _readers() == 1)
        assert all("Seccomp:\t2" in Path(f"/proc/{pid}/status").read_text() for pid in stage.facts().pids)
        await _assert_refused(stage, http)
        await stage.clear()
        await wait_until(lambda: _readers() == 0)


async def _assert_refused(stage: Stage, http: str) -> None:
    with_password = http.replace("http://", "http://eve:hush@")
    for url, reason in (
        (f"{http}/list.m3u", "playlist"),
        (f"{http}/local.m3u8", "http and https only"),
        (f"{with_password}/none.mp4", "404"),
        (f"http://127.0.0.1:{free_port()}/x", "no program listens"),
        (f"rtsp://eve:hush@127.0.0.1:{free_port()}/x", "no program listens"),
    ):
        with pytest.raises(MediaUnplayable, match=f"(?i){reason}") as caught:
            await stage.preroll(stream(url))
        assert "hush" not in str(caught.value)


async def test_when_the_server_dies_the_next_item_is_shown_at_once_and_the_stream_can_come_back(
    stage: Stage, media: Media, films: Path, display_name: str, shared_yellow_root: None
) -> None:
    clock, port = SystemClock(), free_port()
    await wait_for_both_decks(stage)
    with stream_server(films / "lime.mp4", "http", port) as url:
        await stage.preroll(stream(url))
        await stage.cut_now("live")
        await stage.preroll(media.shot("long"))
        cutting = asyncio.create_task(stage.cut_at_end("long"))
    died_s = clock.monotonic()
    with recording_screen(display_name) as recording:
        cut = await asyncio.wait_for(cutting, 60)
    assert cut.previous and cut.previous.take == "live"
    assert cut.at_s - died_s < 15  # 2 s on a quiet machine
    assert not recording.unexpected(GREEN, BLUE)
    with pytest.raises(MediaUnplayable):
        await stage.preroll(stream(url, "again"))
    with stream_server(films / "magenta.mp4", "http", port):
        await stage.preroll(stream(url, "again"))
        await stage.cut_now("again")


async def test_a_looped_video_starts_over_without_a_gap_until_its_duration_is_up(
    stage: Stage, films: Path, display_name: str
) -> None:
    await wait_for_both_decks(stage)
    await stage.preroll(Shot(take="l", path=str(films / "counting"), kind=MediaKind.VIDEO, duration_ms=1200, loop=True))
    with recording_screen(display_name) as recording:
        await stage.cut_now("l")
        ended = await stage.ended()
    assert ended.reason == "duration" and ended.ended_s - ended.started_s == pytest.approx(1.2, abs=0.02)
    greys = [
        (colours[1][0], first_s, last_s) for colours, first_s, last_s in recording.runs() if first_s > ended.started_s
    ]
    (last, again), *more = [(one, next_one) for one, next_one in pairwise(greys) if next_one[0] < one[0] - 20]
    assert last[0] > 130 and again[0] < 60 and not more, "a busy machine may lose a picture at either end"
    assert again[1] - last[2] < 0.15  # no frame stays longer than its tenth of a second


def _readers() -> int:
    """Return how many streams the player reads, which is this process."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return sum(b"\0pipe:1\0" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children)
