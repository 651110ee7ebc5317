import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from player.display.backdrop import Backdrop
from player.display.pictures import RawPicture, brand_picture, pairing_picture
from player.platform.geometry import Area
from player.settings.configuration import Configuration, load_configuration
from sync.device.store.content_store import ContentStore, open_cache
from sync.errors import ScreenFailed
from tests.fakes import FakeClock

SIZE = Area(width=320, height=180)


class Wall:
    """A root window that remembers, and that can be away."""

    area = SIZE

    def __init__(self) -> None:
        self.pictures: asyncio.Queue[RawPicture] = asyncio.Queue()
        self.away = False

    async def show_root(self, picture: RawPicture) -> None:
        if self.away:
            self.away = False
            raise ScreenFailed("away")
        self.pictures.put_nowait(picture)

    async def next(self) -> RawPicture:
        return await asyncio.wait_for(self.pictures.get(), 10)


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path))
    (tmp_path / "state").mkdir()
    return load_configuration(None)


@asynccontextmanager
async def painting(
    wall: Wall, configuration: Configuration, cache: ContentStore
) -> AsyncIterator[tuple[Backdrop, list[str]]]:
    told: list[str] = []
    backdrop = Backdrop(wall, configuration, cache, FakeClock(), told.append)
    task = asyncio.create_task(backdrop.run())
    try:
        yield backdrop, told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_brand_stands_until_a_code_does_and_comes_back(tmp_path: Path, configuration: Configuration) -> None:
    wall, origin = Wall(), configuration.settings.origin
    with open_cache(tmp_path) as cache:
        async with painting(wall, configuration, cache) as (backdrop, _):
            assert await wall.next() == brand_picture(320, 180, title=origin.name)
            backdrop.show_code("ABCD2345")
            card = pairing_picture(320, 180, code="ABCD2345", name=origin.name, origin=str(origin.url))
            assert await wall.next() == card
            backdrop.show_code("ABCD2345")
            backdrop.show_code(None)
            assert await wall.next() == brand_picture(320, 180, title=origin.name)
            assert wall.pictures.empty()


async def test_the_owners_picture_comes_first_and_a_bad_one_is_told_and_left_out(
    tmp_path: Path, configuration: Configuration
) -> None:
    wall = Wall()
    Image.new("RGB", (32, 18), (10, 200, 30)).save(tmp_path / "logo.png")
    with open_cache(tmp_path) as cache:
        async with painting(wall, configuration, cache) as (backdrop, told):
            await wall.next()
            await configuration.patch({"playback": {"fallback": str(tmp_path / "logo.png")}}, expected=None)
            backdrop.wake()
            middle = (90 * 320 + 160) * 4
            assert (await wall.next()).bgrx[middle : middle + 3] == bytes((30, 200, 10))
            (tmp_path / "logo.png").write_bytes(b"not a picture")
            backdrop.wake()
            assert await wall.next() == brand_picture(320, 180, title="signage player")
            assert "logo.png" in told[-1]


async def test_a_display_that_is_away_is_painted_later(tmp_path: Path, configuration: Configuration) -> None:
    wall = Wall()
    wall.away = True
    clock = FakeClock()
    with open_cache(tmp_path) as cache:
        backdrop = Backdrop(wall, configuration, cache, clock, lambda sentence: None)
        task = asyncio.create_task(backdrop.run())
        async with asyncio.timeout(10):
            while wall.pictures.empty():
                await clock.advance(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
