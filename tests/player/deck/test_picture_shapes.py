"""Media of every shape and of unknown size are shown completely, in the middle of the screen."""

import subprocess
from pathlib import Path

import pytest

from player.protocol.screen import Shot
from player.stage.stage import Stage
from sync.wire.release import MediaKind
from tests.player.pixels import BLACK, RED, PixelReader, is_close

SHAPES = {
    "upright": ("1080x1920", "-c:v libx264 -pix_fmt yuv420p -f mp4"),
    "upright picture": ("1080x1920", "-frames:v 1 -c:v mjpeg -f image2"),
    "upright program stream": ("1080x1920", "-c:v mpeg2video -f vob"),
    "flat": ("800x200", "-c:v mpeg2video -f mp4"),
}


@pytest.fixture(params=SHAPES)
def shape_name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    size, encoding = SHAPES[request.param]
    source = f"color=red:s={size}:r=25:d=4"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, *encoding.split(), str(tmp_path / "media")]
    subprocess.run(command, check=True, timeout=60)
    return str(request.param)


async def test_it_is_shown_completely_and_in_the_middle(
    shape_name: str, stage: Stage, display_name: str, tmp_path: Path
) -> None:
    kind = MediaKind.PICTURE if "picture" in shape_name else MediaKind.VIDEO
    await stage.preroll(Shot(take=shape_name, path=str(tmp_path / "media"), kind=kind, duration_ms=3000))
    await stage.cut_now(shape_name)
    pixels = PixelReader(display_name)
    upright = "upright" in shape_name
    width, height = (405, 720) if upright else (1280, 320)
    inside = [(640 + x * (width // 2 - 4), 360 + y * (height // 2 - 4)) for x in (-1, 1) for y in (-1, 1)]
    outside = [(400, 360), (880, 360)] if upright else [(640, 190), (640, 530)]
    assert all(is_close(pixels.colour_at(*spot), RED, 20) for spot in inside), [
        pixels.colour_at(*spot) for spot in inside
    ]
    assert all(is_close(pixels.colour_at(*spot), BLACK) for spot in outside)
    pixels.close()
