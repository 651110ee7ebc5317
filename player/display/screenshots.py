"""The camera: pictures of the display for people, encoded off the loop, as often as this device can spare.

It rests nine times as long as a picture took, so that no number of pages takes more than a tenth of one core: a
picture of a while ago is at most that old. One that shows the same pixels is not encoded again.
"""

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from player.display.pictures import RawPicture, jpeg, png
from sync.runtime.clock import Clock

_REST = 9.0
_MOST_KEPT = 3


class Format(StrEnum):
    """How a picture is encoded: without loss, or for looking at (a tenth of the bytes and of the work)."""

    PNG = "image/png"
    JPEG = "image/jpeg"


_ENCODERS: dict[Format, Callable[[RawPicture, int], bytes]] = {Format.PNG: png, Format.JPEG: jpeg}


class PixelSource(Protocol):
    """What is asked of the display."""

    async def grab(self) -> RawPicture:
        """Take what the display shows; raises ScreenFailed."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the display showed at `at_s`, encoded; `mark` is equal for equal pixels of the same format and size."""

    body: bytes
    mark: str
    at_s: float


class ScreenshotTaker:
    """Takes pictures of `screen`; callers that come at once share one."""

    def __init__(self, screen: PixelSource, clock: Clock) -> None:
        self._screen = screen
        self._clock = clock
        self._lock = asyncio.Lock()
        self._rested_s = 0.0  # when the next picture may be taken
        self._last: dict[tuple[Format, int], Picture] = {}

    async def picture(self, kind: Format, width: int) -> Picture:
        """Return what the display shows, or its largest whole fraction that is not wider than `width` pixels.

        Raises:
            ScreenFailed: the X server does not answer.
        """
        came_s = self._clock.monotonic()
        async with self._lock:
            last = self._last.get((kind, width))
            if last and (last.at_s >= came_s or self._clock.monotonic() < self._rested_s):
                return last
            await self._clock.sleep(max(0.0, self._rested_s - self._clock.monotonic()))
            return await self._take(kind, width)

    async def _take(self, kind: Format, width: int) -> Picture:
        began_s = self._clock.monotonic()
        still = await self._screen.grab()
        part = -(-still.width // width)
        key, known = (kind, width), {picture.mark: picture.body for picture in self._last.values()}

        def encode() -> Picture:
            mark = f"{zlib.crc32(still.bgrx):08x}-{still.width}x{still.height}-{part}-{kind.name.lower()}"
            return Picture(known.get(mark) or _ENCODERS[kind](still, part), mark, began_s)

        picture = await asyncio.to_thread(encode)
        self._last = {**dict(list(self._last.items())[-_MOST_KEPT:]), key: picture}
        now_s = self._clock.monotonic()
        self._rested_s = now_s + _REST * (now_s - began_s)
        return picture
