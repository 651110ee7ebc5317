"""Two live outputs, on Xorg's dummy driver: one has the stage, the other is black; one is pulled and comes back.

The driver has no plug: what RandR says of it is injected; what is driven, and all pixels, are real.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from Xlib.display import Display as XDisplay

from player.display import WantedOutput, randr
from player.display.outputs import Crtc, Output, OutputChange, RandrSetup
from player.platform.geometry import Area
from sync.wire.release import Fit
from tests.display import Dummy
from tests.player.conftest import Media, put_on_air, running_display_and_stage
from tests.player.pixels import BLACK, BLUE, GREEN, Colour, PixelReader, is_close, wait_until

FIRST, SECOND = "DUMMY0", "DUMMY1"
LEFT, RIGHT = Area(width=1280, height=720), Area(width=640, height=480, x=1280)
ask = randr.read_setup


class Second:
    """The second output of X server `name`, lit beside the first; its plug can be pulled."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._connection = XDisplay(name)
        self._pulled = False
        output, modes = self._output(), self._setup().modes
        mode = next(number for number, mode in modes.items() if (mode.width, mode.height) == (640, 480))
        self._connection.xrandr_add_output_mode(output.id, mode)
        self._number = output.crtcs[0]
        self._lit = Crtc(1280, 0, 640, 480, mode, 1, 1, (output.id,))
        self._drive(self._lit)
        self._connection.screen().root.xrandr_get_screen_resources()  # have the server look at its plugs

    def pull(self) -> None:
        """Take the monitor away; as servers do at times, nothing is sent to it any more."""
        self._pulled = True
        self._drive(replace(self._lit, mode=0, outputs=()))

    def plug(self) -> None:
        """Put it back; the rest is for others to do."""
        self._pulled = False

    def read(self, connection: object) -> RandrSetup | None:
        """Return what RandR says, but for the plug."""
        found = ask(connection)
        assert found
        outputs = (replace(each, connected=False, modes=()) if self._is_out(each) else each for each in found.outputs)
        return replace(found, outputs=tuple(outputs))

    def close(self) -> None:
        self._connection.close()

    def _is_out(self, output: Output) -> bool:
        return self._pulled and output.name == SECOND

    def _drive(self, to: Crtc) -> None:
        assert not randr.apply_change(self._connection, OutputChange({self._number: to}, 1920, 720), self._setup())

    def _setup(self) -> RandrSetup:
        setup = ask(self._connection)
        assert setup
        return setup

    def _output(self) -> Output:
        return next(each for each in self._setup().outputs if each.name == SECOND)


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch) -> Iterator[Second]:
    with Dummy(1280, 720) as server:
        second = Second(server.name)
        monkeypatch.setattr(randr, "read", second.read)
        yield second
        second.close()


def _shows(eye: PixelReader, area: Area, colour: Colour) -> bool:
    """Tell whether the corners of an output have that colour."""
    across, down = (area.x + 4, area.x + area.width - 5), (area.y + 4, area.y + area.height - 5)
    return all(is_close(eye.colour_at(x, y), colour) for x in across for y in down)


async def test_the_output_named_has_the_stage_and_the_other_is_black(second: Second, media: Media) -> None:
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


async def test_the_stage_leaves_an_output_that_is_pulled_and_comes_back_to_it(second: Second, media: Media) -> None:
    eye = PixelReader(second.name)
    async with running_display_and_stage(second.name, WantedOutput(SECOND)) as (display, stage):
        await put_on_air(stage, media.shot("long", fit=Fit.FILL))
        second.pull()
        await wait_until(lambda: stage.area == LEFT)
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
