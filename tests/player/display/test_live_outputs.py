"""Two live outputs, on Xorg's dummy driver: one has the stage, the other is black; one is unplugged for a time.

The driver has no plug: its state is injected into what RandR reports. The outputs and all pixels are real.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from Xlib.display import Display as XDisplay

from player.display import WantedOutput, open_display, randr
from player.display.outputs import Crtc, Output, OutputChange, RandrSetup
from player.platform.geometry import Area
from sync.runtime.clock import SystemClock
from sync.wire.release import Fit
from tests.display import XorgDummy
from tests.player.conftest import Media, put_on_air, running_display_and_stage
from tests.player.pixels import BLACK, BLUE, GREEN, Colour, PixelReader, is_close, wait_until

pytestmark = pytest.mark.display
FIRST, SECOND = "DUMMY0", "DUMMY1"
LEFT, RIGHT = Area(width=1280, height=720), Area(width=640, height=480, x=1280)
read_setup = randr.read_setup


class SecondOutput:
    """The second output of X server `name`, active beside the first; it can be unplugged."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._connection = XDisplay(name)
        self._unplugged = False
        output, modes = self._output(), self._setup().modes
        mode = next(number for number, mode in modes.items() if (mode.width, mode.height) == (640, 480))
        self._connection.xrandr_add_output_mode(output.id, mode)
        self._crtc = output.crtcs[0]
        self._active = Crtc(1280, 0, 640, 480, mode, 1, 1, (output.id,))
        self._set(self._active)
        self._connection.screen().root.xrandr_get_screen_resources()  # the server detects its monitors now

    def unplug(self) -> None:
        """Remove the monitor; the output goes off, as it does with some servers."""
        self._unplugged = True
        self.switch_off()

    def switch_off(self) -> None:
        """Switch it off; its monitor stays plugged in."""
        self._set(replace(self._active, mode=0, outputs=()))

    def plug(self) -> None:
        """Plug it in again; the output stays off."""
        self._unplugged = False

    def read(self, connection: XDisplay) -> RandrSetup | None:
        """Return what RandR reports, with the state of the plug changed."""
        setup = read_setup(connection)
        assert setup
        if not self._unplugged:
            return setup
        second = replace(self._output(), connected=False, modes=())
        return replace(setup, outputs=tuple(second if each.name == SECOND else each for each in setup.outputs))

    def close(self) -> None:
        self._connection.close()

    def _set(self, crtc: Crtc) -> None:
        assert not randr.apply_change(self._connection, OutputChange({self._crtc: crtc}, 1920, 720), self._setup())

    def _setup(self) -> RandrSetup:
        setup = read_setup(self._connection)
        assert setup
        return setup

    def _output(self) -> Output:
        return next(each for each in self._setup().outputs if each.name == SECOND)


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecondOutput]:
    with XorgDummy(1280, 720) as server:
        second = SecondOutput(server.name)
        monkeypatch.setattr(randr, "read_setup", second.read)
        yield second
        second.close()


def _shows(eye: PixelReader, area: Area, colour: Colour) -> bool:
    """Return whether the corners of an output have that colour."""
    xs, ys = (area.x + 4, area.x + area.width - 5), (area.y + 4, area.y + area.height - 5)
    return all(is_close(eye.colour_at(x, y), colour) for x in xs for y in ys)


async def test_the_output_named_has_the_stage_and_the_other_is_black(second: SecondOutput, media: Media) -> None:
    eye = PixelReader(second.name)
    async with running_display_and_stage(second.name, WantedOutput(SECOND)) as (display, stage):
        assert display.area == RIGHT
        await put_on_air(stage, media.shot("long", fit=Fit.FILL))
        assert _shows(eye, RIGHT, BLUE) and _shows(eye, LEFT, BLACK)
        shown = await display.grab()
        assert (shown.width, shown.height) == (640, 480) and shown.bgrx[0] > 240
        display.choose_output(WantedOutput(FIRST))
        await wait_until(lambda: stage.area == LEFT)
        await put_on_air(stage, media.shot("green_picture", fit=Fit.FILL))
        await wait_until(lambda: _shows(eye, LEFT, GREEN) and _shows(eye, RIGHT, BLACK))
        await stage.clear()
        assert not _shows(eye, LEFT, BLACK) and _shows(eye, RIGHT, BLACK)
    eye.close()


async def test_an_output_that_somebody_switched_off_is_switched_on_again_and_was_dark(second: SecondOutput) -> None:
    clock = SystemClock()
    began_s = clock.monotonic()
    async with open_display(second.name, clock, WantedOutput(SECOND)) as display:
        assert not display.was_dark_since(began_s)
        second.switch_off()
        await display._poll()
        assert display.was_dark_since(began_s) and not display.state().dark
        assert not display.was_dark_since(clock.monotonic()), "the next take is seen"


async def test_the_stage_leaves_an_unplugged_output_and_returns_to_it(second: SecondOutput, media: Media) -> None:
    eye = PixelReader(second.name)
    async with running_display_and_stage(second.name, WantedOutput(SECOND)) as (display, stage):
        await put_on_air(stage, media.shot("long", fit=Fit.FILL))
        began_s = SystemClock().monotonic()
        assert not display.was_unplugged_since(began_s)
        second.unplug()
        await wait_until(lambda: stage.area == LEFT)
        assert display.was_unplugged_since(began_s) and display.was_dark_since(began_s), "nobody saw what was on there"
        assert not display.was_dark_since(SystemClock().monotonic()), "what comes next is seen"
        assert display.state().connected and "no monitor is plugged in" in display.state().problem
        await wait_until(lambda: not _shows(eye, LEFT, BLACK))  # the fallback, until a deck is there
        await put_on_air(stage, media.shot("green_picture", fit=Fit.FILL))
        await wait_until(lambda: _shows(eye, LEFT, GREEN))
        second.plug()
        await wait_until(lambda: stage.area.x == RIGHT.x)  # in the mode the monitor prefers
        await put_on_air(stage, media.shot("long", take="again", fit=Fit.FILL))
        await wait_until(lambda: _shows(eye, display.area, BLUE) and _shows(eye, LEFT, BLACK))
        assert not display.state().problem
        facts = stage.facts()
        assert (facts.restarts, facts.renewals >= 2) == (0, True)  # a display that changes is no fault of a deck
    eye.close()
