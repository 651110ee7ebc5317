"""Overlays on a real display: in front through every cut, changed and lost without the picture below taking notice."""

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
from player.platform.geometry import Area
from player.stage.stage import Stage
from sync.device.store.content_store import ContentStore, open_cache
from sync.runtime.clock import SystemClock
from sync.wire.overlay import LOGO_CHUNK, Edge, Logo, Overlay, Ticker
from sync.wire.release import Release
from tests.display import Xvfb
from tests.player.conftest import Media
from tests.player.pixels import BLUE, GREEN, RED, YELLOW, Colour, PixelReader, is_close, wait_until
from tests.sync.file_tree_origin import EPOCH, Publisher

ASSET = "a" * 64
NEWS = "Fresh bread from seven, coffee from eight, lunch from noon, and cake as long as there is any left of it. "
BAR_TOP = 720 - 57


def ticker(**style: Any) -> Ticker:
    return Ticker(id="news", text=NEWS, background="#ffff00", colour="#000000", speed_percent=50, **style)


LOGO = Logo(id="logo", asset=ASSET, width_percent=10, margin_percent=2)


class Screen:
    """A device with a release whose only content is overlays."""

    def __init__(self, cache: ContentStore, folder: Path) -> None:
        self._cache = cache
        self._tree = Publisher(folder)
        self._sequence = 0

    def release(self, *overlays: Overlay) -> None:
        self._sequence += 1
        raw = Release(channel="main", created_at=EPOCH, overlays=overlays).model_dump_json().encode()
        name = self._tree.write_release(raw)
        self._cache.keep_release(name, raw)
        self._cache.activate(name, self._sequence)


@dataclass
class Glass:
    """A display as the service knows it."""

    name: str
    area: Area


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ContentStore]:
    clear = Image.new("RGBA", (100, 100), (0, 0, 0, 0))
    ImageDraw.Draw(clear).ellipse((0, 0, 99, 99), fill=(0, 255, 0, 255))
    raw, chunks = BytesIO(), PngInfo()
    clear.save(raw, "PNG")
    chunks.add(LOGO_CHUNK, raw.getvalue())
    with open_cache(tmp_path / "device") as cache:
        Image.new("RGB", (100, 100), "white").save(cache.store / "assets" / ASSET, "PNG", pnginfo=chunks)
        yield cache


@asynccontextmanager
async def running(overlays: OverlayHost) -> AsyncIterator[OverlayHost]:
    task = asyncio.create_task(overlays.run())
    try:
        yield overlays
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def screen(cache: ContentStore, tmp_path: Path) -> Screen:
    return Screen(cache, tmp_path / "tree")


@pytest.fixture
async def overlays(cache: ContentStore, screen: Screen, display: Display) -> AsyncIterator[OverlayHost]:
    screen.release(ticker(), LOGO)
    service = OverlayHost(display, cache, SystemClock(), lambda: False, lambda problem: None)
    async with running(service):
        yield service


@contextmanager
def guarding(name: str, *spots: tuple[int, int]) -> Iterator[list[tuple[Colour, ...]]]:
    """Sample some spots of the display, about a thousand times a second, while the block runs."""
    seen: list[tuple[Colour, ...]] = []
    eye, stop = PixelReader(name), threading.Event()

    def look() -> None:
        while not stop.wait(0.0005):
            seen.append(tuple(eye.colour_at(*spot) for spot in spots))

    thread = threading.Thread(target=look, name="guard")
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
        eye.close()


def bar(name: str) -> bytes:
    """Return the pixels of the ticker."""
    connection = XDisplay(name)
    pixels = connection.screen().root.get_image(0, BAR_TOP, 1280, 57, X.ZPixmap, 0xFFFFFF).data
    connection.close()
    return bytes(pixels)


