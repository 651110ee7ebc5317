"""The shape of pixels: the edges of films measured on the display."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from glass import Glass
from shape_films import FILMS

from player.platform.geometry import Area
from player.protocol.screen import Shot
from player.stage.stage import Stage
from sync.wire.release import Fit, MediaKind
from tests.player.conftest import running_stage, wait_for_both_decks
from tests.player.pixels import RED, WHITE

BACKGROUND = (0x20, 0x60, 0x40)
TABLE = [
    ("PAL 16:9, H.264", Fit.CONTAIN),
    ("PAL 4:3, MPEG-2 program stream", Fit.COVER),
    ("16:9 in a container that says 4:3", Fit.CONTAIN),
    ("PAL 16:9, turned by 90", Fit.CONTAIN),
    ("PAL 16:9, turned by 90", Fit.COVER),
    ("PAL 16:9, H.264", Fit.FILL),
    ("PAL 16:9, VP8", Fit.COVER),
]
ON_A_TURNED_SCREEN = [
    ("PAL 16:9, H.264", Fit.COVER),
    ("PAL 16:9, turned by 90", Fit.CONTAIN),
]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    for name in {name for name, _ in [*TABLE, *ON_A_TURNED_SCREEN]}:
        FILMS[name].make(folder / name)
    return folder


@pytest.fixture
def glass(display_name: str) -> Iterator[Glass]:
    with closing(Glass(display_name)) as glass:
        yield glass


async def _assert_shown(stage: Stage, folder: Path, name: str, fit: Fit, glass: Glass) -> None:
    take = f"{name}, {fit.value}, turned by {stage.area.turn}"
    shot = Shot(take=take, path=str(folder / name), kind=MediaKind.VIDEO, fit=fit, background="#206040")
    await stage.preroll(shot, at_once=name != TABLE[0][0])
    await stage.cut_now(take)
    errors = FILMS[name].errors(stage.area, fit, glass.bounds(RED), glass.bounds(WHITE))
    assert max(errors) <= 4, take
    covers = FILMS[name].edges(stage.area, fit) == (0, 0, stage.area.width, stage.area.height)
    assert (glass.bounds(BACKGROUND, tolerance=8) == (0, 0, 0, 0)) == covers, take


async def test_the_edges_of_films_of_every_shape(stage: Stage, films: Path, glass: Glass) -> None:
    await wait_for_both_decks(stage)
    for name, fit in TABLE:
        await _assert_shown(stage, films, name, fit, glass)


async def test_their_edges_where_libvlc_turns_the_picture(films: Path, display_name: str, glass: Glass) -> None:
    async with running_stage(display_name, area=Area(width=1280, height=720, turn=90)) as stage:
        await wait_for_both_decks(stage)
        for name, fit in ON_A_TURNED_SCREEN:
            await _assert_shown(stage, films, name, fit, glass)
