"""Screenshots: one for all callers that ask at the same time, and never more work than a tenth of a core."""

import asyncio
from io import BytesIO

from PIL import Image

from player.display.backdrop_pictures import RawPicture, brand_picture, encode_png
from player.display.screenshots import ImageFormat, Screenshot, ScreenshotTaker
from tests.fakes import FakeClock

TAKES_S = 0.1


class SlowSource:
    """A display whose picture the test changes; each grab takes a tenth of a second."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.picture = brand_picture(64, 36)
        self.grabs = 0

    async def grab(self) -> RawPicture:
        self.grabs += 1
        await self._clock.sleep(TAKES_S)
        return self.picture


async def take(taker: ScreenshotTaker, clock: FakeClock, kind: ImageFormat, width: int) -> Screenshot:
    """Ask for a screenshot and let the time pass that it takes."""
    task = asyncio.create_task(taker.screenshot(kind, width))
    await clock.advance(TAKES_S)
    while not task.done():  # the thread encodes
        await clock.run_ready()
    return task.result()


async def test_callers_at_the_same_time_share_one_screenshot_and_the_next_comes_after_a_pause() -> None:
    clock = FakeClock()
    source = SlowSource(clock)
    taker = ScreenshotTaker(source, clock)
    tasks = [asyncio.create_task(taker.screenshot(ImageFormat.PNG, 640)) for _ in range(5)]
    await clock.advance(TAKES_S)
    screenshots = await asyncio.gather(*tasks)
    assert source.grabs == 1 and len({screenshot.body for screenshot in screenshots}) == 1
    await clock.advance(8 * TAKES_S)
    async with asyncio.timeout(60):
        assert await taker.screenshot(ImageFormat.PNG, 640) is screenshots[0]  # in the pause
    other = asyncio.create_task(taker.screenshot(ImageFormat.JPEG, 640))
    await clock.run_ready()
    assert source.grabs == 1  # another kind is taken after the pause
    await clock.advance(3 * TAKES_S)
    assert (await other).body.startswith(b"\xff\xd8") and source.grabs == 2


async def test_the_tag_changes_with_the_pixels_the_format_and_the_size() -> None:
    clock = FakeClock()
    source = SlowSource(clock)
    taker = ScreenshotTaker(source, clock)

    async def tag(kind: ImageFormat, width: int) -> str:
        await clock.advance(10 * TAKES_S)  # the pause is over
        return (await take(taker, clock, kind, width)).tag

    first = await tag(ImageFormat.JPEG, 640)
    assert await tag(ImageFormat.JPEG, 640) == first
    tags = {first, await tag(ImageFormat.JPEG, 32), await tag(ImageFormat.PNG, 640)}
    source.picture = brand_picture(64, 36, title="other")
    assert len(tags | {await tag(ImageFormat.JPEG, 640)}) == 4


def test_a_png_has_the_pixels_of_the_picture() -> None:
    for raw in (
        brand_picture(65, 37, title="odd"),
        RawPicture(1, 1, b"\x01\x02\x03\x00"),
        RawPicture(3, 2, bytes(range(24))),
    ):
        body = encode_png(raw)
        with Image.open(BytesIO(body)) as picture:
            picture.verify()
        with Image.open(BytesIO(body)) as picture:
            decoded = picture.convert("RGB").tobytes()
        whole = Image.frombuffer("RGB", (raw.width, raw.height), raw.bgrx, "raw", "BGRX", 0, 1)
        assert decoded == whole.tobytes()
