"""Rotation by the X server (Xephyr), and by libVLC where the server cannot rotate: media are upright and fill."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from player.display import WantedOutput
from player.display.backdrop_pictures import RawPicture
from player.platform.geometry import Turn
from player.protocol.stage_interface import Shot
from sync.wire.release import Fit, MediaKind
from tests.display import Xephyr
from tests.long_tables import in_bench
from tests.player.conftest import H264, put_on_air, running_display_and_stage, running_stage
from tests.player.pixels import BLUE, GREEN, RED, SCREEN, YELLOW, Colour, PixelReader, is_close, wait_until

CORNERS = (RED, GREEN, YELLOW, BLUE)  # of the media, clockwise from the top left
TURNS: tuple[Turn, ...] = (90, 180, 270)


@pytest.fixture(scope="module")
def quarters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a film and a picture, both 640x180, of four colours."""
    folder = tmp_path_factory.mktemp("quarters")
    inputs = (f"-f lavfi -i color={name}:s=320x90:r=10:d=20" for name in ("red", "lime", "blue", "yellow"))
    layout = "[0][1]hstack[top];[2][3]hstack[foot];[top][foot]vstack"
    common = ["ffmpeg", "-v", "error", *" ".join(inputs).split(), "-filter_complex", layout]
    for name, how in (("film", H264), ("picture", ["-frames:v", "1", "-c:v", "mjpeg", "-f", "image2"])):
        subprocess.run([*common, *how, str(folder / name)], check=True, timeout=60)
    return folder


def _corners(eye: PixelReader) -> tuple[Colour, ...]:
    """Return the colours at the edges and beside the middle, in the order of CORNERS."""
    spots = [[(x, y), (320 + side, 180 + up)] for x, y, side, up in _EDGES]
    seen = [[eye.colour_at(*spot) for spot in pair] for pair in spots]
    return tuple(outer if is_close(outer, inner, 40) else (1, 2, 3) for outer, inner in seen)


_EDGES = ((3, 3, -24, -24), (636, 3, 24, -24), (636, 356, 24, 24), (3, 356, -24, 24))


def _rotated(turn: Turn) -> tuple[Colour, ...]:
    return CORNERS[-turn // 90 :] + CORNERS[: -turn // 90]


def _all_close(seen: tuple[Colour, ...], expected: tuple[Colour, ...]) -> bool:
    return all(is_close(*pair, 20) for pair in zip(seen, expected, strict=True))


def _shots(quarters: Path) -> list[Shot]:
    kinds = {"film": MediaKind.VIDEO, "picture": MediaKind.PICTURE}
    return [Shot(take=name, path=str(quarters / name), kind=kind, fit=Fit.FILL) for name, kind in kinds.items()]


@pytest.mark.parametrize("turn", [90, *in_bench(180, 270)])
async def test_media_fill_the_screen_when_libvlc_rotates(turn: Turn, quarters: Path, display_name: str) -> None:
    eye = PixelReader(display_name)
    async with running_stage(display_name, area=SCREEN.model_copy(update={"turn": turn})) as stage:
        for shot in _shots(quarters):
            await put_on_air(stage, shot)
            await wait_until(lambda: _all_close(_corners(eye), _rotated(turn)), within_s=20)
    eye.close()


@pytest.fixture(scope="module")
def monitor(display_name: str) -> Iterator[str]:
    """An X server that rotates by RandR; what its monitor would show is a window of X server `display_name`."""
    with Xephyr(display_name) as server:
        yield server.name


async def test_a_screenshot_is_upright_when_the_x_server_rotates(
    monitor: str, quarters: Path, display_name: str
) -> None:
    eye = PixelReader(display_name)
    async with running_display_and_stage(monitor) as (display, stage):
        for turn in TURNS:
            display.choose_output(WantedOutput("", turn))
            size = (640, 360) if turn == 180 else (360, 640)
            await wait_until(lambda size=size: (stage.area.width, stage.area.height) == size)  # type: ignore[misc]
            assert display.area.turn == 0 and not display.state().problem
            await put_on_air(stage, _shots(quarters)[0].model_copy(update={"take": f"film-{turn}"}))
            await wait_until(lambda turn=turn: _all_close(_corners(eye), _rotated(turn)))  # type: ignore[misc]
            assert _all_close(_screenshot_corners(await display.grab()), CORNERS)
    eye.close()


def _screenshot_corners(shown: RawPicture) -> tuple[Colour, ...]:
    """Return the colours at the corners of a screenshot."""
    spots = [(3, 3), (shown.width - 4, 3), (shown.width - 4, shown.height - 4), (3, shown.height - 4)]
    pixels = (shown.bgrx[4 * (y * shown.width + x) :][:3] for x, y in spots)
    return tuple((red, green, blue) for blue, green, red in pixels)
