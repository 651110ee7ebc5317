"""Shots stay below the windows above the ceiling, and are shown even if the ceiling no longer exists."""

from collections.abc import Iterator
from typing import Any

import pytest
from Xlib import X
from Xlib.display import Display as XDisplay

from player.display import Display, open_display
from player.stage.stage import Stage
from sync.runtime.clock import SystemClock
from tests.player.conftest import Media
from tests.player.pixels import BLACK, BLUE, MIDDLE, RED, YELLOW, Colour, PixelReader, is_close, wait_until


@pytest.fixture
def connection(display_name: str) -> Iterator[Any]:
    connection = XDisplay(display_name)
    yield connection
    connection.close()


def _open_above(connection: Any, ceiling: int) -> None:
    """Open a yellow window just above the ceiling, as an overlay does."""
    root = connection.screen().root
    window = root.create_window(
        100, 100, 50, 50, 0, X.CopyFromParent, override_redirect=True, background_pixel=0xFFFF00
    )
    window.map()
    window.configure(sibling=ceiling, stack_mode=X.Above)
    connection.sync()


def _shows(pixels: PixelReader, middle: Colour, spot: Colour) -> bool:
    return is_close(pixels.colour_at(*MIDDLE), middle) and is_close(pixels.colour_at(125, 125), spot)


async def test_an_overlay_stays_in_front_during_cuts_and_blank(
    stage: Stage, media: Media, display: Display, pixels: PixelReader, connection: Any
) -> None:
    _open_above(connection, display.ceiling)
    for name, colour in (("long", BLUE), ("red_picture", RED), ("blue_picture", BLUE)):
        await stage.preroll(media.shot(name))
        await stage.cut_now(name)
        await wait_until(lambda: _shows(pixels, colour, YELLOW))  # noqa: B023
    await stage.blank()
    assert _shows(pixels, BLACK, YELLOW)


async def test_a_deck_follows_a_new_ceiling_and_needs_none(
    stage: Stage, media: Media, display_name: str, pixels: PixelReader, connection: Any
) -> None:
    async with open_display(display_name, SystemClock()) as first:
        assert first.ceiling
        await stage.preroll(media.shot("blue_picture"))
        await stage.cut_now("blue_picture")
    await stage.preroll(media.shot("red_picture"))
    await stage.cut_now("red_picture")  # the ceiling ended with its connection, but the property still has its id
    assert is_close(pixels.colour_at(*MIDDLE), RED)
    async with open_display(display_name, SystemClock()) as second:
        await stage.preroll(media.shot("blue_picture"))
        await stage.cut_now("blue_picture")
        _open_above(connection, second.ceiling)
        await stage.preroll(media.shot("red_picture"))
        await stage.cut_now("red_picture")
        assert _shows(pixels, RED, YELLOW)
