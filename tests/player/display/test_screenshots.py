"""The camera: one picture for all who ask at once, and never more work than a tenth of a core."""

import asyncio
from io import BytesIO

from PIL import Image

from player.display.pictures import RawPicture, brand_picture, encode_png
from player.display.screenshots import ImageFormat, Screenshot, ScreenshotTaker
from tests.fakes import FakeClock

TAKES_S = 0.1


class Slow:
    """A display of a picture that is changed by hand; each look takes a tenth of a second."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.shows = brand_picture(64, 36)
        self.looks = 0

    async def grab(self) -> RawPicture:
        self.looks += 1
        await self._clock.sleep(TAKES_S)
        return self.shows


async def taken(camera: ScreenshotTaker, clock: FakeClock, kind: ImageFormat, width: int) -> Screenshot:
    """Ask for a picture and let the time pass that one takes."""
    task = asyncio.create_task(camera.screenshot(kind, width))
    await clock.advance(TAKES_S)
    while not task.done():  # its thread
        await clock.settle()
    return task.result()


async def test_all_who_ask_at_once_share_one_picture_and_the_next_comes_after_a_rest() -> None:
    clock = FakeClock()
    screen = Slow(clock)
    camera = ScreenshotTaker(screen, clock)
    asked = [asyncio.create_task(camera.screenshot(ImageFormat.PNG, 640)) for _ in range(5)]
    await clock.advance(TAKES_S)
    pictures = await asyncio.gather(*asked)
    assert screen.looks == 1 and len({picture.body for picture in pictures}) == 1
    await clock.advance(8 * TAKES_S)
    async with asyncio.timeout(5):
        assert await camera.screenshot(ImageFormat.PNG, 640) is pictures[0]  # it rests
    other = asyncio.create_task(camera.screenshot(ImageFormat.JPEG, 640))
    await clock.settle()
    assert screen.looks == 1  # what it does not have is taken after the rest
    await clock.advance(3 * TAKES_S)
    assert (await other).body.startswith(b"\xff\xd8") and screen.looks == 2


async def test_the_mark_changes_with_the_pixels_and_with_what_is_made_of_them() -> None:
    clock = FakeClock()
    screen = Slow(clock)
    camera = ScreenshotTaker(screen, clock)

    async def mark(kind: ImageFormat, width: int) -> str:
        await clock.advance(10 * TAKES_S)  # it has rested
        return (await taken(camera, clock, kind, width)).mark

    first = await mark(ImageFormat.JPEG, 640)
    assert await mark(ImageFormat.JPEG, 640) == first
    marks = {first, await mark(ImageFormat.JPEG, 32), await mark(ImageFormat.PNG, 640)}
    screen.shows = brand_picture(64, 36, title="other")
    assert len(marks | {await mark(ImageFormat.JPEG, 640)}) == 4


def test_every_kind_of_picture_survives_the_way_through_png() -> None:
    for still in (
        brand_picture(65, 37, title="odd"),
        RawPicture(1, 1, b"\x01\x02\x03\x00"),
        RawPicture(3, 2, bytes(range(24))),
    ):
        body = encode_png(still)
        with Image.open(BytesIO(body)) as picture:
            picture.verify()
        with Image.open(BytesIO(body)) as picture:
            seen = picture.convert("RGB").tobytes()
        whole = Image.frombuffer("RGB", (still.width, still.height), still.bgrx, "raw", "BGRX", 0, 1)
        assert seen == whole.tobytes()
