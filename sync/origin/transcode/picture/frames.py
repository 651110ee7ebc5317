"""The frames of moving pictures (GIF, APNG, WebP, AVIF): composed as browsers compose them, and how long each shows.

GIF and APNG are taken apart and composed here; Pillow composes WebP and AVIF as browsers do.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from PIL import Image, ImageSequence

from sync.origin.transcode.picture.apng import apng_pieces, is_apng, read_apng
from sync.origin.transcode.picture.composition import ComposedFrame, compose
from sync.origin.transcode.picture.gif import gif_pieces

_COLOUR_FACTS = ("icc_profile", "gamma", "srgb", "chromaticity")  # of a PNG or GIF, as Pillow names them
_ORIENTATION = 0x0112  # the tag of EXIF
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = tuple(_TURNS[value] for value in (5, 6, 7, 8))

DECODER_ERRORS = (
    *(OSError, EOFError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError, RuntimeError),
    *(struct.error, zlib.error, Image.DecompressionBombError),
)
"""What Pillow and its decoders raise for pictures that are damaged or incomplete."""


MOVING_FORMATS = ("GIF", "PNG", "WEBP", "AVIF")
"""The formats of Pillow that may move."""


class MovingPicture:
    """The frames of a picture that may move, upright; each pass over `frames` decodes them again."""

    def __init__(self, image: Image.Image, source: Path) -> None:
        self._image = image
        self._source = source
        self._png = read_apng(source) if image.format == "PNG" and is_apng(source) else None
        self._turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
        self._stored_size = image.size  # Pillow lets a GIF grow when a frame lies beyond its edge
        self.size = image.size[::-1] if self._turn in _SIDEWAYS else image.size
        self.count = getattr(image, "n_frames", 1) if self._png is None else len(self._png.frames)

    @property
    def is_plain(self) -> bool:
        """Tell whether it is one picture, just as Pillow opens it; an APNG of one frame may show another picture."""
        return self._png is None and self.count == 1

    def frames(self) -> Iterator[ComposedFrame]:
        """Yield each frame as it shows.

        Raises:
            DECODER_ERRORS: the picture is damaged or incomplete.
        """
        for frame in self._stored_frames():
            yield frame if self._turn is None else replace(frame, image=frame.image.transpose(self._turn))

    def _stored_frames(self) -> Iterator[ComposedFrame]:
        """Yield each frame before it is turned."""
        info = {name: self._image.info[name] for name in _COLOUR_FACTS if name in self._image.info}
        if self._png is not None:
            return compose(self._stored_size, apng_pieces(self._png), info)
        if self._image.format == "GIF":
            return compose(self._stored_size, gif_pieces(self._source), info)
        return self._pillow_frames()

    def _pillow_frames(self) -> Iterator[ComposedFrame]:
        for frame in ImageSequence.Iterator(self._image):
            frame.load()  # WebP and AVIF know the time only after this
            milliseconds = Fraction(frame.info.get("duration", 0) or 0)
            whole = frame.copy()
            for tag in ("exif", "xmp"):  # what they say about turning is done here
                whole.info.pop(tag, None)
            yield ComposedFrame(whole, milliseconds, frame.info.get("timestamp"))
