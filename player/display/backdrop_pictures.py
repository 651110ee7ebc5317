"""Pictures that the player draws itself (the fallback, the pairing card), and their encoding as PNG and JPEG.

Pure functions of values: the same input gives the same pixels.
"""

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps, UnidentifiedImageError

from sync.errors import MediaUnplayable
from sync.runtime.os_messages import os_reason

_TEXT = (238, 242, 246)
_FAINT = (150, 164, 178)
_ACCENT = (92, 200, 178)
_TOP = (24, 38, 54)
_BOTTOM = (12, 19, 29)
_PNG_FILTER_UP = b"\x02"  # each row as the difference to the row above
_TURNS = {  # Pillow counts counter-clockwise
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
_SMALLEST_FONT_PX = 9.0  # smaller text is not readable
_MOST_PIXELS = 64_000_000  # a picture above this is refused before it is decoded


@dataclass(frozen=True, slots=True)
class RawPicture:
    """Pixels row by row, as the X server takes them: four bytes each, blue, green, red, unused."""

    width: int
    height: int
    bgrx: bytes | bytearray


def brand_picture(width: int, height: int, *, title: str = "") -> RawPicture:
    """Draw the neutral fallback picture: a gradient with our mark, and `title` below."""
    canvas = _background(width, height)
    unit = min(width, height)
    _draw_mark(canvas, width / 2, height * 0.42, unit * 0.13)
    if title:
        _draw_centred(canvas, title, height * 0.64, unit * 0.06, _TEXT)
    return _to_raw(canvas)


def owner_picture(path: Path, width: int, height: int, *, background: str = "#000000") -> RawPicture:
    """Fit the owner's fallback picture into the screen, upright, with `background` around it.

    Raises:
        MediaUnplayable: the file is missing, not a picture, damaged or too large.
    """
    canvas = Image.new("RGB", (width, height), background)
    try:
        with Image.open(path) as source:
            if source.width * source.height > _MOST_PIXELS:
                raise MediaUnplayable(f"fallback picture {path} has over {_MOST_PIXELS} pixels; use a smaller one")
            upright = ImageOps.exif_transpose(source).convert("RGBA")
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = os_reason(error) if isinstance(error, OSError) and error.errno else "it is no picture, or damaged"
        raise MediaUnplayable(f"fallback picture {path} cannot be read: {reason}; using the built-in one") from error
    fitted = ImageOps.contain(upright, (width, height), Image.Resampling.LANCZOS)
    canvas.paste(fitted, ((width - fitted.width) // 2, (height - fitted.height) // 2), fitted)
    return _to_raw(canvas)


def pairing_picture(width: int, height: int, *, code: str, name: str, origin: str) -> RawPicture:
    """Draw the card that asks a person to enter `code` in the console of `origin` for the device called `name`."""
    canvas = _background(width, height)
    unit = min(width, height)
    _draw_centred(canvas, "Pair this screen", height * 0.24, unit * 0.055, _FAINT)
    _draw_centred(canvas, code, height * 0.44, unit * 0.22, _TEXT)
    _draw_centred(canvas, f"Enter this code in the console at {origin}", height * 0.66, unit * 0.045, _TEXT)
    _draw_centred(canvas, name, height * 0.76, unit * 0.04, _ACCENT)
    return _to_raw(canvas)


def encode_png(raw: RawPicture, divisor: int = 1) -> bytes:
    """Encode as PNG in a third of Pillow's processor time: one filter for all rows (20-90 ms for 1920x1080).

    Width and height are divided by `divisor`.
    """
    picture = _to_image(raw, divisor)
    above = ImageChops.offset(picture, 0, 1)  # the row above each row; none above the first
    above.paste((0, 0, 0), (0, 0, picture.width, 1))
    pixels = memoryview(ImageChops.subtract_modulo(picture, above).tobytes())
    stride = picture.width * 3
    rows = (piece for y in range(picture.height) for piece in (_PNG_FILTER_UP, pixels[y * stride : (y + 1) * stride]))
    deflate = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    body = deflate.compress(b"".join(rows)) + deflate.flush()
    head = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 2, 0, 0, 0)  # 8 bits of red, green and blue
    return b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", head) + _png_chunk(b"IDAT", body) + _png_chunk(b"IEND", b"")


def encode_jpeg(raw: RawPicture, divisor: int = 1) -> bytes:
    """Encode as JPEG (7 ms for 1920x1080); `divisor` as in `encode_png`."""
    out = BytesIO()
    _to_image(raw, divisor).save(out, "JPEG", quality=80)
    return out.getvalue()


def rotate_picture(raw: RawPicture, degrees: int) -> RawPicture:
    """Rotate clockwise by a multiple of 90 degrees (10 ms for 1920x1080)."""
    method = _TURNS.get(degrees % 360)
    if method is None:
        return raw
    picture = Image.frombuffer("RGBA", (raw.width, raw.height), raw.bgrx, "raw", "RGBA", 0, 1).transpose(method)
    return RawPicture(picture.width, picture.height, picture.tobytes())


def _to_image(raw: RawPicture, divisor: int) -> Image.Image:
    picture = Image.frombuffer("RGB", (raw.width, raw.height), raw.bgrx, "raw", "BGRX", 0, 1)
    return picture.reduce(divisor) if divisor > 1 else picture


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _to_raw(canvas: Image.Image) -> RawPicture:
    return RawPicture(canvas.width, canvas.height, canvas.tobytes("raw", "BGRX"))


@lru_cache(maxsize=2)
def _gradient(width: int, height: int) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((width, height), Image.Resampling.BICUBIC)
    sky = Image.composite(Image.new("RGB", (width, height), _BOTTOM), Image.new("RGB", (width, height), _TOP), ramp)
    glow = Image.new("L", (max(1, width // 8), max(1, height // 8)), 0)
    box = (glow.width * 0.2, -glow.height * 0.4, glow.width * 0.8, glow.height * 0.7)
    ImageDraw.Draw(glow).ellipse(box, fill=70)
    soft = glow.filter(ImageFilter.GaussianBlur(max(1.0, glow.width / 10))).resize((width, height))
    return Image.composite(Image.new("RGB", (width, height), (64, 112, 132)), sky, soft)


def _background(width: int, height: int) -> Image.Image:
    return _gradient(width, height).copy()


def _draw_mark(canvas: Image.Image, x: float, y: float, size: float) -> None:
    """Draw our mark, a screen with a play sign: four times as large, then reduced, for smooth edges."""
    side = max(4, int(size * 8))
    layer = Image.new("RGBA", (side, side), (*_ACCENT, 0))
    draw = ImageDraw.Draw(layer)
    draw.rounded_rectangle((0, side * 0.12, side - 1, side * 0.76), side * 0.09, fill=_ACCENT)
    draw.rounded_rectangle((side * 0.32, side * 0.84, side * 0.68, side * 0.9), side * 0.03, fill=_ACCENT)
    draw.polygon([(side * 0.42, side * 0.28), (side * 0.42, side * 0.6), (side * 0.64, side * 0.44)], fill=_BOTTOM)
    small = layer.reduce(4)
    canvas.paste(small, (int(x - small.width / 2), int(y - small.height / 2)), small)


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(_SMALLEST_FONT_PX, size))


def _draw_centred(canvas: Image.Image, text: str, y: float, size: float, colour: tuple[int, int, int]) -> None:
    """Write `text` centred at height `y`: smaller if it is too long, and cut off if that is not readable."""
    draw = ImageDraw.Draw(canvas)
    max_width = canvas.width * 0.9
    fitting = max(_SMALLEST_FONT_PX, size * min(1.0, max_width / max(1.0, draw.textlength(text, font=_font(size)))))
    while len(text) > 1 and draw.textlength(text, font=_font(fitting)) > max_width:
        text = text[: len(text) * 9 // 10 - 1] + "…"
    draw.text((canvas.width / 2, y), text, font=_font(fitting), fill=colour, anchor="mm")
