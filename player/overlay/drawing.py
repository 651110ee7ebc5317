"""The pictures of overlays: a line of text as a bar or as an endless strip, and a logo with what is clear in it.

The origin lays every picture on an opaque ground, since libVLC shows clear parts black. The picture as it was sent lies
in a chunk of the same PNG (`LOGO_CHUNK`), which only this reads.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from player.overlay.pango import TextLine, laid_out
from sync.errors import MediaUnplayable
from sync.wire.overlay import LOGO_CHUNK, Ticker

_LETTERS = 0.6  # of the bar's height
_GAP = 2  # bar heights between the end of a text and its next beginning
_WIDEST = 4096  # pixels of one piece: an X server counts coordinates in 16 bits
_MOST_PIXELS = 16_800_000  # a picture above this is refused before it is decoded: it would take some 100 MB
_LARGEST_STRIP = 32_000_000  # pixels: 128 MB of the X server's
_CLEAR = 128  # of 255: the X server knows only pixels that are there and such that are not
_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


@dataclass(frozen=True, slots=True)
class Strip:
    """A text too long for its bar: pieces side by side, `period` pixels together, then from the start again.

    `backwards`: read from right to left, so it runs to the right.
    """

    pieces: tuple[Image.Image, ...]
    period: int
    backwards: bool


@dataclass(frozen=True, slots=True)
class Written:
    """A ticker drawn, and the letters of it that no font here has."""

    drawn: Image.Image | Strip
    missing: str


def draw_ticker(ticker: Ticker, width: int, height: int) -> Written:
    """Draw a ticker for a bar of that size: a picture of it if the text fits, centred; else a strip.

    Raises:
        MediaUnplayable: it is absurdly large.
        ScreenFailed: nothing here can draw text.
    """
    text = " ".join(ticker.text.splitlines())  # Unicode knows more ends of lines than the wire refuses
    letters = height * _LETTERS
    with laid_out(text, letters) as line:
        letters *= min(1.0, height / line.height)  # some alphabets pile their letters up
    with laid_out(text, letters) as line:
        return Written(_bar(ticker, line, width, height), line.missing())


def _bar(ticker: Ticker, line: TextLine, width: int, height: int) -> Image.Image | Strip:
    if line.width <= width - height:
        return line.write((width, height), (width - line.width) // 2, ticker.colour, ticker.background)
    period = line.width + _GAP * height
    if period * height > _LARGEST_STRIP:
        raise MediaUnplayable(f"it would be {period} pixels long and {height} high: shorten it or make its bar lower")
    left = period - height // 2 - line.width if line.backwards else height // 2
    pieces = (
        line.write((min(_WIDEST, period - x), height), left - x, ticker.colour, ticker.background)
        for x in range(0, period, _WIDEST)
    )
    return Strip(tuple(pieces), period, line.backwards)


def read_logo(path: Path) -> Image.Image:
    """Return the picture of a logo as RGBA.

    Raises:
        MediaUnplayable: the file is missing, no picture, damaged or absurdly large.
    """
    try:
        with Image.open(path) as laid:
            _check(laid)
            found = [chunk[1] for chunk in getattr(laid, "private_chunks", ()) if chunk[0] == LOGO_CHUNK]
            if not found:
                return laid.convert("RGBA")
        with Image.open(BytesIO(found[0]), formats=["PNG"]) as sent:
            _check(sent)
            return sent.convert("RGBA")
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaUnplayable(f"its picture cannot be read ({path.name[:12]}); upload it again") from error


def _check(image: Image.Image) -> None:
    if image.width * image.height > _MOST_PIXELS:
        raise MediaUnplayable(f"its picture has {image.width} x {image.height} pixels; use a smaller one")


def rotate_image(image: Image.Image, turn: int) -> Image.Image:
    """Return the picture turned clockwise by 0, 90, 180 or 270 degrees."""
    return image.transpose(_TURNS[turn]) if turn else image


def mask(image: Image.Image) -> Image.Image | None:
    """Return where a picture is, in black and white; None if it is everywhere."""
    if image.mode != "RGBA":
        return None
    there = image.getchannel("A").point(lambda alpha: 255 if alpha >= _CLEAR else 0).convert("1")
    return None if there.getextrema() == (255, 255) else there
