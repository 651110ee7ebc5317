"""Takes a GIF apart into its pieces, each of which Pillow decodes as a GIF of its own.

Pillow itself clears to the background colour where no colour of a frame is transparent; browsers always clear to
nothing. Source: Graphics Interchange Format, version 89a.
"""

import io
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from sync.origin.transcode.picture.composition import After, Piece

_AFTER = {2: After.CLEAR, 3: After.RESTORE, 4: After.RESTORE}  # some programs write 4 for 3
_TABLE, _INTERLACED = 0x80, 0x40  # flags of a screen or an image
_NO_CONTROL = bytes(4)


def gif_pieces(source: Path) -> Iterator[Piece]:
    """Yield the pieces up to the end mark, or to the end of the file where there is none.

    Raises:
        ValueError: the file ends within a block.
    """
    with source.open("rb") as file:
        table = _colours(file, _exactly(file, 13)[10])
        control = _NO_CONTROL
        while (kind := file.read(1)) not in (b"", b";"):
            if kind == b"!":
                is_control = _exactly(file, 1) == b"\xf9"
                body = _blocks(file)
                control = body[1:5].ljust(4, b"\0") if is_control else control
            elif kind == b",":
                yield _piece(file, table, control)
                control = _NO_CONTROL


def _piece(file: BinaryIO, table: bytes, control: bytes) -> Piece:
    left, top, width, height, flags = struct.unpack("<HHHHB", _exactly(file, 9))
    table = _colours(file, flags) or table
    single = b"GIF89a" + struct.pack("<HHBBB", width, height, _table_flags(table), 0, 0) + table
    single += b"!\xf9\x04" + control + b"\0," + struct.pack("<HHHHB", 0, 0, width, height, flags & _INTERLACED)
    single += _exactly(file, 1) + _blocks(file) + b"\0;"
    with Image.open(io.BytesIO(single), formats=("GIF",)) as image:
        picture = image.convert("RGBA")
    delay = int.from_bytes(control[1:3], "little")
    return Piece(picture, left, top, Fraction(10 * delay), _AFTER.get(control[0] >> 2 & 7, After.KEEP))


def _colours(file: BinaryIO, flags: int) -> bytes:
    """Return the table of colours that follows, empty if the flags say that there is none."""
    return _exactly(file, 3 << (flags & 7) + 1) if flags & _TABLE else b""


def _table_flags(table: bytes) -> int:
    return _TABLE | (len(table) // 3).bit_length() - 2 if table else 0


def _blocks(file: BinaryIO) -> bytes:
    """Return the blocks that follow with their lengths, without the empty one at their end."""
    found = bytearray()
    while (length := _exactly(file, 1)) != b"\0":
        found += length + _exactly(file, length[0])
    return bytes(found)


def _exactly(file: BinaryIO, length: int) -> bytes:
    found = file.read(length)
    if len(found) < length:
        raise ValueError("the file ends too early")
    return found
