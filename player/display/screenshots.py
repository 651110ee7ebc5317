"""Screenshots for people, encoded in a thread, within a tenth of one processor core.

After each screenshot there is a pause of nine times the time that it took, whatever the number of pages that ask. In
the pause the last one of the same kind is returned. The same pixels are not encoded twice.
"""

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from player.display.backdrop_pictures import RawPicture, encode_jpeg, encode_png
from sync.runtime.clock import Clock

_PAUSE_FACTOR = 9.0
_MOST_RECENT = 3


class ImageFormat(StrEnum):
    """How a screenshot is encoded; JPEG needs a tenth of the bytes and of the work of PNG."""

    PNG = "image/png"
    JPEG = "image/jpeg"


_ENCODERS: dict[ImageFormat, Callable[[RawPicture, int], bytes]] = {
    ImageFormat.PNG: encode_png,
    ImageFormat.JPEG: encode_jpeg,
}


class PixelSource(Protocol):
    """What `ScreenshotTaker` needs of the display."""

    async def grab(self) -> RawPicture:
        """Return what the display shows. Raises ScreenFailed."""


@dataclass(frozen=True, slots=True)
class Screenshot:
    """What the display showed at `taken_s`, encoded; `tag` is equal for equal pixels of the same format and size."""

    body: bytes
    tag: str
    taken_s: float


class ScreenshotTaker:
    """Takes screenshots of `source`; callers that ask at the same time share one."""

    def __init__(self, source: PixelSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._lock = asyncio.Lock()
        self._next_allowed_s = 0.0
        self._recent: dict[tuple[ImageFormat, int], Screenshot] = {}

    async def screenshot(self, kind: ImageFormat, width: int) -> Screenshot:
        """Return what the display shows, reduced by the smallest whole divisor to at most `width` pixels.

        Raises:
            ScreenFailed: the X server does not answer.
        """
        asked_s = self._clock.monotonic()
        async with self._lock:
            last = self._recent.get((kind, width))
            if last and (last.taken_s >= asked_s or self._clock.monotonic() < self._next_allowed_s):
                return last
            await self._clock.sleep(max(0.0, self._next_allowed_s - self._clock.monotonic()))
            return await self._capture(kind, width)

    async def _capture(self, kind: ImageFormat, width: int) -> Screenshot:
        began_s = self._clock.monotonic()
        raw = await self._source.grab()
        divisor = -(-raw.width // width)
        known = {screenshot.tag: screenshot.body for screenshot in self._recent.values()}

        def encode() -> Screenshot:
            tag = f"{zlib.crc32(raw.bgrx):08x}-{raw.width}x{raw.height}-{divisor}-{kind.name.lower()}"
            return Screenshot(known.get(tag) or _ENCODERS[kind](raw, divisor), tag, began_s)

        screenshot = await asyncio.to_thread(encode)
        self._recent = {**dict(list(self._recent.items())[-_MOST_RECENT:]), (kind, width): screenshot}
        now_s = self._clock.monotonic()
        self._next_allowed_s = now_s + _PAUSE_FACTOR * (now_s - began_s)
        return screenshot
