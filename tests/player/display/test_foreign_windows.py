"""A window that another program puts over the screen is put below ours, and reported."""

from collections.abc import Iterator

import pytest
from Xlib import X, Xatom
from Xlib.display import Display as XDisplay

from player.display import Display
from player.display.backdrop_pictures import brand_picture
from player.stage.stage import Stage
from tests.player.conftest import Media, put_on_air
from tests.player.pixels import BLUE, MIDDLE, WHITE, PixelReader, is_close


class ForeignWindow:
    """A dialogue of another program on this X server."""

    def __init__(self, display_name: str) -> None:
        self._connection = XDisplay(display_name)
        self._root = self._connection.screen().root
        self._atom = self._connection.intern_atom("_NET_SUPPORTING_WM_CHECK")
        self.window = self._root.create_window(
            50, 25, 450, 300, 0, X.CopyFromParent, override_redirect=True, background_pixel=0xFFFFFF
        )
        self.window.set_wm_name("Update available")

    def raise_above_all(self) -> None:
        self.window.map()
        self.window.configure(stack_mode=X.Above)
        self._connection.sync()

    def pose_as_window_manager(self) -> None:
        """Set the properties by which a window manager is known."""
        self._root.change_property(self._atom, Xatom.WINDOW, 32, [self.window.id])
        self.window.change_property(self._atom, Xatom.WINDOW, 32, [self.window.id])
        self._connection.sync()

    def end_as_window_manager(self) -> None:
        """Leave what one leaves that was killed: the property of the root window."""
        self.window.delete_property(self._atom)
        self._connection.sync()

    def close(self) -> None:
        self._root.delete_property(self._atom)
        self._connection.sync()  # a server that finds the connection closed does not read what came before
        self._connection.close()


@pytest.fixture
def foreign(display_name: str) -> Iterator[ForeignWindow]:
    foreign = ForeignWindow(display_name)
    yield foreign
    foreign.close()


async def test_a_foreign_window_over_the_fallback_is_put_below_it(
    display: Display, display_name: str, foreign: ForeignWindow
) -> None:
    picture = brand_picture(640, 360, title="fallback")
    await display.show_root(picture)
    for _ in range(2):
        foreign.raise_above_all()
        assert (await display.grab()).bgrx != picture.bgrx
        await display._poll()
        assert (await display.grab()).bgrx == picture.bgrx
        assert display.state().covered_by == "Update available"
        await display.show_root(picture)  # painting it again keeps the order
        assert (await display.grab()).bgrx == picture.bgrx


async def test_a_foreign_window_is_put_below_what_is_on_air_each_time_and_is_reported_once(
    stage: Stage,
    media: Media,
    display: Display,
    display_name: str,
    foreign: ForeignWindow,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await put_on_air(stage, media.shot("long"))
    eye = PixelReader(display_name)
    for _ in range(2):
        foreign.raise_above_all()
        assert is_close(eye.colour_at(*MIDDLE), WHITE)
        await display._poll()
        assert is_close(eye.colour_at(*MIDDLE), BLUE)
        assert display.state().covered_by == "Update available"
    assert len([record for record in caplog.records if "Update available" in record.message]) == 1
    foreign.pose_as_window_manager()  # on a desktop its user decides
    foreign.raise_above_all()
    await display._poll()
    assert is_close(eye.colour_at(*MIDDLE), WHITE)
    foreign.end_as_window_manager()
    await display._poll()
    assert is_close(eye.colour_at(*MIDDLE), BLUE)
    eye.close()
