"""libVLC gets a picture that is larger than the stage in the size that can be shown."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from player.deck.vlc.downscale import downscale
from player.deck.vlc.media_source import MediaSource


def _photograph(path: Path, width: int, height: int, kind: str = "JPEG") -> str:
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(path, kind)
    return str(path)


def _read(source: MediaSource) -> Image.Image:
    """Read the picture as libVLC does, from the start of the file, and close it."""
    memory = int(source.address.removeprefix("fd://"))
    picture = Image.open(BytesIO(os.read(memory, 64_000_000)))
    assert source.feed
    source.feed.close()
    return picture


@pytest.mark.parametrize(
    ("size", "fit_inside", "expected"),
    [
        ((3840, 2880), True, (960, 720)),
        ((3840, 2880), False, (1280, 960)),
        ((2000, 4000), True, (360, 720)),
    ],
)
def test_it_has_the_pixels_the_stage_can_show(
    tmp_path: Path, size: tuple[int, int], fit_inside: bool, expected: tuple[int, int]
) -> None:
    source = downscale(_photograph(tmp_path / "large", *size), 1280, 720, fit_inside=fit_inside)

    assert source
    picture = _read(source)
    assert picture.size == expected
    top, bottom = picture.getpixel((10, 10)), picture.getpixel((10, expected[1] - 10))
    assert isinstance(top, tuple) and isinstance(bottom, tuple)
    assert top[0] < 20 < 230 < bottom[0], "it is the same picture, upright"


def test_of_a_line_one_pixel_is_left(tmp_path: Path) -> None:
    source = downscale(_photograph(tmp_path / "line", 1, 2000), 1280, 720, fit_inside=True)

    assert source and _read(source).size == (1, 720)


def test_a_small_or_unreadable_picture_is_left_to_libvlc(tmp_path: Path) -> None:
    small = _photograph(tmp_path / "small", 1400, 800, "PNG")
    damaged = tmp_path / "damaged"
    damaged.write_bytes(Path(_photograph(tmp_path / "undamaged", 3000, 2000)).read_bytes()[:4000])

    assert downscale(small, 1280, 720, fit_inside=True) is None
    assert downscale(str(damaged), 1280, 720, fit_inside=True) is None
