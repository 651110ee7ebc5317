"""The frames of moving pictures (GIF, APNG, WebP, AVIF): composed as browsers compose them, and how long each shows.

Pillow composes all but APNG, whose half-transparent frames it darkens where they lie on nothing. So an APNG is taken
apart here into plain PNGs, which Pillow decodes. Source: Portable Network Graphics Specification, third edition (APNG).
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageSequence

from sync.origin.transcode.picture.colour import in_8_bits

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT_CHUNKS = (b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"cICP")
_PIXELS = {b"IDAT": 0, b"fdAT": 4}  # chunks, and how many bytes stand before their pixels
_DISPOSE_TO_CLEAR, _DISPOSE_TO_PREVIOUS = 1, 2
_BLEND_SOURCE = 0
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
        self._png = _read_apng(source) if image.format == "PNG" and _is_apng(source) else None
        self._turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
        self._stored_size = image.size  # Pillow lets a GIF grow when a frame lies beyond its edge
        self.size = image.size[::-1] if self._turn in _SIDEWAYS else image.size
        self.count = getattr(image, "n_frames", 1) if self._png is None else len(self._png.frames)

    @property
    def is_plain(self) -> bool:
        """Tell whether it is one picture, just as Pillow opens it; an APNG of one frame may show another picture."""
        return self._png is None and self.count == 1

    def frames(self) -> Iterator["ComposedFrame"]:
        """Yield each frame as it shows.

        Raises:
            DECODER_ERRORS: the picture is damaged or incomplete.
        """
        frames = self._pillow_frames() if self._png is None else _compose(self._png, self._image)
        for frame in frames:
            yield frame if self._turn is None else replace(frame, image=frame.image.transpose(self._turn))

    def _pillow_frames(self) -> Iterator["ComposedFrame"]:
        for frame in ImageSequence.Iterator(self._image):
            frame.load()  # WebP and AVIF know the time only after this
            milliseconds = Fraction(frame.info.get("duration", 0) or 0)
            whole = frame.copy() if frame.size == self._stored_size else frame.crop((0, 0, *self._stored_size))
            for tag in ("exif", "xmp"):  # what they say about turning is done here
                whole.info.pop(tag, None)
            yield ComposedFrame(whole, milliseconds, frame.info.get("timestamp"))


@dataclass(frozen=True, slots=True)
class ComposedFrame:
    """One frame as it shows: `milliseconds` as the file has them, and when it starts (ms) if the file says so."""

    image: Image.Image
    milliseconds: Fraction
    starts_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _Control:
    """The chunk fcTL: where a frame lies, how long it shows, what is done before the next one."""

    width: int
    height: int
    left: int
    top: int
    milliseconds: Fraction
    dispose: int
    blend: int


@dataclass(frozen=True, slots=True)
class _Apng:
    """Where the parts of an APNG are: pairs of place and length in the file."""

    source: Path
    header: bytes
    shared: bytes  # chunks that every frame needs
    frames: tuple[tuple[_Control, tuple[tuple[int, int], ...]], ...]


def _read_apng(source: Path) -> _Apng | None:
    """Return the parts of an APNG; None if it is a plain PNG, or if it says that it moves and has no frames.

    Raises:
        ValueError: it is damaged.
    """
    header, shared = b"", b""
    frames: list[tuple[_Control, list[tuple[int, int]]]] = []
    with source.open("rb") as file:
        for name, place, length in _chunks(file):
            if name == b"IHDR":
                header = file.read(length)
            elif name in _KEPT_CHUNKS:
                shared += _chunk(name, file.read(length))
            elif name == b"fcTL":
                frames.append((_control(file.read(length)), []))
            elif name in _PIXELS and frames:
                skipped = _PIXELS[name]
                frames[-1][1].append((place + skipped, length - skipped))
    kept = tuple((control, tuple(data)) for control, data in frames if data)
    return _Apng(source, header, shared, kept) if kept else None


def _is_apng(source: Path) -> bool:
    """Tell whether a PNG says before its first pixels that it moves."""
    with source.open("rb") as file:
        first = next((name for name, _, _ in _chunks(file) if name in (b"acTL", b"IDAT")), None)
    return first == b"acTL"


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, place and length of each chunk up to the end mark; after each one the file is at its data.

    Raises:
        ValueError: the file ends before its end mark, or a chunk that is not pixels is damaged.
    """
    at = len(_SIGNATURE)
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            raise ValueError("ends too early")
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        yield name, at + 8, length
        if name == b"IEND":
            return
        at += 12 + length


def _control(body: bytes) -> _Control:
    _, width, height, left, top, number, unit, dispose, blend = struct.unpack(">IIIIIHHBB", body)
    return _Control(width, height, left, top, Fraction(1000 * number, unit or 100), dispose, blend)


def _compose(png: _Apng, image: Image.Image) -> Iterator[ComposedFrame]:
    canvas = Image.new("RGBA", image.size)
    for number, (control, data) in enumerate(png.frames):
        before = canvas.copy()
        box = (control.left, control.top, control.left + control.width, control.top + control.height)
        if box[2] > canvas.width or box[3] > canvas.height:
            raise ValueError("a frame lies outside of the picture")
        picture = _decode(png, control, data)
        if control.blend == _BLEND_SOURCE:
            canvas.paste(picture, box)
        else:
            canvas.alpha_composite(picture, box[:2])
        shown = canvas.copy()
        if "icc_profile" in image.info:
            shown.info["icc_profile"] = image.info["icc_profile"]
        yield ComposedFrame(shown, control.milliseconds)
        if control.dispose == _DISPOSE_TO_CLEAR or (control.dispose == _DISPOSE_TO_PREVIOUS and number == 0):
            canvas.paste((0, 0, 0, 0), box)
        elif control.dispose == _DISPOSE_TO_PREVIOUS:
            canvas = before


def _decode(png: _Apng, control: _Control, data: tuple[tuple[int, int], ...]) -> Image.Image:
    """Return the pixels of one frame, decoded as a PNG of their own."""
    header = struct.pack(">II", control.width, control.height) + png.header[8:]
    pixels = bytearray()
    with png.source.open("rb") as file:
        for place, length in data:
            file.seek(place)
            pixels += file.read(length)
    single = _SIGNATURE + _chunk(b"IHDR", header) + png.shared + _chunk(b"IDAT", bytes(pixels)) + _chunk(b"IEND", b"")
    with Image.open(io.BytesIO(single)) as image:
        return in_8_bits(image).convert("RGBA")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
