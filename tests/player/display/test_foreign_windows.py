"""A window another program puts over the screen goes below ours, and is reported."""

from collections.abc import Iterator

import pytest
from Xlib import X, Xatom
from Xlib.display import Display as XDisplay

from player.display import Display
from player.display.pictures import brand_picture
from player.stage.stage import Stage
from tests.player.conftest import Media, put_on_air
from tests.player.pixels import BLUE, WHITE, PixelReader, is_close


class Stranger:
    """A dialogue of something else on this X server."""

    def __init__(self, display_name: str) -> None:
        self._connection = XDisplay(display_name)
        self._root = self._connection.screen().root
        self._atom = self._connection.intern_atom("_NET_SUPPORTING_WM_CHECK")
        self.window = self._root.create_window(
            100, 50, 900, 600, 0, X.CopyFromParent, override_redirect=True, background_pixel=0xFFFFFF
        )
        self.window.set_wm_name("Update available")

    def rise(self) -> None:
        self.window.map()
        self.window.configure(stack_mode=X.Above)
        self._connection.sync()

    def manage(self) -> None:
        """Be a window manager, for all that can be told."""
        self._root.change_property(self._atom, Xatom.WINDOW, 32, [self.window.id])
        self._connection.sync()

    def close(self) -> None:
        self._root.delete_property(self._atom)
        self._connection.close()


@pytest.fixture
def stranger(display_name: str) -> Iterator[Stranger]:
    stranger = Stranger(display_name)
    yield stranger
    stranger.close()


async def test_nothing_is_seen_of_a_strange_window_over_the_bare_fallback(
    display: Display, display_name: str, stranger: Stranger
) -> None:
    picture = brand_picture(1280, 720, title="fallback")
    await display.show_root(picture)
    for _ in range(2):
        stranger.rise()
        assert (await display.grab()).bgrx != picture.bgrx
        await display._poll()
        assert (await display.grab()).bgrx == picture.bgrx
        assert display.state().covered_by == "Update available"
        await display.show_root(picture)  # painted anew, it lies where it lay
        assert (await display.grab()).bgrx == picture.bgrx


async def test_a_strange_window_goes_below_what_is_on_air_again_and_again_and_is_reported(
    stage: Stage,
    media: Media,
    display: Display,
    display_name: str,
    stranger: Stranger,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await put_on_air(stage, media.shot("long"))
    eye = PixelReader(display_name)
    for _ in range(2):
        stranger.rise()
        assert is_close(eye.colour_at(640, 360), WHITE)
        await display._poll()
        assert is_close(eye.colour_at(640, 360), BLUE)
        assert display.state().covered_by == "Update available"
    assert len([record for record in caplog.records if "Update available" in record.message]) == 1
    stranger.manage()  # on a desktop the person before it decides
    stranger.rise()
    await display._poll()
    assert is_close(eye.colour_at(640, 360), WHITE)
    eye.close()
