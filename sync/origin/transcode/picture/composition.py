"""Composes the frames of a moving picture from pieces, as browsers do: each lies somewhere and may be cleared again."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

from PIL import Image


class After(Enum):
    """What becomes of a piece's area before the next one is drawn."""

    KEEP = "it stays"
    CLEAR = "it becomes clear"
    RESTORE = "it becomes what it was before"


@dataclass(frozen=True, slots=True)
class Piece:
    """The pixels (RGBA) of one frame: where they lie, how long they show, and whether they blend with what is below."""

    image: Image.Image
    left: int
    top: int
    milliseconds: Fraction
    after: After
    blend: bool = True


@dataclass(frozen=True, slots=True)
class ComposedFrame:
    """One frame as it shows: `milliseconds` as the file has them, and when it starts (ms) if the file says so."""

    image: Image.Image
    milliseconds: Fraction
    starts_ms: int | None = None


def compose(size: tuple[int, int], pieces: Iterable[Piece], info: Mapping[str, Any]) -> Iterator[ComposedFrame]:
    """Yield the frames; what lies beyond `size` is cut off. `info` is what Pillow knows about the colours."""
    canvas = Image.new("RGBA", size)
    for piece in pieces:
        before = canvas.copy() if piece.after is After.RESTORE else canvas
        box = (piece.left, piece.top, piece.left + piece.image.width, piece.top + piece.image.height)
        if piece.blend:
            below = canvas.crop(box)
            canvas.paste(Image.alpha_composite(below, piece.image), box)
        else:
            canvas.paste(piece.image, box)
        shown = canvas.copy()
        shown.info.update(info)
        yield ComposedFrame(shown, piece.milliseconds)
        if piece.after is After.CLEAR:
            canvas.paste((0, 0, 0, 0), box)
        elif piece.after is After.RESTORE:
            canvas = before
