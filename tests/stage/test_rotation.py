"""Turned by libVLC, where the X server cannot: media stand the right way round, and fill where they are to."""

import subprocess
from pathlib import Path

import pytest

from player.area import Area, Turn
from player.screen import Shot
from sync.release import Fit, MediaKind
from tests.stage.conftest import H264, running
from tests.stage.eyes import BLUE, GREEN, RED, YELLOW, Colour, Eye, near, until

CORNERS = (RED, GREEN, YELLOW, BLUE)  # of the media, clockwise from the top left
TURNS: tuple[Turn, ...] = (90, 180, 270)


@pytest.fixture(scope="module")
def quarters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a film and a picture, both 640x180, of four colours."""
    folder = tmp_path_factory.mktemp("quarters")
    inputs = (f"-f lavfi -i color={name}:s=320x90:r=25:d=20" for name in ("red", "lime", "blue", "yellow"))
    laid = "[0][1]hstack[top];[2][3]hstack[foot];[top][foot]vstack"
    common = ["ffmpeg", "-v", "error", *" ".join(inputs).split(), "-filter_complex", laid]
    for name, how in (("film", H264), ("picture", ["-frames:v", "1", "-c:v", "mjpeg", "-f", "image2"])):
        subprocess.run([*common, *how, str(folder / name)], check=True, timeout=60)
    return folder


def _corners(eye: Eye) -> tuple[Colour, ...]:
    """Return the colours at the edges and beside the middle, in the order of CORNERS."""
    spots = [[(x, y), (640 + side, 360 + up)] for x, y, side, up in _EDGES]
    seen = [[eye.at(*spot) for spot in pair] for pair in spots]
    return tuple(outer if near(outer, inner, 40) else (1, 2, 3) for outer, inner in seen)


_EDGES = ((3, 3, -24, -24), (1276, 3, 24, -24), (1276, 716, 24, 24), (3, 716, -24, 24))


@pytest.mark.parametrize("turn", TURNS)
async def test_what_is_to_fill_fills_however_it_is_turned(turn: Turn, quarters: Path, display_name: str) -> None:
    expected = CORNERS[-turn // 90 :] + CORNERS[: -turn // 90]
    eye = Eye(display_name)
    async with running(display_name, area=Area(width=1280, height=720, turn=turn)) as stage:
        for kind in (MediaKind.VIDEO, MediaKind.PICTURE):
            path = quarters / ("film" if kind is MediaKind.VIDEO else "picture")
            await stage.preroll(Shot(take=kind, path=str(path), kind=kind, fit=Fit.FILL))
            await stage.cut_now(kind)
            await until(lambda: all(near(*pair, 20) for pair in zip(_corners(eye), expected, strict=True)), within_s=2)
    eye.close()