async def test_overlays_stay_in_front_and_the_picture_below_takes_no_notice_of_them(
    stage: Stage, media: Media, display_name: str, overlays: OverlayHost, screen: Screen
) -> None:
    eye = PixelReader(display_name)
    await stage.preroll(media.shot("long"))
    await stage.cut_now("long")
    logo = (1280 - 14 - 64, 14 + 64)
    await wait_until(lambda: is_close(eye.colour_at(640, BAR_TOP + 1), YELLOW))
    await wait_until(lambda: is_close(eye.colour_at(*logo), GREEN))
    assert is_close(eye.colour_at(1280 - 14 - 2, 14 + 2), BLUE)  # what is clear in the logo stays so

    with guarding(display_name, (640, BAR_TOP + 1), logo) as seen:
        for name in ("red_picture", "blue_picture", "red", "long"):
            await stage.preroll(media.shot(name))
            await stage.cut_now(name)
    assert len(seen) > 100
    assert all(is_close(bar_colour, YELLOW) and is_close(logo_colour, GREEN) for bar_colour, logo_colour in seen)
    before = bar(display_name)
    await wait_until(lambda: bar(display_name) != before)  # it runs

    facts, pid = stage.facts(), overlays.pid
    with guarding(display_name, (640, 360), logo) as seen:
        screen.release(ticker(edge=Edge.TOP), LOGO)
        overlays.wake()
        await wait_until(lambda: is_close(eye.colour_at(640, 1), YELLOW))
        await wait_until(lambda: is_close(eye.colour_at(640, BAR_TOP + 1), BLUE))
        assert overlays.pid == pid
        assert overlays.pid
        os.kill(overlays.pid, signal.SIGKILL)
        await wait_until(lambda: is_close(eye.colour_at(640, 1), BLUE))
        await wait_until(lambda: is_close(eye.colour_at(640, 1), YELLOW))
    assert overlays.pid != pid
    assert all(is_close(middle, BLUE) for middle, _ in seen)
    assert (stage.facts().cuts, stage.facts().on_air, stage.facts().restarts) == (facts.cuts, facts.on_air, 0)

    screen.release()
    overlays.wake()
    await wait_until(lambda: overlays.pid is None and is_close(eye.colour_at(640, 1), BLUE))
    eye.close()


async def test_overlays_are_turned_with_the_stage_follow_its_size_and_give_way_to_black(
    display_name: str, display: Display, cache: ContentStore, screen: Screen
) -> None:
    told: list[str] = []
    black = asyncio.Event()
    eye, glass = PixelReader(display_name), Glass(display_name, Area(width=1280, height=720, turn=90))
    screen.release(Ticker(id="news", text="open", background="#ff0000"), LOGO, Logo(id="lost", asset="b" * 64))
    async with running(OverlayHost(glass, cache, SystemClock(), black.is_set, told.append)) as overlays:
        await wait_until(lambda: is_close(eye.colour_at(1, 360), RED))  # the shop's bottom is the server's left
        await wait_until(lambda: is_close(eye.colour_at(1280 - 14 - 36, 720 - 14 - 36), GREEN))  # top right is here
        glass.area = Area(width=640, height=720)
        await wait_until(lambda: is_close(eye.colour_at(320, 719), RED) and not is_close(eye.colour_at(1, 360), RED))
        assert overlays.shown == ("news", "logo")
        assert "The logo in the top right corner is not shown: its picture is not on this device" in told[-1]
        black.set()  # an operator wants nothing to be seen
        await wait_until(lambda: overlays.pid is None and not is_close(eye.colour_at(320, 719), RED))
    eye.close()


async def test_overlays_are_told_lost_with_their_x_server_and_come_back_with_the_next(
    cache: ContentStore, screen: Screen
) -> None:
    told: list[str] = []
    screen.release(Ticker(id="news", text="open", background="#ff0000"))
    with Xvfb() as server:
        glass = Glass(server.name, Area(width=1280, height=720))
        async with running(OverlayHost(glass, cache, SystemClock(), lambda: False, told.append)) as overlays:
            await wait_until(lambda: overlays.shown == ("news",))
            server.stop()
            await wait_until(lambda: told[-1].startswith("Overlays are not shown: it ended with code 3"))
            server.start()
            await wait_until(lambda: overlays.shown == ("news",) and told[-1] == "")
            eye = PixelReader(server.name)
            assert is_close(eye.colour_at(640, BAR_TOP + 1), RED)
            eye.close()


FONTS = """<fontconfig>
    <dir>/usr/share/fonts/truetype/dejavu</dir>
    <cachedir>{cache}</cachedir>
    <alias><family>sans-serif</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>"""


async def test_another_font_stands_in_for_letters_the_first_lacks_and_what_no_font_has_is_told(
    display: Display, cache: ContentStore, screen: Screen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fonts.conf").write_text(FONTS.format(cache=tmp_path / "fonts"))
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "fonts.conf"))
    told: list[str] = []
    screen.release(Ticker(id="news", text="bread לחם ขนมปัง"))  # that font has no Hebrew, and no font here any Thai
    async with running(OverlayHost(display, cache, SystemClock(), lambda: False, told.append)) as overlays:
        await wait_until(lambda: overlays.shown == ("news",))
        assert "The text “bread לחם ขนมปัง” has letters no font on this device has: Thai (ขนมปัง): install" in told[-1]
        assert "Hebrew" not in told[-1]
