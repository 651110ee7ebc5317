"""The card tool: draws the picture that is shown while a sound file plays.

From FOLDER TITLE LINE it writes `asset` (PNG, 1280x720) and `thumbnail.jpg` into FOLDER and prints the facts as one
JSON object, as the picture tool does.
"""

import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from sync.origin.transcode.picture_tool import THUMBNAIL_EDGE

SIZE = (1280, 720)
_TOP, _BOTTOM = (24, 38, 54), (12, 19, 29)
_TITLE, _SUBTITLE, _ACCENT = (238, 242, 246), (150, 164, 178), (92, 200, 178)
_FONT = "DejaVuSans.ttf"  # has more alphabets than Pillow's own font
_SMALLEST_SIZE = 24

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def main(arguments: list[str]) -> int:
    """Run the tool; return its exit code."""
    folder, (title, line) = Path(arguments[0]), arguments[1:3]
    card = draw_card(title, line)
    card.save(folder / "asset", "PNG")
    card.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
    card.save(folder / "thumbnail.jpg", "JPEG", quality=80)
    facts = {"kind": "picture", "media_type": "image/png", "width": SIZE[0], "height": SIZE[1], "duration_ms": None}
    sys.stdout.write(json.dumps(facts))
    return 0


def draw_card(title: str, line: str) -> Image.Image:
    """Draw a sound symbol on a gradient, the title below it, and a smaller line below that."""
    ramp = Image.linear_gradient("L").resize(SIZE)
    card = Image.composite(Image.new("RGB", SIZE, _BOTTOM), Image.new("RGB", SIZE, _TOP), ramp)
    draw, (width, height) = ImageDraw.Draw(card), SIZE
    _draw_bars(draw, width / 2, height * 0.36)
    _draw_centred(draw, title, height * 0.62, 72, _TITLE)
    _draw_centred(draw, line, height * 0.74, 40, _SUBTITLE)
    return card


def _draw_bars(draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
    for number, half in enumerate((30, 62, 96, 44, 78, 52, 24)):
        left = x + (number - 3.5) * 34
        draw.rounded_rectangle((left + 8, y - half, left + 26, y + half), 9, fill=_ACCENT)


def _draw_centred(draw: ImageDraw.ImageDraw, text: str, y: float, size: int, colour: tuple[int, int, int]) -> None:
    """Draw a text centred at height `y`; a long text becomes smaller, and is cut before it becomes unreadable."""
    widest = SIZE[0] * 0.9
    fitting = max(_SMALLEST_SIZE, min(size, int(size * widest / max(1.0, draw.textlength(text, font=_font(size))))))
    while len(text) > 1 and draw.textlength(text, font=_font(fitting)) > widest:
        text = text[: len(text) * 9 // 10 - 1] + "…"
    draw.text((SIZE[0] / 2, y), text, font=_font(fitting), fill=colour, anchor="mm")


def _font(size: int) -> Font:
    try:
        return ImageFont.truetype(_FONT, size)
    except OSError:  # not installed
        return ImageFont.load_default(size)
