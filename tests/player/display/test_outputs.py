"""The choice of output, mode and rotation; and their changes while it plays, on Xorg's dummy driver."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from Xlib.display import Display as XDisplay

from player.display import WantedOutput, open_display, randr, x_connection
from player.display.backdrop_pictures import brand_picture
from player.display.outputs import Arrangement, Crtc, Mode, Output, OutputChange, RandrSetup, arrange
from player.platform.geometry import Area
from player.protocol.stage_interface import Cut, Shot
from player.stage.stage import Stage
from sync.errors import DeckLost
from sync.runtime.clock import SystemClock
from sync.wire.release import Fit
from tests.display import XorgDummy
from tests.player.conftest import Media, running_display_and_stage
from tests.player.pixels import BLACK, BLUE, RED, WHITE, PixelReader, is_close, recording_screen, wait_until

FULL_HD, HD, ANY = Mode(1920, 1080, 60.0), Mode(1280, 720, 60.0), 15
HDMI_1 = Output(11, "HDMI-1", True, 1, (1, 2), (101, 102))
HDMI_2 = Output(12, "HDMI-2", True, 2, (1, 2), (102,))
LEFT = Crtc(0, 0, 1920, 1080, 101, 1, ANY, (11,))
RIGHT = Crtc(1920, 0, 1280, 720, 102, 1, ANY, (12,))
BOTH = RandrSetup(3200, 1080, 12, (HDMI_1, HDMI_2), {1: LEFT, 2: RIGHT}, {101: FULL_HD, 102: HD})


def test_the_stage_fills_the_named_output_else_the_primary_else_the_first_connected() -> None:
    assert arrange(BOTH, WantedOutput("HDMI-1")).area == Area(width=1920, height=1080)
    assert arrange(BOTH, WantedOutput()).area == Area(width=1280, height=720, x=1920)
    unplugged = replace(BOTH, outputs=(HDMI_1, replace(HDMI_2, connected=False)))
    assert arrange(unplugged, WantedOutput()).area == Area(width=1920, height=1080)
    assert arrange(unplugged, WantedOutput("HDMI-2")).area.x == 1920  # it stays there
    assert all(arrange(setup, WantedOutput()).change is None for setup in (BOTH, unplugged))


def test_an_unknown_output_is_a_problem_that_names_the_known_ones() -> None:
    unplugged = replace(BOTH, outputs=(HDMI_1, replace(HDMI_2, connected=False)))
    found = arrange(unplugged, WantedOutput("DP-1"))
    assert found.area == Area(width=1920, height=1080)
    assert "'DP-1'" in found.problem and "it has HDMI-1, HDMI-2 (unplugged)" in found.problem


def test_the_server_rotates_where_it_can_and_libvlc_where_it_cannot() -> None:
    one = RandrSetup(1920, 1080, 0, (HDMI_1,), {1: LEFT}, BOTH.modes)
    found = arrange(one, WantedOutput("", 90))
    assert found.area == Area(width=1080, height=1920)
    assert found.change and found.change.crtcs[1].rotation == 8  # 270 counter-clockwise
    assert (found.change.width, found.change.height) == (1080, 1920)
    turned = replace(one, width=1080, height=1920, crtcs=found.change.crtcs)
    assert arrange(turned, WantedOutput("", 90)).change is None
    upright = arrange(turned, WantedOutput()).change
    assert upright and (upright.crtcs, upright.width) == ({1: LEFT}, 1920)
    cannot = replace(one, crtcs={1: replace(LEFT, rotations=1)})
    found = arrange(cannot, WantedOutput("", 270))
    assert (found.area, found.change) == (Area(width=1920, height=1080, turn=270), None)


def test_a_monitor_that_is_plugged_in_gets_a_mode_of_its_own() -> None:
    dark = RandrSetup(1920, 1080, 0, (replace(HDMI_1, crtc=0),), {1: Crtc(0, 0, 0, 0, 0, 1, ANY, ())}, BOTH.modes)
    change = arrange(dark, WantedOutput()).change
    assert change and change.crtcs == {1: LEFT}
    other = replace(HDMI_1, modes=(102,))  # a monitor of another size was plugged in
    change = arrange(RandrSetup(1920, 1080, 0, (other,), {1: LEFT}, BOTH.modes), WantedOutput()).change
    assert change and (change.crtcs[1].mode, change.width, change.height) == (102, 1280, 720)
    nothing = replace(HDMI_1, connected=False, modes=())
    found = arrange(RandrSetup(1920, 1080, 0, (nothing,), {1: LEFT}, BOTH.modes), WantedOutput())
    assert (found.area, found.change) == (Area(width=1920, height=1080), None)


def test_a_named_output_that_is_unplugged_and_off_gives_way_to_one_that_is_on() -> None:
    gone = replace(HDMI_2, connected=False, crtc=0, modes=())
    found = arrange(replace(BOTH, outputs=(HDMI_1, gone), crtcs={1: LEFT}), WantedOutput("HDMI-2"))
    assert (found.area, found.change) == (Area(width=1920, height=1080), None)
    assert "'HDMI-2', to which no monitor is plugged in" in found.problem


def test_an_output_that_would_overlap_another_moves_beside_it_and_mirrors_rotate_together() -> None:
    upright = replace(LEFT, width=1080, height=1920, rotation=8)
    tight = replace(BOTH, crtcs={1: upright, 2: replace(RIGHT, x=1080)}, width=2360, height=1920, primary=11)
    found = arrange(tight, WantedOutput())
    assert found.change and found.area == Area(width=1920, height=1080, x=2360)
    assert (found.change.width, found.change.height) == (4280, 1080)
    mirror = replace(LEFT, outputs=(12,))
    found = arrange(replace(BOTH, crtcs={1: LEFT, 2: mirror}, width=1920, primary=11), WantedOutput("", 90))
    assert found.change and found.change.crtcs == {1: upright, 2: replace(upright, outputs=(12,))}
    assert (found.change.width, found.change.height) == (1080, 1920)


def test_without_any_output_the_stage_fills_the_root_window_until_a_monitor_is_plugged_in() -> None:
    gone = replace(HDMI_2, connected=False, crtc=0, modes=())
    nothing = RandrSetup(1920, 1080, 0, (gone,), {}, BOTH.modes)
    assert arrange(nothing, WantedOutput("HDMI-2")).area == Area(width=1920, height=1080)
    other = Output(13, "DP-1", True, 0, (3,), (102,))
    came = replace(nothing, outputs=(gone, other), crtcs={3: Crtc(0, 0, 0, 0, 0, 1, ANY, ())})
    found = arrange(came, WantedOutput("HDMI-2"))
    assert found.area == Area(width=1280, height=720) and "'HDMI-2'" in found.problem
    assert found.change and (found.change.crtcs[3].outputs, found.change.width) == ((13,), 1280)


@pytest.fixture(scope="module")
def dummy() -> Iterator[str]:
    with XorgDummy(1280, 720) as server:
        yield server.name


def _set_mode(connection: Any, output: str, width: int, height: int) -> None:
    """Set another mode, as a user does with xrandr."""
    setup = randr.read_setup(connection)
    assert setup
    which = next(each for each in setup.outputs if each.name == output)
    mode = next(n for n in which.modes if (setup.modes[n].width, setup.modes[n].height) == (width, height))
    to = replace(setup.crtcs[which.crtc], mode=mode, width=width, height=height)
    assert not randr.apply_change(connection, OutputChange({which.crtc: to}, width, height), setup)


async def _follow_with(stage: Stage, shot: Shot) -> Cut:
    """Have `shot` follow what is on air, as the director does: again if its deck was replaced in between."""
    async with asyncio.timeout(60):
        while True:
            try:
                await stage.preroll(shot)
                return await stage.cut_at_end(shot.take)
            except DeckLost:
                continue


def _red(eye: PixelReader, *spots: tuple[int, int]) -> bool:
    return all(is_close(eye.colour_at(*spot), RED) for spot in spots)


@pytest.mark.display
async def test_another_size_and_rotation_are_followed_while_it_plays(dummy: str, media: Media) -> None:
    connection, eye = XDisplay(dummy), PixelReader(dummy)
    async with running_display_and_stage(dummy) as (display, stage):
        await stage.preroll(media.shot("long", fit=Fit.FILL))
        await stage.cut_now("long")
        await stage.preroll(media.shot("green_picture", fit=Fit.FILL))
        with recording_screen(dummy) as sight:
            _set_mode(connection, "DUMMY0", 1920, 1080)
            cut = await _follow_with(stage, media.shot("red_picture", fit=Fit.FILL))
            await wait_until(lambda: _red(eye, (20, 20), (1900, 20), (1900, 1060)))
        assert cut.previous and (cut.previous.take, cut.previous.failed) == ("long", False)  # of twenty seconds
        assert not sight.unexpected(BLUE, RED, BLACK)
        black = [last - first for colours, first, last in sight.runs() if is_close(colours[1], BLACK)]
        assert sum(black) < 0.1  # while the server sets the mode
        display.choose_output(WantedOutput("", 90))
        await wait_until(lambda: display.area.turn == 90)
        assert display.area.upright == (1080, 1920)
        await _follow_with(stage, media.shot("wide", background="#ff0000"))
        await wait_until(lambda: is_close(eye.colour_at(960, 20), WHITE) and _red(eye, (20, 20), (1900, 1060)))
        shown = await display.grab()  # as people see it
        assert (shown.width, shown.height) == (1080, 1920)
        middle, top = (shown.bgrx[4 * (y * 1080 + 20) :][:3] for y in (960, 20))
        assert is_close((middle[2], middle[1], middle[0]), WHITE) and is_close((top[2], top[1], top[0]), RED)
        await stage.clear()
        assert (await display.grab()).bgrx == brand_picture(1080, 1920).bgrx
    eye.close()
    connection.close()


async def test_an_output_that_was_switched_off_is_switched_on_again(dummy: str) -> None:
    connection = XDisplay(dummy)
    async with open_display(dummy, SystemClock()) as display:
        running = asyncio.create_task(display.run())
        before = display.state()
        setup = randr.read_setup(connection)
        assert setup and before.connected
        crtc = next(output.crtc for output in setup.outputs if output.name == before.output)
        off = replace(setup.crtcs[crtc], mode=0, rotation=1, outputs=())
        change = OutputChange({crtc: off}, setup.width, setup.height)
        assert not randr.apply_change(connection, change, setup)  # as some servers do
        await wait_until(lambda: bool((now := randr.read_setup(connection)) and now.crtcs[crtc].mode))
        await wait_until(lambda: display.state().refresh_hz > 0)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    connection.close()


async def test_a_refused_change_leaves_the_setup_as_it_was_and_is_not_tried_at_each_poll(
    dummy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, applied = XDisplay(dummy), []
    before = randr.read_setup(connection)
    assert before
    crtcs = {number: replace(crtc, x=32_000) for number, crtc in before.crtcs.items() if crtc.mode}
    too_far = OutputChange(crtcs, 32_000 + before.width, before.height)  # a root window ends at 32767

    def want_it(setup: RandrSetup, wanted: WantedOutput) -> Arrangement:
        return replace(arrange(setup, wanted), change=too_far)

    def apply(connection: Any, change: OutputChange, setup: RandrSetup) -> str:
        applied.append(change)
        return apply_change(connection, change, setup)

    apply_change = randr.apply_change
    monkeypatch.setattr(randr, "apply_change", apply)
    monkeypatch.setattr(x_connection, "arrange", want_it)
    async with open_display(dummy, SystemClock()) as display:
        for _ in range(5):
            await display._poll()
            assert "refuses" in display.state().problem
            assert randr.read_setup(connection) == before
    assert len(applied) == 1
    connection.close()
