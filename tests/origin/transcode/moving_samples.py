"""Writes GIF, APNG and animated WebP frame by frame, and composes them as browsers do: the reference of the tests."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

Colour = tuple[int, int, int, int]
CLEAR: Colour = (0, 0, 0, 0)

KEEP, CLEAN, RESTORE = "keep", "clean", "restore"
"""What becomes of a frame's area before the next one is drawn."""


@dataclass(frozen=True)
class Frame:
    """One frame: a box of one colour at a place, its time (ms), what follows it, and whether it blends."""

    colour: Colour
    box: tuple[int, int, int, int]  # left, top, right, bottom
    ms: float = 100
    after: str = KEEP
    blend: bool = True
    holes: tuple[tuple[int, int], ...] = ()  # clear pixels, seen from the left top of the box

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]

    def picture(self) -> Image.Image:
        """Return the pixels of the box."""
        image = Image.new("RGBA", self.size, self.colour)
        for hole in self.holes:
            image.putpixel(hole, CLEAR)
        return image


def composed(size: tuple[int, int], frames: Sequence[Frame]) -> Iterator[Image.Image]:
    """Yield what a browser shows for each frame, with transparency."""
    canvas = Image.new("RGBA", size, CLEAR)
    for frame in frames:
        before = canvas.copy()
        picture = frame.picture()
        if frame.blend:
            canvas.alpha_composite(picture, frame.box[:2])
        else:
            canvas.paste(picture, frame.box[:2])
        yield canvas.copy()
        if frame.after == RESTORE:
            canvas = before
        elif frame.after == CLEAN:
            canvas.paste(CLEAR, frame.box)


def gif(size: tuple[int, int], frames: Sequence[Frame], *, loops: int | None = 0, background: int = 0) -> bytes:
    """Return a GIF; transparency is all or nothing there. `loops` None: without the block that says so."""
    out = bytearray(b"GIF89a" + struct.pack("<HHBBB", *size, 0xF0, background, 0) + bytes((9, 9, 9, 250, 240, 10)))
    if loops is not None:
        out += b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", loops) + b"\0"
    for frame in frames:
        single = BytesIO()
        picture, palette = frame.picture(), Image.new("P", frame.size, 1)
        palette.putpalette((0, 0, 0, *frame.colour[:3]))
        for at in [(x, y) for y in range(frame.size[1]) for x in range(frame.size[0])]:
            if picture.getpixel(at)[3] == 0:  # type: ignore[index]
                palette.putpixel(at, 0)
        palette.save(single, "GIF", optimize=False, interlace=0)
        raw = single.getvalue()
        table = 3 << ((raw[10] & 7) + 1)
        start = raw.index(b"\x2c", 13 + table)
        data = raw[start + 10 : raw.rindex(b"\x3b")]
        method = {KEEP: 1, CLEAN: 2, RESTORE: 3}[frame.after]
        out += b"\x21\xf9\x04" + struct.pack("<BHBB", method << 2 | bool(frame.holes), round(frame.ms / 10), 0, 0)
        out += (
            b"\x2c"
            + struct.pack("<HHHHB", *frame.box[:2], *frame.size, 0x80 | raw[10] & 7)
            + raw[13 : 13 + table]
            + data
        )
    return bytes(out + b"\x3b")


def png_chunk(name: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png_rows(picture: Image.Image) -> bytes:
    raw, stride = picture.tobytes(), picture.width * 4
    return zlib.compress(b"".join(b"\0" + raw[at : at + stride] for at in range(0, len(raw), stride)))


def apng(
    size: tuple[int, int], frames: Sequence[Frame], *, loops: int = 0, cover: Colour | None = None, unit: int = 1000
) -> bytes:
    """Return an APNG with times in 1/`unit` s. `cover` is a picture for programs that show no animations."""
    out = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 6, 0, 0, 0))
    out += png_chunk(b"acTL", struct.pack(">II", len(frames), loops))
    if cover is not None:
        out += png_chunk(b"IDAT", _png_rows(Image.new("RGBA", size, cover)))
    number = 0
    for at, frame in enumerate(frames):
        place = (*frame.size, *frame.box[:2], round(frame.ms * unit / 1000), unit)
        after = {KEEP: 0, CLEAN: 1, RESTORE: 2}[frame.after]
        out += png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, *place, after, int(frame.blend)))
        number += 1
        rows = _png_rows(frame.picture())
        if at == 0 and cover is None:
            out += png_chunk(b"IDAT", rows)
        else:
            out += png_chunk(b"fdAT", struct.pack(">I", number) + rows)
            number += 1
    return out + png_chunk(b"IEND", b"")


def _riff(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp(size: tuple[int, int], frames: Sequence[Frame], *, loops: int = 0, background: Colour = CLEAR) -> bytes:
    """Return an animated WebP of lossless frames; boxes start at even places."""
    body = _riff(b"VP8X", struct.pack("<I", 0x12) + _u24(size[0] - 1) + _u24(size[1] - 1))
    body += _riff(b"ANIM", bytes((*background[2::-1], background[3])) + struct.pack("<H", loops))
    for frame in frames:
        single = BytesIO()
        frame.picture().save(single, "WEBP", lossless=True, exact=True)
        raw = single.getvalue()
        at = raw.index(b"VP8L")
        data = raw[at : at + 8 + struct.unpack("<I", raw[at + 4 : at + 8])[0]]
        place = _u24(frame.box[0] // 2) + _u24(frame.box[1] // 2) + _u24(frame.size[0] - 1) + _u24(frame.size[1] - 1)
        flags = (0 if frame.blend else 2) | (1 if frame.after == CLEAN else 0)
        body += _riff(b"ANMF", place + _u24(round(frame.ms)) + bytes((flags,)) + data + b"\0" * (len(data) % 2))
    return _riff(b"RIFF", b"WEBP" + body)


def _u24(value: int) -> bytes:
    return struct.pack("<I", value)[:3]
