"""Takes an APNG apart into its pieces, each of which Pillow decodes as a PNG of its own.

Pillow itself darkens half-transparent pieces where they lie on nothing. Source: Portable Network Graphics
Specification, third edition.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from sync.origin.transcode.picture.colour import in_8_bits
from sync.origin.transcode.picture.composition import After, Piece

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT_CHUNKS = (b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"cICP")
_PIXELS = {b"IDAT": 0, b"fdAT": 4}  # chunks, and how many bytes stand before their pixels
_AFTER = {1: After.CLEAR, 2: After.RESTORE}
_BLEND_SOURCE = 0


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
class Apng:
    """Where the parts of an APNG are: pairs of place and length in the file."""

    source: Path
    header: bytes
    shared: bytes  # chunks that every frame needs
    frames: tuple[tuple[_Control, tuple[tuple[int, int], ...]], ...]


def read_apng(source: Path) -> Apng | None:
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
    return Apng(source, header, shared, kept) if kept else None


def is_apng(source: Path) -> bool:
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


def apng_pieces(png: Apng) -> Iterator[Piece]:
    """Yield the pieces.

    Raises:
        ValueError: one lies outside of the picture.
    """
    width, height = struct.unpack(">II", png.header[:8])
    for control, data in png.frames:
        if control.left + control.width > width or control.top + control.height > height:
            raise ValueError("a frame lies outside of the picture")
        after = _AFTER.get(control.dispose, After.KEEP)
        picture = _decode(png, control, data)
        yield Piece(picture, control.left, control.top, control.milliseconds, after, control.blend != _BLEND_SOURCE)


def _decode(png: Apng, control: _Control, data: tuple[tuple[int, int], ...]) -> Image.Image:
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
