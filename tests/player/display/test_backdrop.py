import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image

from player.display.backdrop import Backdrop
from player.display.backdrop_pictures import RawPicture, brand_picture, pairing_picture
from player.platform.geometry import Area
from player.settings.configuration import Configuration
from sync.device.store.content_store import ContentStore, open_content_store
from sync.errors import ScreenFailed
from tests.fakes import FakeClock

SIZE = Area(width=320, height=180)


class FakeDisplay:
    """A root window that records its pictures, and that can fail once."""

    area = SIZE

    def __init__(self) -> None:
        self.pictures: asyncio.Queue[RawPicture] = asyncio.Queue()
        self.fails = False

    async def show_root(self, picture: RawPicture) -> None:
        if self.fails:
            self.fails = False
            raise ScreenFailed("no X server")
        self.pictures.put_nowait(picture)

    async def next(self) -> RawPicture:
        return await asyncio.wait_for(self.pictures.get(), 60)


@asynccontextmanager
async def running_backdrop(
    display: FakeDisplay, configuration: Configuration, cache: ContentStore
) -> AsyncIterator[tuple[Backdrop, list[str]]]:
    problems: list[str] = []
    backdrop = Backdrop(display, configuration, cache, FakeClock(), problems.append)
    task = asyncio.create_task(backdrop.run())
    try:
        yield backdrop, problems
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_pairing_code_is_shown_until_it_is_removed(tmp_path: Path, configuration: Configuration) -> None:
    display, origin = FakeDisplay(), configuration.settings.origin
    with open_content_store(tmp_path) as cache:
        async with running_backdrop(display, configuration, cache) as (backdrop, _):
            assert await display.next() == brand_picture(320, 180, title=origin.name)
            backdrop.show_code("ABCD2345")
            card = pairing_picture(320, 180, code="ABCD2345", name=origin.name, origin=str(origin.url))
            assert await display.next() == card
            backdrop.show_code("ABCD2345")
            backdrop.show_code(None)
            assert await display.next() == brand_picture(320, 180, title=origin.name)
            assert display.pictures.empty()


async def test_the_owners_picture_is_shown_and_a_damaged_one_is_reported_and_not_used(
    tmp_path: Path, configuration: Configuration
) -> None:
    display = FakeDisplay()
    Image.new("RGB", (32, 18), (10, 200, 30)).save(tmp_path / "logo.png")
    with open_content_store(tmp_path) as cache:
        async with running_backdrop(display, configuration, cache) as (backdrop, problems):
            await display.next()
            await configuration.patch({"playback": {"fallback": str(tmp_path / "logo.png")}}, expected=None)
            backdrop.wake()
            middle = (90 * 320 + 160) * 4
            assert (await display.next()).bgrx[middle : middle + 3] == bytes((30, 200, 10))
            (tmp_path / "logo.png").write_bytes(b"not a picture")
            backdrop.wake()
            assert await display.next() == brand_picture(320, 180, title="signage player")
            assert "logo.png" in problems[-1]


async def test_a_display_that_fails_gets_the_picture_later(tmp_path: Path, configuration: Configuration) -> None:
    display = FakeDisplay()
    display.fails = True
    clock = FakeClock()
    with open_content_store(tmp_path) as cache:
        backdrop = Backdrop(display, configuration, cache, clock, lambda problem: None)
        task = asyncio.create_task(backdrop.run())
        async with asyncio.timeout(60):
            while display.pictures.empty():
                await clock.advance(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
