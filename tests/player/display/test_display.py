"""The daemon's connection to the display: root picture, screen saver, grabs, and a server that ends."""

import asyncio
import os
import signal
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from Xlib import error
from Xlib.display import Display as XDisplay

from player.display import Display, Power, WantedOutput, open_display
from player.display.backdrop_pictures import brand_picture, encode_png, pairing_picture
from player.platform.geometry import Turn
from player.platform.x11 import connect_x
from sync.errors import ScreenFailed
from sync.runtime.clock import SystemClock
from tests.display import Xvfb
from tests.player.pixels import PixelReader, wait_until


async def test_the_root_picture_stays_after_the_daemon_ended(display_name: str) -> None:
    picture = brand_picture(640, 360, title="stays")
    async with open_display(display_name, SystemClock()) as display:
        await display.show_root(picture)
    async with open_display(display_name, SystemClock()) as display:
        assert (await display.grab()).bgrx == picture.bgrx


async def test_a_server_that_hangs_is_not_waited_for_at_the_end() -> None:
    with Xvfb() as server:
        try:
            async with open_display(server.name, SystemClock()) as display, asyncio.timeout(60):
                await display.grab()
                os.kill(server.pid, signal.SIGSTOP)
                service = asyncio.create_task(display.run())
                await wait_until(display.hangs)
                grab = asyncio.create_task(display.grab())
                await asyncio.sleep(0)
                grab.cancel()
                service.cancel()
        finally:
            os.kill(server.pid, signal.SIGCONT)


async def test_a_grab_is_a_png_of_what_the_display_shows(display: Display, display_name: str) -> None:
    await display.show_root(pairing_picture(640, 360, code="7QF-K2M", name="Window", origin="http://origin"))
    with Image.open(BytesIO(encode_png(await display.grab()))) as picture:
        assert picture.size == (640, 360)
        eye = PixelReader(display_name)
        for spot in ((0, 0), (320, 150), (350, 170)):
            assert picture.getpixel(spot) == eye.colour_at(*spot)
        eye.close()


async def test_screen_saver_is_off_and_the_cursor_hidden(display: Display, display_name: str) -> None:
    connection = XDisplay(display_name)
    saver = connection.get_screen_saver()
    assert (saver.timeout, saver.interval) == (0, 0)
    connection.xfixes_query_version()
    root = connection.screen().root
    root.warp_pointer(320, 180)
    cursor = root.xfixes_get_cursor_image(root) if hasattr(root, "xfixes_get_cursor_image") else None
    assert cursor is None or not any(cursor.cursor_image)
    connection.close()


def test_who_does_not_have_the_key_of_the_display_may_not_draw(
    display_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XAUTHORITY", "/dev/null")
    before = descriptors()
    with pytest.raises(ScreenFailed, match="set XAUTHORITY to its file of keys") as refusal:
        connect_x(display_name)
    assert descriptors() == before, refusal


async def test_size_and_monitor_are_known(display: Display) -> None:
    state = display.state()
    assert state.answers and state.connected
    assert (display.area.width, display.area.height) == (640, 360)
    assert state.power is Power.UNKNOWN or state.power is Power.ON


@pytest.mark.parametrize(("enabled", "level", "power"), [(0, 3, "on"), (1, 0, "on"), (1, 1, "off"), (1, 3, "off")])
async def test_a_monitor_that_somebody_switched_off_was_dark(
    enabled: int, level: int, power: str, display_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by `xset dpms force off`. Virtual servers have no DPMS, so its answers are put into the connection."""
    states = [SimpleNamespace(state=enabled, power_level=level), SimpleNamespace(state=0, power_level=0)]

    def connect(name: str) -> Any:
        connection: Any = connect_x(name)
        has = connection.has_extension
        connection.has_extension = lambda extension: extension == "DPMS" or has(extension)
        connection.dpms_capable = lambda: SimpleNamespace(capable=True)
        connection.dpms_disable = lambda: None
        connection.dpms_info = lambda: states.pop(0)
        return connection

    monkeypatch.setattr("player.display.x_connection.connect_x", connect)
    async with open_display(display_name, SystemClock()) as display:
        assert display.state().power.value == power
        began_s = SystemClock().monotonic()
        assert display.was_dark_since(began_s) == (power == "off")
        await display._poll()
        assert display.state().power is Power.ON and not display.was_dark_since(began_s)


@pytest.mark.parametrize("memory", ["shared", "separate"])
async def test_a_grab_is_upright_in_every_rotation(memory: str) -> None:
    options = [] if memory == "shared" else ["-extension", "MIT-SHM"]
    turns: tuple[Turn, ...] = (0, 90, 180, 270)
    with Xvfb(640, 360, *options) as server:
        async with open_display(server.name, SystemClock()) as display:
            for turn in turns:
                display.choose_output(WantedOutput("", turn))
                await display._poll()
                picture = brand_picture(*display.area.upright, title="this side up")
                await display.show_root(picture)
                shown = await display.grab()
                assert (shown.width, shown.height) == ((360, 640) if turn in (90, 270) else (640, 360))
                assert shown.bgrx == picture.bgrx
        connection = connect_x(server.name)
        assert bool(connection.query_extension("MIT-SHM")) == (memory == "shared")
        connection.close()


@pytest.mark.parametrize("name", [":4711", "unix/:4711", "localhost:4711"])
async def test_a_missing_display_is_refused_and_leaves_no_socket_open(name: str) -> None:
    before = descriptors()
    with pytest.raises(ScreenFailed, match=":4711") as refusal:
        async with open_display(name, SystemClock()):
            pass
    assert descriptors() == before, refusal


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_a_request_that_the_server_refuses_raises_its_error(display_name: str) -> None:
    connection = connect_x(display_name)
    resources = connection.screen().root.xrandr_get_screen_resources()
    with pytest.raises(error.BadValue):
        no_rotation = 0
        connection.xrandr_set_crtc_config(resources.crtcs[0], resources.config_timestamp, 0, 0, 0, no_rotation, [])
    connection.close()


async def test_the_root_picture_is_shown_again_by_a_new_x_server() -> None:
    picture = brand_picture(640, 360, title="again")
    with Xvfb(640, 360) as server:
        async with open_display(server.name, SystemClock()) as display:
            await display.show_root(picture)
            await display.grab()  # over a connection of its own, which is lost too
            running = asyncio.create_task(display.run())
            server.stop()
            await wait_until(lambda: not display.state().answers)
            with pytest.raises(ScreenFailed):
                await display.grab()
            server.start()
            await wait_until(lambda: display.state().answers)
            assert display.state().losses == 1
            assert (await display.grab()).bgrx == picture.bgrx
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
