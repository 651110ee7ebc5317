"""The pictures of overlays: a line of text as a bar or as an endless strip, and a logo with what is clear in it.

The origin lays every picture on an opaque ground, since libVLC shows clear parts black. The picture as it was sent lies
in a chunk of the same PNG (`LOGO_CHUNK`), which only this reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError

from sync import MediaUnplayable
from sync.overlay import LOGO_CHUNK, Ticker

_FONT = "DejaVuSans.ttf"  # knows more alphabets than the one Pillow brings
_LETTERS = 0.6  # of the bar's height
_GAP = 2  # bar heights between the end of a text and its next beginning
_WIDEST = 4096  # pixels of one piece: an X server counts coordinates in 16 bits
_MOST_PIXELS = 64_000_000  # a picture above this is refused before it is decoded
_CLEAR = 128  # of 255: the X server knows only pixels that are there and such that are not
_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class Strip:
    """A text too long for its bar: pieces side by side, `period` pixels together, then from the start again."""

    pieces: tuple[Image.Image, ...]
    period: int


def draw_ticker(ticker: Ticker, width: int, height: int) -> Image.Image | Strip:
    """Draw a ticker for a bar of that size: a picture of it if the text fits, centred; else a strip."""
    font = _font(max(1, round(height * _LETTERS)))
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    long = ceil(pen.textlength(ticker.text, font=font))
    if long <= width - height:
        return _written(ticker, font, width, height, (width - long) // 2)
    period = long + _GAP * height
    return Strip(tuple(_pieces(_written(ticker, font, period, height, height // 2))), period)


def _written(ticker: Ticker, font: Font, width: int, height: int, x: int) -> Image.Image:
    bar = Image.new("RGB", (width, height), ticker.background)
    ImageDraw.Draw(bar).text((x, height / 2), ticker.text, font=font, fill=ticker.colour, anchor="lm")
    return bar


def _pieces(strip: Image.Image) -> Iterator[Image.Image]:
    for x in range(0, strip.width, _WIDEST):
        yield strip.crop((x, 0, min(x + _WIDEST, strip.width), strip.height))


def _font(size: int) -> Font:
    try:
        return ImageFont.truetype(_FONT, size)
    except OSError:  # not installed
        return ImageFont.load_default(size)


def read_logo(path: Path) -> Image.Image:
    """Return the picture of a logo as RGBA.

    Raises:
        MediaUnplayable: the file is missing, no picture, damaged or absurdly large.
    """
    try:
        with Image.open(path) as laid:
            _check(laid, path)
            found = [chunk[1] for chunk in getattr(laid, "private_chunks", ()) if chunk[0] == LOGO_CHUNK]
            if not found:
                return laid.convert("RGBA")
        with Image.open(BytesIO(found[0]), formats=["PNG"]) as sent:
            _check(sent, path)
            return sent.convert("RGBA")
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaUnplayable(f"logo {path.name} cannot be read: {error}; upload it again") from error


def _check(image: Image.Image, path: Path) -> None:
    if image.width * image.height > _MOST_PIXELS:
        raise MediaUnplayable(f"logo {path.name} has over {_MOST_PIXELS} pixels; use a smaller one")


def turned(image: Image.Image, turn: int) -> Image.Image:
    """Return the picture turned clockwise by 0, 90, 180 or 270 degrees."""
    return image.transpose(_TURNS[turn]) if turn else image


def mask(image: Image.Image) -> Image.Image | None:
    """Return where a picture is, in black and white; None if it is everywhere."""
    if image.mode != "RGBA":
        return None
    there = image.getchannel("A").point(lambda alpha: 255 if alpha >= _CLEAR else 0).convert("1")
    return None if there.getextrema() == (255, 255) else there
