"""The pictures of overlays: a ticker as a bar or as an endless strip, and a logo with its transparent parts.

The origin flattens every picture onto an opaque ground, because libVLC shows transparent parts black. The original
picture is in a chunk of the same PNG (`LOGO_CHUNK`), which only this file reads.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from player.overlay.pango import TextLine, text_line
from sync.errors import MediaUnplayable
from sync.wire.content_paths import LOGO_CHUNK
from sync.wire.overlay import Ticker

_LETTER_HEIGHT = 0.6  # of the bar's height
_GAP = 2  # bar heights between the end of a text and its next beginning
_MAX_PIECE_WIDTH = 4096  # pixels: X coordinates have 16 bits
_MAX_LOGO_PIXELS = 16_800_000  # a larger picture is refused before decoding: it would take about 100 MB
_MAX_STRIP_PIXELS = 32_000_000  # 128 MB in the X server
_OPAQUE_FROM = 128  # of 255: in an X window a pixel is opaque or missing
_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


@dataclass(frozen=True, slots=True)
class Strip:
    """A text that is too long for its bar, as pieces side by side; after `period` pixels it starts again.

    `right_to_left`: it is read in that direction, so it moves to the right.
    """

    pieces: tuple[Image.Image, ...]
    period: int
    right_to_left: bool


@dataclass(frozen=True, slots=True)
class DrawnTicker:
    """A ticker's picture or strip, and its letters that no font here has."""

    drawn: Image.Image | Strip
    missing_letters: str


def draw_ticker(ticker: Ticker, width: int, height: int) -> DrawnTicker:
    """Draw a ticker for a bar of that size: a picture with the text centred if it fits, otherwise a strip.

    Raises:
        MediaUnplayable: it would be much too large.
        ScreenFailed: the libraries that draw text are not installed.
    """
    text = " ".join(ticker.text.splitlines())  # Unicode has more line ends than the release format refuses
    letter_height = height * _LETTER_HEIGHT
    with text_line(text, letter_height) as line:
        letter_height *= min(1.0, height / line.height)  # the letters of some alphabets are higher
    with text_line(text, letter_height) as line:
        return DrawnTicker(_draw(ticker, line, width, height), line.missing_letters())


def _draw(ticker: Ticker, line: TextLine, width: int, height: int) -> Image.Image | Strip:
    if line.width <= width - height:
        return line.draw((width, height), (width - line.width) // 2, ticker.colour, ticker.background)
    period = line.width + _GAP * height
    if period * height > _MAX_STRIP_PIXELS:
        raise MediaUnplayable(
            f"it would be {period} pixels long and {height} high: shorten the text or make its bar lower"
        )
    x = period - height // 2 - line.width if line.right_to_left else height // 2
    pieces = (
        line.draw((min(_MAX_PIECE_WIDTH, period - left), height), x - left, ticker.colour, ticker.background)
        for left in range(0, period, _MAX_PIECE_WIDTH)
    )
    return Strip(tuple(pieces), period, line.right_to_left)


def read_logo(path: Path) -> Image.Image:
    """Return the picture of a logo as RGBA.

    Raises:
        MediaUnplayable: the file is missing, not a picture, damaged or much too large.
    """
    try:
        with Image.open(path) as flattened:
            _check_size(flattened)
            originals = [chunk[1] for chunk in getattr(flattened, "private_chunks", ()) if chunk[0] == LOGO_CHUNK]
            if not originals:
                return flattened.convert("RGBA")
        with Image.open(BytesIO(originals[0]), formats=["PNG"]) as original:
            _check_size(original)
            return original.convert("RGBA")
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MediaUnplayable(f"its picture cannot be read ({path.name[:12]}): upload it again") from error


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > _MAX_LOGO_PIXELS:
        raise MediaUnplayable(f"its picture has {image.width} x {image.height} pixels: use a smaller one")


def rotate_image(image: Image.Image, turn: int) -> Image.Image:
    """Return the picture turned clockwise by 0, 90, 180 or 270 degrees."""
    return image.transpose(_TURNS[turn]) if turn else image


def opaque_mask(image: Image.Image) -> Image.Image | None:
    """Return in black and white where a picture is opaque; None if it is opaque everywhere."""
    if image.mode != "RGBA":
        return None
    opaque = image.getchannel("A").point(lambda alpha: 255 if alpha >= _OPAQUE_FROM else 0).convert("1")
    return None if opaque.getextrema() == (255, 255) else opaque
