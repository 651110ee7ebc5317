"""What headers say of pictures, without a pixel being decoded."""

import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random

import pillow_heif
import pytest
from PIL import Image

from sync.origin.limits.picture_size import EXIT_UNUSABLE, PictureSize, UnreadablePicture, read_picture_size


def gif_of(frames: int, width: int, height: int, *, screen: tuple[int, int] | None = None) -> bytes:
    """Return a GIF whose frames hold next to nothing, 23 bytes each."""
    delay = b"!\xf9\x04\0\x0a\0\0\0"
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", *(screen or (width, height)), 0, 0, 0) + (delay + frame) * frames + b";"


def webp_of(width: int, height: int) -> bytes:
    """Return 34 bytes of WebP with a canvas of this size."""
    canvas = bytes([0x10, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + b"ICCP"
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def slow_gif(frames: int) -> bytes:
    """Return a GIF whose frames stay as long as a GIF can say, 655 s."""
    return gif_of(frames, 9, 9).replace(b"\xf9\x04\0\x0a\0", b"\xf9\x04\0\xff\xff")


def png_of(width: int, height: int, *more: tuple[bytes, bytes]) -> bytes:
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), *more)
    coded = (struct.pack(">I", len(body)) + n + body + struct.pack(">I", zlib.crc32(n + body)) for n, body in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(coded)


def apng_frame(number: int) -> tuple[bytes, bytes]:
    return b"fcTL", struct.pack(">IIIIIHHBB", number, 9, 9, 0, 0, 1, 10, 0, 0)


@pytest.mark.parametrize(
    ("raw", "size"),
    [
        (gif_of(3000, 8000, 8000), PictureSize(8000, 8000, 3000, 300.0)),
        (gif_of(2, 60_000, 60_000, screen=(1, 1)), PictureSize(60_000, 60_000, 2, 0.2)),
        (gif_of(1, 30, 20), PictureSize(30, 20)),
        (slow_gif(2), PictureSize(9, 9, 2, 120.0)),
        (gif_of(3, 30, 20)[:-30], PictureSize(30, 20, 1)),
        (webp_of(16_384, 16_384), PictureSize(16_384, 16_384)),
        (png_of(60_000, 50_000, (b"IDAT", b"")), PictureSize(60_000, 50_000)),
        (png_of(9, 9, *(apng_frame(n) for n in range(40))), PictureSize(9, 9, 40, 4.0)),
        (png_of(9, 9, (b"acTL", struct.pack(">II", 2**31, 0))), PictureSize(9, 9)),
        (b"BM" + bytes(12) + struct.pack("<IiiHHIIiiII", 40, 50_000, 40_000, 1, 24, 0, 0, 0, 0, 0, 0),
         PictureSize(50_000, 40_000)),
    ],
)  # fmt: skip
def test_a_few_bytes_tell_how_large_a_picture_would_be(raw: bytes, size: PictureSize, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(raw)
    assert read_picture_size(tmp_path / "file") == size


def animated(kind: str) -> Callable[[Path], None]:
    frames = [Image.new("RGB", (30, 20), (40 * n, 0, 0)) for n in range(4)]
    return lambda path: frames[0].save(path, kind, save_all=True, append_images=frames[1:], duration=[50, 70, 90, 30])


def still(kind: str, mode: str = "RGB", **options: object) -> Callable[[Path], None]:
    return lambda path: Image.new(mode, (30, 20)).save(path, kind, **options)


WHOLE: dict[str, tuple[Callable[[Path], None], PictureSize]] = {
    **{kind: (still(kind), PictureSize(30, 20)) for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF")},
    "WEBP lossless": (still("WEBP", lossless=True), PictureSize(30, 20)),
    "WEBP transparent": (still("WEBP", "RGBA"), PictureSize(30, 20)),
    "HEIC": (lambda path: pillow_heif.from_pillow(Image.new("RGB", (64, 48))).save(path), PictureSize(64, 48)),
    "GIF moving": (animated("GIF"), PictureSize(30, 20, 4, 0.24)),
    "WEBP moving": (animated("WEBP"), PictureSize(30, 20, 4, 0.24)),
    "PNG moving": (animated("PNG"), PictureSize(30, 20, 4, 0.24)),
    "AVIF moving": (animated("AVIF"), PictureSize(30, 20, 4, 0.08)),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_pictures_are_read_and_damaged_ones_are_read_or_refused(kind: str, tmp_path: Path) -> None:
    make, size = WHOLE[kind]
    path, rng = tmp_path / "file", Random(7)
    make(path)
    raw = path.read_bytes()
    read = read_picture_size(path)
    assert (read.width, read.height, read.frames, round(read.seconds, 3)) == (
        size.width, size.height, size.frames, size.seconds,
    )  # fmt: skip
    for number in range(60):
        bad = bytearray(raw)
        for _ in range(rng.choice((1, 4))):
            bad[rng.randrange(min(len(bad), 200))] = rng.randrange(256)
        path.write_bytes(bad[: len(bad) if number % 2 else rng.randrange(len(bad))])
        try:
            assert read_picture_size(path).frames >= 1
        except UnreadablePicture:
            continue


def test_the_tool_tells_the_size_or_the_problem(tmp_path: Path) -> None:
    tool = "import sys; from sync.origin.limits.picture_size import main; sys.exit(main(sys.argv[1:]))"
    command = ("prlimit", f"--as={200 * 1024**2}", sys.executable, "-c", tool)
    (tmp_path / "bomb").write_bytes(webp_of(16_384, 16_384))
    done = subprocess.run((*command, str(tmp_path / "bomb")), capture_output=True, check=True)
    assert json.loads(done.stdout)["width"] == 16_384
    (tmp_path / "other").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    done = subprocess.run((*command, str(tmp_path / "other")), capture_output=True, check=False)
    assert done.returncode == EXIT_UNUSABLE and "damaged" in json.loads(done.stdout)["problem"]
