"""The colours that pictures with profiles, code points, gamma or more than 8 bits have in their asset."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

from sync.origin.transcode.picture_tool import convert
from sync.wire.release import MediaKind
from tests.origin.media_origin import MediaOrigin
from tests.origin.transcode.film.patches import make_film
from tests.origin.transcode.moving_samples import png_chunk
from tests.origin.transcode.test_pictures import near

Colour = tuple[int, int, int]
SIZE = (64, 32)
ORANGE, GREY, WHITE_PQ, WHITE_HLG = (200, 100, 50), (128, 128, 128), (148, 148, 148), (191, 191, 191)
# Red, green and blue of Display P3 as CIE XYZ under D50, as its profile states them.
P3 = ((0.5151, 0.2412, -0.0011), (0.292, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))


def profile(primaries: tuple[tuple[float, ...], ...], gamma: float) -> bytes:
    """Return an ICC profile (version 2) of a screen with these primaries."""
    points = ((0.9642, 1.0, 0.8249), *primaries)
    tags = [
        (name, b"XYZ \0\0\0\0" + fixed(*xyz))
        for name, xyz in zip((b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ"), points, strict=True)
    ]
    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(gamma * 256))
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, data, offset = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, body in tags:
        table += struct.pack(">4sII", name, offset + len(data), len(body))
        data += body
    size = offset + len(data)
    head = struct.pack(">I4xI4s4s4s12x4s", size, 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp") + bytes(28)
    return head + fixed(0.9642, 1.0, 0.8249) + bytes(48) + table + data


def ink_profile() -> bytes:
    """Return an ICC profile (version 2) of a press: cyan is as printed, other inks are not seen."""

    def lab(lightness: float, a: int, b: int) -> bytes:
        return bytes((round(lightness * 2.55), a + 128, b + 128))

    plain_curve = bytes(range(256))
    inks = b"".join(lab(55, -37, -50) if cyan else lab(100, 0, 0) for cyan in (0, 1) for _ in range(8))
    table = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += plain_curve * 4 + inks + plain_curve * 3
    head = struct.pack(">I4xI4s4s4s12x4s", 144 + len(table), 0x02400000, b"prtr", b"CMYK", b"Lab ", b"acsp") + bytes(28)
    return head + fixed(0.9642, 1.0, 0.8249) + bytes(48) + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table


def fixed(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def plain(colour: Colour) -> Image.Image:
    return Image.new("RGB", SIZE, colour)


def deep_png(path: Path, colour_type: int, values: tuple[int, ...], *chunks: bytes) -> None:
    """Write a PNG of one colour with 16 bits a channel, and with chunks before its pixels."""
    row = b"\0" + struct.pack(f">{len(values)}H", *values) * SIZE[0]
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", *SIZE, 16, colour_type, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(row * SIZE[1]))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + pixels + png_chunk(b"IEND", b""))


def heic(path: Path, colour: Colour, primaries: int, transfer: int) -> None:
    """Write a HEIC that states its colours as code points."""
    points = {"color_primaries": primaries, "transfer_characteristics": transfer, "matrix_coefficients": 9}
    picture = pillow_heif.from_pillow(plain(colour))
    picture.save(path, format="HEIF", quality=95, **points, full_range_flag=1)


def deep_heic(path: Path) -> None:
    """Write a HEIC in 10 bits, in limited range."""
    samples = struct.pack("<3H", 0xC8C8, 0x6464, 0x3232) * SIZE[0] * SIZE[1]
    pillow_heif.from_bytes("RGB;16", SIZE, samples).save(path, format="HEIF", quality=95, full_range_flag=0)


P3_PROFILE = profile(P3, 2.2)
PICTURES: dict[str, tuple[Callable[[Path], object], Colour]] = {
    "P3 JPEG": (lambda path: plain(ORANGE).save(path, "JPEG", icc_profile=P3_PROFILE, quality=95), (216, 92, 24)),
    "P3 PNG": (lambda path: plain(ORANGE).save(path, "PNG", icc_profile=P3_PROFILE), (216, 92, 24)),
    "P3 red": (lambda path: plain((255, 0, 0)).save(path, "PNG", icc_profile=P3_PROFILE), (255, 0, 0)),
    "transparent P3": (
        lambda path: plain(ORANGE).convert("RGBA").save(path, "WEBP", icc_profile=P3_PROFILE, lossless=True),
        (216, 92, 24),
    ),
    "damaged profile": (lambda path: plain(ORANGE).save(path, "PNG", icc_profile=b"nonsense" * 30), ORANGE),
    "profile for other channels": (
        lambda path: plain(GREY).convert("L").save(path, "PNG", icc_profile=P3_PROFILE),
        GREY,
    ),
    "CMYK JPEG": (lambda path: plain(ORANGE).convert("CMYK").save(path, "JPEG", quality=95), ORANGE),
    "CMYK TIFF": (lambda path: plain(ORANGE).convert("CMYK").save(path, "TIFF"), ORANGE),
    "16 bits": (lambda path: deep_png(path, 2, (0xC8C8, 0x6464, 0x3232)), ORANGE),
    "16 bits and alpha": (lambda path: deep_png(path, 6, (0xC8C8, 0x6464, 0x3232, 0xFFFF)), ORANGE),
    "16 bits of grey": (lambda path: Image.new("I;16", SIZE, 0x8080).save(path, "TIFF"), GREY),
    "32 bits of grey": (lambda path: Image.new("I", SIZE, 0x40404040).save(path, "TIFF"), GREY),
    "floating point": (lambda path: Image.new("F", SIZE, 0.5).save(path, "TIFF"), GREY),
    "linear PNG": (lambda path: deep_png(path, 2, (0x8080,) * 3, gamma_chunk(1.0)), (187, 187, 187)),
    "gamma of a screen": (lambda path: deep_png(path, 2, (0x8080,) * 3, gamma_chunk(0.45455)), GREY),
    "PQ PNG": (lambda path: deep_png(path, 2, (0x9494,) * 3, code_points(9, 16)), (226, 226, 226)),
    "PQ PNG with gamma": (
        lambda path: deep_png(path, 2, (0x9494,) * 3, gamma_chunk(1.0), code_points(9, 16)),
        (226, 226, 226),
    ),
    "PQ PNG with a profile": (  # its code points count
        lambda path: deep_png(path, 2, (0x9494,) * 3, profile_chunk(P3_PROFILE), code_points(9, 16)),
        (226, 226, 226),
    ),
    "16 bits with a profile": (
        lambda path: deep_png(path, 2, (0xC8C8, 0x6464, 0x3232), profile_chunk(P3_PROFILE)),
        (216, 92, 24),
    ),
    "P3 PNG by code points": (
        lambda path: deep_png(path, 2, (0xC8C8, 0x6464, 0x3232), code_points(12, 13)),
        (215, 93, 31),
    ),
    "P3 HEIC by code points": (lambda path: heic(path, ORANGE, 12, 13), (215, 93, 31)),
    "P3 AVIF": (lambda path: plain(ORANGE).save(path, "AVIF", icc_profile=P3_PROFILE, quality=95), (216, 92, 24)),
    "10 bits HEIC": (deep_heic, ORANGE),
    "CMYK JPEG with a profile": (
        lambda path: Image.new("CMYK", SIZE, (255, 0, 0, 0)).save(path, "JPEG", icc_profile=ink_profile(), quality=95),
        (0, 151, 218),
    ),
    "PQ HEIC": (lambda path: heic(path, WHITE_PQ, 9, 16), (226, 226, 226)),
    "HLG HEIC": (lambda path: heic(path, WHITE_HLG, 9, 18), (226, 226, 226)),
    "plain HEIC": (lambda path: heic(path, GREY, 1, 13), GREY),
}


def profile_chunk(raw: bytes) -> bytes:
    return png_chunk(b"iCCP", b"x\0\0" + zlib.compress(raw))


def code_points(primaries: int, transfer: int) -> bytes:
    return png_chunk(b"cICP", bytes((primaries, transfer, 0, 1)))


def gamma_chunk(gamma: float) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_the_colours_that_its_file_means(tmp_path: Path, name: str) -> None:
    write, expected = PICTURES[name]
    write(tmp_path / "picture")
    pillow_heif.register_heif_opener()
    convert(tmp_path / "picture", tmp_path, longest_edge=3840, largest_pixels=10**6)
    with Image.open(tmp_path / "asset") as made:
        assert made.mode in ("RGB", "L") and "icc_profile" not in made.info
        assert near(made.convert("RGB").getpixel((20, 16)), expected, off=4), made.convert("RGB").getpixel((20, 16))


async def test_hdr_avif_is_tone_mapped(media_origin: MediaOrigin, tmp_path: Path) -> None:
    white = (0.75, 0.75, 0.75)
    colours = "setparams=range=pc:color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
    filters = f"zscale=matrixin=gbr:rangein=full:matrix=2020_ncl:range=full,format=yuv420p10le,{colours}"
    encoder = ("-c:v", "libaom-av1", "-crf", "10", "-cpu-used", "8", "-frames:v", "1", "-still-picture", "1")
    row = await media_origin.process_file(make_film(tmp_path / "still.avif", [white], filters, *encoder))
    assert row.asset and row.asset.kind is MediaKind.PICTURE, row.problem
    with Image.open(media_origin.asset_file(row)) as made:
        assert near(made.getpixel((16, 16)), (226, 226, 226), off=3)
