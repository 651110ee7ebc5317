"""Overlays on a real display: in front during every cut; their changes and failures do not affect the picture below."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo
from Xlib import X
from Xlib.display import Display as XDisplay

from player.display import Display
from player.display.overlay_host import OverlayHost
from player.platform.code_version import OTHER_CODE
from player.platform.geometry import Area
from player.stage.stage import Stage
from sync.device.store.content_store import ContentStore, open_content_store
from sync.runtime.clock import SystemClock
from sync.wire.content_paths import LOGO_CHUNK
from sync.wire.overlay import Edge, Logo, Overlay, Ticker
from sync.wire.release import Release
from tests.display import Xvfb
from tests.player.conftest import Media
from tests.player.pixels import BLUE, GREEN, MIDDLE, RED, SCREEN, YELLOW, Colour, PixelReader, is_close, wait_until
from tests.sync.file_tree_origin import EPOCH, Publisher

ASSET = "a" * 64
NEWS = "Fresh bread from seven, coffee from eight, lunch from noon, and cake as long as there is any left of it. "
BAR_TOP = 360 - 28


def ticker(**style: Any) -> Ticker:
    return Ticker(id="news", text=NEWS, background="#ffff00", colour="#000000", speed_percent=50, **style)


LOGO = Logo(id="logo", asset=ASSET, width_percent=10, margin_percent=2)


class OverlayPublisher:
    """Activates releases on a device whose only content is overlays."""

    def __init__(self, cache: ContentStore, folder: Path) -> None:
        self._cache = cache
        self._tree = Publisher(folder)
        self._sequence = 0

    def release(self, *overlays: Overlay) -> None:
        self._sequence += 1
        raw = Release(channel="main", created_at=EPOCH, overlays=overlays).model_dump_json().encode()
        name = self._tree.write_release(raw)
        self._cache.save_release(name, raw)
        self._cache.activate(name, self._sequence)


@dataclass
class FakeDisplay:
    """The parts of a display that the overlay host uses."""

    name: str
    area: Area


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ContentStore]:
    circle = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    ImageDraw.Draw(circle).ellipse((0, 0, 99, 99), fill=(0, 255, 0, 255))
    raw, chunks = BytesIO(), PngInfo()
    circle.save(raw, "PNG")
    chunks.add(LOGO_CHUNK, raw.getvalue())
    with open_content_store(tmp_path / "device") as cache:
        Image.new("RGB", (100, 100), "white").save(cache.store / "assets" / ASSET, "PNG", pnginfo=chunks)
        yield cache


@asynccontextmanager
async def running_host(overlays: OverlayHost) -> AsyncIterator[OverlayHost]:
    task = asyncio.create_task(overlays.run())
    try:
        yield overlays
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def publisher(cache: ContentStore, tmp_path: Path) -> OverlayPublisher:
    return OverlayPublisher(cache, tmp_path / "tree")


@pytest.fixture
async def overlays(cache: ContentStore, publisher: OverlayPublisher, display: Display) -> AsyncIterator[OverlayHost]:
    publisher.release(ticker(), LOGO)
    service = OverlayHost(display, cache, SystemClock(), lambda: False, lambda problem: None)
    async with running_host(service):
        yield service


@contextmanager
def recording_spots(name: str, *spots: tuple[int, int]) -> Iterator[list[tuple[Colour, ...]]]:
    """Sample some spots of the display, about a thousand times a second, while the block runs."""
    seen: list[tuple[Colour, ...]] = []
    pixels, stop = PixelReader(name), threading.Event()

    def sample() -> None:
        while not stop.wait(0.0005):
            seen.append(tuple(pixels.colour_at(*spot) for spot in spots))

    thread = threading.Thread(target=sample, name="recording")
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
        pixels.close()


def ticker_pixels(name: str) -> bytes:
    """Return the pixels of the ticker."""
    connection = XDisplay(name)
    pixels = connection.screen().root.get_image(0, BAR_TOP, SCREEN.width, 28, X.ZPixmap, 0xFFFFFF).data
    connection.close()
    return bytes(pixels)


async def test_overlays_stay_in_front_and_do_not_affect_the_picture_below(
    stage: Stage,
    media: Media,
    display_name: str,
    pixels: PixelReader,
    overlays: OverlayHost,
    publisher: OverlayPublisher,
) -> None:
    await stage.preroll(media.shot("long"))
    await stage.cut_now("long")
    logo = (640 - 7 - 32, 7 + 32)
    await wait_until(lambda: is_close(pixels.colour_at(320, BAR_TOP + 1), YELLOW))
    await wait_until(lambda: is_close(pixels.colour_at(*logo), GREEN))
    assert is_close(pixels.colour_at(640 - 7 - 2, 7 + 2), BLUE)  # transparent in the logo

    with recording_spots(display_name, (320, BAR_TOP + 1), logo) as seen:
        for name in ("red_picture", "blue_picture", "red", "long"):
            await stage.preroll(media.shot(name))
            await stage.cut_now(name)
    assert len(seen) > 100
    assert all(is_close(bar_colour, YELLOW) and is_close(logo_colour, GREEN) for bar_colour, logo_colour in seen)
    before = ticker_pixels(display_name)
    await wait_until(lambda: ticker_pixels(display_name) != before)  # it moves

    facts, pid = stage.facts(), overlays.pid
    with recording_spots(display_name, MIDDLE, logo) as seen:
        publisher.release(ticker(edge=Edge.TOP), LOGO)
        overlays.wake()
        await wait_until(lambda: is_close(pixels.colour_at(320, 1), YELLOW))
        await wait_until(lambda: is_close(pixels.colour_at(320, BAR_TOP + 1), BLUE))
        assert overlays.pid == pid
        assert overlays.pid
        os.kill(overlays.pid, signal.SIGKILL)
        await wait_until(lambda: is_close(pixels.colour_at(320, 1), BLUE))
        await wait_until(lambda: is_close(pixels.colour_at(320, 1), YELLOW))
    assert overlays.pid != pid
    assert all(is_close(middle, BLUE) for middle, _ in seen)
    assert (stage.facts().cuts, stage.facts().on_air, stage.facts().restarts) == (facts.cuts, facts.on_air, 0)

    publisher.release()
    overlays.wake()
    await wait_until(lambda: overlays.pid is None and is_close(pixels.colour_at(320, 1), BLUE))


async def test_overlays_turn_with_the_stage_follow_its_size_and_hide_during_a_blank(
    display_name: str, pixels: PixelReader, display: Display, cache: ContentStore, publisher: OverlayPublisher
) -> None:
    problems: list[str] = []
    blank = asyncio.Event()
    fake = FakeDisplay(display_name, SCREEN.model_copy(update={"turn": 90}))
    publisher.release(Ticker(id="news", text="open", background="#ff0000"), LOGO, Logo(id="lost", asset="b" * 64))
    async with running_host(OverlayHost(fake, cache, SystemClock(), blank.is_set, problems.append)) as overlays:
        await wait_until(lambda: is_close(pixels.colour_at(1, 180), RED))  # the bottom of the upright screen
        await wait_until(lambda: is_close(pixels.colour_at(640 - 7 - 18, 360 - 7 - 18), GREEN))  # its top right corner
        fake.area = Area(width=320, height=360)
        await wait_until(
            lambda: is_close(pixels.colour_at(160, 359), RED) and not is_close(pixels.colour_at(1, 180), RED)
        )
        assert overlays.shown == ("news", "logo")
        assert "The logo in the top right corner is not shown: its picture is not on this device" in problems[-1]
        blank.set()  # by an operator
        await wait_until(lambda: overlays.pid is None and not is_close(pixels.colour_at(160, 359), RED))


async def test_lost_overlays_are_reported_when_the_x_server_ends_and_come_back_with_the_next(
    cache: ContentStore, publisher: OverlayPublisher
) -> None:
    problems: list[str] = []
    publisher.release(Ticker(id="news", text="open", background="#ff0000"))
    with Xvfb() as server:
        fake = FakeDisplay(server.name, SCREEN)
        async with running_host(OverlayHost(fake, cache, SystemClock(), lambda: False, problems.append)) as overlays:
            await wait_until(lambda: overlays.shown == ("news",))
            server.stop()
            await wait_until(lambda: problems[-1].startswith("Overlays are not shown: it ended with code 3"))
            server.start()
            await wait_until(lambda: overlays.shown == ("news",) and problems[-1] == "")
            pixels = PixelReader(server.name)
            assert is_close(pixels.colour_at(320, BAR_TOP + 1), RED)
            pixels.close()


async def test_an_overlay_process_of_other_code_is_refused_and_shows_nothing(
    display: Display, cache: ContentStore, publisher: OverlayPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("player.display.overlay_host.CODE", "of the player before the update")
    problems: list[str] = []
    publisher.release(Ticker(id="news", text="open"))
    async with running_host(OverlayHost(display, cache, SystemClock(), lambda: False, problems.append)) as overlays:
        await wait_until(lambda: bool(problems))
        assert OTHER_CODE in problems[-1] and overlays.shown == ()


FONTS = """<fontconfig>
    <dir>/usr/share/fonts/truetype/dejavu</dir>
    <cachedir>{cache}</cachedir>
    <alias><family>sans-serif</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>"""


async def test_another_font_provides_missing_letters_and_letters_no_font_has_are_reported(
    display: Display, cache: ContentStore, publisher: OverlayPublisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fonts.conf").write_text(FONTS.format(cache=tmp_path / "fonts"))
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "fonts.conf"))
    problems: list[str] = []
    publisher.release(Ticker(id="news", text="bread לחם ขนมปัง"))  # that font has no Hebrew, and no font here any Thai
    async with running_host(OverlayHost(display, cache, SystemClock(), lambda: False, problems.append)) as overlays:
        await wait_until(lambda: overlays.shown == ("news",))
        assert (
            "The text “bread לחם ขนมปัง” has letters no font on this device has: Thai (ขนมปัง): install" in problems[-1]
        )
        assert "Hebrew" not in problems[-1]
