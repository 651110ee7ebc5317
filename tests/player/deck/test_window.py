"""Where media are placed on the screen: shapes, fit, background, blank and clear."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from player.deck.window import MediaRectangle, fit_media
from player.display import Display, open_display
from player.display.backdrop_pictures import brand_picture
from player.platform.geometry import Area, Turn
from player.protocol.stage_interface import Shot
from player.stage.stage import Stage
from sync.runtime.clock import SystemClock
from sync.wire.release import Fit, MediaKind
from tests.player.conftest import Media, make_media
from tests.player.pixels import BLACK, GREEN, MIDDLE, RED, WHITE, PixelReader, is_close, wait_until

SHAPES = {
    "upright": ("1080x1920", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -f mp4"),
    "upright picture": ("1080x1920", "-frames:v 1 -c:v mjpeg -f image2"),
    "upright program stream": ("1080x1920", "-c:v mpeg2video -f vob"),  # libVLC never knows its size
    "flat": ("800x200", "-c:v mpeg2video -f mp4"),
}


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    return shared_stage


@pytest_asyncio.fixture(loop_scope="module")
async def display(display_name: str) -> AsyncIterator[Display]:
    async with open_display(display_name, SystemClock()) as display:
        yield display


@pytest.mark.parametrize(
    ("width", "height", "fit", "expected"),
    [
        (640, 480, Fit.CONTAIN, MediaRectangle(160, 0, 960, 720)),
        (640, 480, Fit.COVER, MediaRectangle(0, -120, 1280, 960)),
        (640, 480, Fit.FILL, MediaRectangle(0, 0, 1280, 720)),
        (1080, 1920, Fit.CONTAIN, MediaRectangle(437, 0, 405, 720)),
        (0, 0, Fit.CONTAIN, MediaRectangle(0, 0, 1280, 720)),
        (100_000, 1, Fit.CONTAIN, MediaRectangle(0, 359, 1280, 1)),
        (2, 1000, Fit.COVER, MediaRectangle(623, -7832, 33, 16384)),  # a part stays free: X has 16 bits
    ],
)
def test_media_is_placed_by_its_fit(width: int, height: int, fit: Fit, expected: MediaRectangle) -> None:
    assert fit_media(Area(width=1280, height=720), width, height, fit) == expected


@pytest.mark.parametrize(
    ("turn", "fit", "expected"),
    [
        (90, Fit.CONTAIN, MediaRectangle(539, 0, 202, 720)),
        (180, Fit.CONTAIN, MediaRectangle(0, 180, 1280, 360)),
        (270, Fit.CONTAIN, MediaRectangle(539, 0, 202, 720)),
        (90, Fit.COVER, MediaRectangle(0, -1916, 1280, 4551)),
        (90, Fit.FILL, MediaRectangle(0, 0, 1280, 720)),
        (180, Fit.FILL, MediaRectangle(0, 0, 1280, 720)),
    ],
)
def test_media_is_placed_in_a_turned_area(turn: Turn, fit: Fit, expected: MediaRectangle) -> None:
    assert fit_media(Area(width=1280, height=720, turn=turn), 640, 180, fit) == expected


@pytest.mark.parametrize(
    ("turn", "expected"),
    [(0, (10, 20, 30, 40)), (90, (1220, 10, 40, 30)), (180, (1240, 660, 30, 40)), (270, (20, 680, 40, 30))],
)
def test_an_upright_rectangle_is_converted_to_the_servers_pixels(turn: Turn, expected: tuple[int, ...]) -> None:
    assert Area(width=1280, height=720, turn=turn).turned(10, 20, 30, 40) == expected


@pytest.mark.parametrize("shape", SHAPES)
async def test_media_of_every_shape_are_shown_completely_in_the_middle(
    shape: str, stage: Stage, pixels: PixelReader, tmp_path: Path
) -> None:
    size, encoding = SHAPES[shape]
    make_media(tmp_path / "media", "-f", "lavfi", "-i", f"color=red:s={size}:r=25:d=2.6", *encoding.split())
    kind = MediaKind.PICTURE if "picture" in shape else MediaKind.VIDEO
    await stage.preroll(Shot(take=shape, path=str(tmp_path / "media"), kind=kind, duration_ms=2400))
    await stage.cut_now(shape)
    upright = "upright" in shape
    width, height = (202, 360) if upright else (640, 160)
    inside = [(320 + x * (width // 2 - 4), 180 + y * (height // 2 - 4)) for x in (-1, 1) for y in (-1, 1)]
    outside = [(200, 180), (440, 180)] if upright else [(320, 95), (320, 265)]
    seen = [pixels.colour_at(*spot) for spot in inside]
    assert all(is_close(colour, RED, 20) for colour in seen), seen
    assert all(is_close(pixels.colour_at(*spot), BLACK) for spot in outside)


async def test_beside_contained_media_is_the_background(stage: Stage, media: Media, pixels: PixelReader) -> None:
    await stage.preroll(media.shot("wide", background="#206040"))
    await stage.cut_now("wide")
    await wait_until(lambda: is_close(pixels.colour_at(*MIDDLE), WHITE))
    assert pixels.colour_at(320, 10) == (0x20, 0x60, 0x40)
    assert pixels.colour_at(5, 355) == (0x20, 0x60, 0x40)
    assert is_close(pixels.colour_at(5, 180), WHITE)


@pytest.mark.parametrize("fit", [Fit.COVER, Fit.FILL])
async def test_cover_and_fill_leave_no_background(stage: Stage, media: Media, pixels: PixelReader, fit: Fit) -> None:
    await stage.preroll(media.shot("wide", fit=fit, background="#206040"))
    await stage.cut_now("wide")
    for x, y in ((2, 2), (637, 2), (2, 357), (637, 357), MIDDLE):
        assert is_close(pixels.colour_at(x, y), WHITE), (x, y)


async def test_blank_is_black_until_the_next_cut(stage: Stage, media: Media, pixels: PixelReader) -> None:
    await stage.preroll(media.shot("long"))
    await stage.cut_now("long")
    await stage.preroll(media.shot("green"))
    ended = await stage.blank()
    assert ended and ended.take == "long" and ended.reason == "cut"
    assert pixels.colour_at(*MIDDLE) == pixels.colour_at(3, 3) == BLACK
    cut = await stage.cut_at_end("green")
    assert cut.previous is None
    assert is_close(pixels.colour_at(*MIDDLE), GREEN)


async def test_clear_uncovers_the_root_picture_and_keeps_what_is_prerolled(
    stage: Stage, media: Media, display: Display, pixels: PixelReader
) -> None:
    picture = brand_picture(640, 360, title="fallback")
    await display.show_root(picture)
    await stage.preroll(media.shot("long"))
    assert (await display.grab()).bgrx == picture.bgrx  # a prerolled shot is hidden
    await stage.cut_now("long")
    await stage.preroll(media.shot("red"))
    ended = await stage.clear()
    assert ended and ended.take == "long"
    assert (await display.grab()).bgrx == picture.bgrx
    await stage.cut_at_end("red")
    assert is_close(pixels.colour_at(*MIDDLE), RED)
