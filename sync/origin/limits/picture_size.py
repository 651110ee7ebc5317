"""Reads the size of a picture, its frames and how long they play, from its headers; the size tool.

Of SOURCE it prints one JSON object: the facts, or `problem` with exit code 3.
No pixel is decoded. GIF, PNG and WebP are read here, since their libraries allocate a whole frame when they open a
file (34 bytes of WebP may ask for 2 GB); the other formats are opened by Pillow, which reads their headers only.
"""

import json
import struct
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

EXIT_UNUSABLE = 3
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "AVIF", "HEIF")
"""What Pillow may open, with pillow_heif registered; its other formats include some that start other programs."""
DAMAGED = "This picture is damaged, or of an unknown kind."
LONGEST_FRAME_S = 60.0
"""A frame of an animation shows no longer than this."""
_ISO_BRANDS_AVIF = (b"avif", b"avis")
_FASTEST_FPS = 50  # of an animation whose times are not read here


class UnreadablePicture(Exception):
    """The headers are damaged or missing."""


@dataclass(frozen=True, slots=True)
class PictureSize:
    """The size of a picture in pixels, its frames, and for how long they play (0 for one frame)."""

    width: int
    height: int
    frames: int = 1
    seconds: float = 0.0


def main(arguments: list[str]) -> int:
    """Run the tool; return its exit code."""
    try:
        size = read_picture_size(Path(arguments[0]))
    except UnreadablePicture:
        sys.stdout.write(json.dumps({"problem": DAMAGED}))
        return EXIT_UNUSABLE
    sys.stdout.write(json.dumps(asdict(size)))
    return 0


def read_picture_size(source: Path) -> PictureSize:
    """Return what the headers say; raise UnreadablePicture if they are damaged, or of no picture."""
    with source.open("rb") as file:
        head = file.read(16)
        file.seek(0)
        try:
            if head.startswith(b"GIF8"):
                size = _gif(file)
            elif head.startswith(b"\x89PNG"):
                size = _png(file)
            elif head[:4] == b"RIFF":
                size = _webp(file)
            else:
                size = _by_library(source, head)
        except (struct.error, IndexError) as error:  # it ends within a header
            raise UnreadablePicture from error
    if size.width < 1 or size.height < 1 or size.frames < 1:
        raise UnreadablePicture
    return size


# ── GIF ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _gif(file: BinaryIO) -> PictureSize:
    """Walk the blocks; a frame may be larger than the screen it declares."""
    width, height, flags = struct.unpack("<HHB", file.read(13)[6:11])
    _skip_colours(file, flags)
    frames, seconds = 0, 0.0
    while (kind := file.read(1)) in (b"!", b","):
        if kind == b"!":
            label, start = file.read(1), file.tell()
            if label == b"\xf9" and (body := file.read(4))[:1] == b"\x04":
                seconds += min(LONGEST_FRAME_S, struct.unpack("<H", body[2:4])[0] / 100)
            file.seek(start)
            _skip_blocks(file)
        elif len(frame := file.read(9)) == 9:
            x, y, w, h, flags = struct.unpack("<HHHHB", frame)
            width, height, frames = max(width, x + w), max(height, y + h), frames + 1
            _skip_colours(file, flags)
            file.seek(1, 1)
            _skip_blocks(file)
    frames = max(1, frames)
    return PictureSize(width, height, frames, round(seconds, 3) if frames > 1 else 0.0)


def _skip_colours(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << (flags & 7) + 1, 1)


def _skip_blocks(file: BinaryIO) -> None:
    while (length := file.read(1)) not in (b"", b"\0"):
        file.seek(length[0], 1)


# ── PNG and WebP: chunks with a name and a length ──────────────────────────────────────────────────────────────────


def _png(file: BinaryIO) -> PictureSize:
    file.seek(8)
    width = height = frames = 0
    seconds = 0.0
    for name, body in _chunks(file, ">I4s", first_bytes=26, behind_bytes=4):
        if name == b"IHDR":
            width, height = struct.unpack(">II", body[:8])
        elif name == b"fcTL":
            delay, unit = struct.unpack(">HH", body[20:24])
            frames, seconds = frames + 1, seconds + min(LONGEST_FRAME_S, delay / (unit or 100))
        elif name == b"IEND":
            break
    return PictureSize(width, height, max(1, frames), round(seconds, 3) if frames > 1 else 0.0)


def _webp(file: BinaryIO) -> PictureSize:
    file.seek(12)
    width = height = frames = 0
    seconds = 0.0
    for name, body in _chunks(file, "<4sI", first_bytes=16, behind_bytes=0):
        if name == b"VP8X":
            width, height = (int.from_bytes(body[at : at + 3], "little") + 1 for at in (4, 7))
        elif name == b"ANMF":
            frames, seconds = frames + 1, seconds + min(LONGEST_FRAME_S, int.from_bytes(body[12:15], "little") / 1000)
        elif name == b"VP8 " and not width:
            width, height = (edge & 0x3FFF for edge in struct.unpack("<HH", body[6:10]))
        elif name == b"VP8L" and not width:
            bits = struct.unpack("<I", body[1:5])[0]
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return PictureSize(width, height, max(1, frames), round(seconds, 3) if frames > 1 else 0.0)


def _chunks(file: BinaryIO, head: str, *, first_bytes: int, behind_bytes: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the first bytes of each chunk up to the end of the file."""
    while len(raw := file.read(8)) == 8:
        one, other = struct.unpack(head, raw)
        name, length = (other, one) if isinstance(other, bytes) else (one, other)
        start = file.tell()
        yield name, file.read(min(length, first_bytes))
        padding = length & 1 if not behind_bytes else 0  # RIFF keeps chunks even
        file.seek(start + length + padding + behind_bytes)


# ── the other formats ──────────────────────────────────────────────────────────────────────────────────────────────


def _by_library(source: Path, head: bytes) -> PictureSize:
    from PIL import Image  # here and not above: most pictures are read without it, and it takes long to load

    formats: tuple[str, ...] = FORMATS[:-1]
    if head[4:8] == b"ftyp" and head[8:12] not in _ISO_BRANDS_AVIF:
        import pillow_heif

        pillow_heif.register_heif_opener()
        formats = FORMATS
    Image.MAX_IMAGE_PIXELS = None  # the caller judges the size
    warnings.simplefilter("ignore")
    try:
        with Image.open(source, formats=formats) as image:
            frames = getattr(image, "n_frames", 1) if image.format == "AVIF" else 1
            seconds = frames / _FASTEST_FPS if frames > 1 else 0.0
            return PictureSize(image.width, image.height, frames, seconds)
    except (OSError, ValueError, SyntaxError, TypeError, LookupError, OverflowError, EOFError, RuntimeError) as error:
        raise UnreadablePicture from error  # Pillow's readers raise all of these for a damaged file
