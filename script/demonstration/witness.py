"""Looks at the real display and at the origin's books, and believes nothing the player says of itself."""

import asyncio
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops, ImageOps, ImageStat
from story import ADS, ITEMS, Origin

_LOOK = (32, 18)  # small enough that scaling and codecs do not matter, large enough to tell pictures apart
_ALIKE = 40.0  # mean difference of 255 below which the display shows the thumbnail's picture; videos move


class Witness:
    """Keeps a screenshot of the display per item and ad, each compared with the origin's thumbnail of it."""

    def __init__(self, display: str, folder: Path, origin: Origin) -> None:
        self._display = display
        self._folder = folder
        self._origin = origin
        self._expected: dict[str, Image.Image] = {}
        self.seen: dict[str, Path] = {}

    async def prepare(self) -> None:
        """Fetch the thumbnails, and empty the folder of an earlier run."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in self._folder.glob("*.png"):
            old.unlink()
        listed = {one["name"]: one["thumbnail"] for one in (await self._origin.call("GET", "/v1/media"))["media"]}
        for entry in (*ITEMS, *ADS):
            raw = await self._origin.fetch(listed[entry["file"]])
            self._expected[str(entry["title"])] = Image.open(io.BytesIO(raw)).convert("RGB")

    @property
    def missing(self) -> list[str]:
        """The titles not yet seen on the display."""
        return [title for title in self._expected if title not in self.seen]

    async def look(self, title: str) -> None:
        """Grab the display; keep the picture if it shows what `title` should look like."""
        if title not in self._expected or title in self.seen:
            return
        shot = Image.open(io.BytesIO(await grab(self._display))).convert("RGB")
        background = next(e.get("background", "#000000") for e in (*ITEMS, *ADS) if e["title"] == title)
        expected = ImageOps.pad(self._expected[title], shot.size, color=background)
        if unlikeness(shot, expected) <= _ALIKE:
            path = self._folder / f"{title.lower().replace(' ', '-')}.png"
            await asyncio.to_thread(shot.save, path)
            self.seen[title] = path


def unlikeness(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures, 0 to 255, at a coarse look."""
    small = [picture.resize(_LOOK, Image.Resampling.BOX) for picture in (one, other)]
    return sum(ImageStat.Stat(ImageChops.difference(*small)).mean) / 3


async def grab(display: str) -> bytes:
    """Return a PNG of the whole display, taken by ffmpeg from the X server itself."""
    picture = ("-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-")
    process = await asyncio.create_subprocess_exec(
        "ffmpeg", "-v", "error", "-f", "x11grab", "-i", display, *picture, stdout=asyncio.subprocess.PIPE
    )
    grabbed, _ = await process.communicate()
    return grabbed


def shown(plays: Sequence[Mapping[str, Any]], entries: tuple[Mapping[str, Any], ...]) -> set[str]:
    """Return which of the titles the origin has a complete play of."""
    titles = {str(entry["title"]) for entry in entries}
    return titles & {str(play["title"]) for play in plays if play["outcome"] == "complete"}
