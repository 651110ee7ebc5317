"""Another program moves, resizes, unmaps, covers or destroys the window on air: that is undone, and not proven."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from Xlib import X
from Xlib.display import Display as XDisplay

from player.display import open_display
from player.stage.stage import Stage
from sync.runtime.clock import SystemClock
from tests.long_tables import in_bench
from tests.player.conftest import Media, put_on_air
from tests.player.pixels import BLUE, MIDDLE, SCREEN, PixelReader, is_close, wait_until


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


@pytest.fixture
def program(display_name: str) -> Iterator[XDisplay]:
    """Another program on the display."""
    connection = XDisplay(display_name)
    yield connection
    connection.close()


def window_on_air(program: XDisplay) -> Any:
    """Return the topmost window that covers the display."""
    windows = reversed(program.screen().root.query_tree().children)
    return next(each for each in windows if each.get_geometry().width == SCREEN.width and each.get_geometry().x == 0)


def move(program: XDisplay) -> None:
    window_on_air(program).configure(x=-5000)


def shift(program: XDisplay) -> None:
    window_on_air(program).configure(x=30, y=20)


def shrink(program: XDisplay) -> None:
    window_on_air(program).configure(width=40, height=40)


def unmap(program: XDisplay) -> None:
    window_on_air(program).unmap()


def reparent(program: XDisplay) -> None:
    new = program.screen().root.create_window(-900, 0, 10, 10, 0, X.CopyFromParent, override_redirect=True)
    window_on_air(program).reparent(new, 0, 0)


def cover(program: XDisplay) -> None:
    program.screen().root.create_window(
        0, 0, SCREEN.width, SCREEN.height, 0, X.CopyFromParent, override_redirect=True, background_pixel=0xFFFFFF
    ).map()


def is_noticed(stage: Stage, before_ms: int) -> bool:
    return (stage.facts().still_ms or 0) > before_ms


@pytest.mark.parametrize("harm", [move, unmap, reparent, cover, *in_bench(shift, shrink)])
async def test_what_another_program_does_to_the_window_is_undone_and_is_not_proven(
    stage: Stage,
    media: Media,
    display_name: str,
    program: XDisplay,
    pixels: PixelReader,
    harm: Callable[[XDisplay], None],
) -> None:
    picture = harm in (move, unmap)
    await put_on_air(stage, media.shot("blue_picture" if picture else "long"))
    await wait_until(lambda: is_close(pixels.colour_at(*MIDDLE), BLUE))
    async with open_display(display_name, SystemClock()) as display:
        for _ in range(2):
            before_ms = stage.facts().still_ms or 0
            harm(program)
            program.sync()
            await wait_until(partial(is_noticed, stage, before_ms))
            if harm is cover:
                await display._lower_foreign_windows()
            await wait_until(lambda: is_close(pixels.colour_at(20, 120), BLUE))
    ended = await stage.clear()
    assert ended and 100 <= ended.still_ms <= 1000 * (ended.ended_s - ended.started_s)


async def test_a_window_that_was_changed_while_it_was_hidden_is_shown_whole(
    stage: Stage, media: Media, program: XDisplay, pixels: PixelReader
) -> None:
    await put_on_air(stage, media.shot("green"))
    windows = program.screen().root.query_tree().children
    hidden = next(each for each in windows if each.get_geometry().x < -SCREEN.width)
    hidden.configure(width=40, height=40)
    program.sync()
    await stage.preroll(media.shot("blue_picture"))
    hidden.configure(width=50, x=20)
    program.sync()
    await stage.cut_now("blue_picture")
    await wait_until(lambda: is_close(pixels.colour_at(600, 340), BLUE))


async def test_a_window_that_is_destroyed_costs_its_deck_and_blames_no_media(
    stage: Stage, media: Media, program: XDisplay
) -> None:
    await put_on_air(stage, media.shot("long"))
    window_on_air(program).destroy()
    program.sync()
    destroyed_s = SystemClock().monotonic()
    ended = await stage.ended()
    assert ended.deck_lost and ended.ended_s <= destroyed_s + 0.3
