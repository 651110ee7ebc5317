"""The colours of pictures: from what a file says about them to sRGB in 8 bits.

A file says it with an ICC profile, with code points (CICP: AVIF, HEIF and PNG may be HDR), or, in old PNGs, with a
gamma. Without any of these a picture is sRGB. Values deeper than 8 bits are reduced.
"""

import subprocess
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageCms

from sync.origin.transcode.film.colour import TABLE_FILE, TABLE_FILTER
from sync.origin.transcode.film.colour_table import ColourTable, Primaries, Transfer, table_text

_HEAD_BYTES = 256 * 1024
_CODE_POINT_BOXES = (b"colrnclx", b"cICP")  # of AVIF and HEIF (two bytes each), of PNG (one byte each)
_PRIMARIES = {9: Primaries.BT2020, 11: Primaries.P3, 12: Primaries.P3}  # ITU-T H.273, table 2
_TRANSFERS = {16: Transfer.PQ, 18: Transfer.HLG}  # table 3
_PLAIN = (1, 13)  # the code points of sRGB
_SRGB_GAMMA = 0.45455
_GREY_16 = ("I;16", "I;16B", "I;16L")


def colour_table_of(source: Path, image: Image.Image) -> ColourTable | None:
    """Return the table that its code points need; None if they are plain, or a profile counts.

    In a PNG the code points count before a profile (its third edition, 4.3).
    """
    with source.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if image.format == "PNG":
        points = _png_points(head)
    elif "icc_profile" in image.info:
        return None
    else:
        points = _heif_points(head, image)
    transfer, primaries = _TRANSFERS.get(points[1], Transfer.SRGB), _PRIMARIES.get(points[0], Primaries.BT709)
    plain = transfer is Transfer.SRGB and primaries is Primaries.BT709
    return None if plain else ColourTable(transfer, primaries)


def apply_table(image: Image.Image, table: ColourTable, folder: Path) -> Image.Image:
    """Return the picture as RGB, or RGBA, with the colours that a BT.709 screen shows; the table goes into `folder`.

    ffmpeg does it: Pillow would mix the eight colours around each, of which a grey has none in common.
    """
    with (folder / TABLE_FILE).open("w") as file:
        file.writelines(table_text(table))
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24")
    size = ("-s", f"{image.width}x{image.height}")
    command = (
        "ffmpeg",
        "-v",
        "error",
        *raw,
        *size,
        "-i",
        "pipe:0",
        "-vf",
        f"format=gbrp,{TABLE_FILTER}",
        *raw,
        "pipe:1",
    )
    result = subprocess.run(command, input=image.convert("RGB").tobytes(), capture_output=True, check=True, cwd=folder)
    converted = Image.frombytes("RGB", image.size, result.stdout)
    if image.mode == "RGBA":
        converted.putalpha(image.getchannel("A"))
    return converted


def write_table(table: ColourTable, folder: Path) -> None:
    """Write the table to where ffmpeg finds it when it runs in `folder`."""
    with (folder / TABLE_FILE).open("w") as file:
        file.writelines(table_text(table))


def in_8_bits(image: Image.Image) -> Image.Image:
    """Return the picture with 8 bits a channel and without a palette, as RGBA if it is transparent anywhere."""
    if image.mode in (*_GREY_16, "I", "F"):  # `convert` alone would clip
        return _reduce_grey(image)
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "CMYK", "L", "LAB") else image.convert("RGB")


def in_srgb(image: Image.Image, mode: str) -> Image.Image:
    """Return the picture in sRGB, as RGB or RGBA, without what says otherwise.

    With a profile that is damaged, or for other channels, the colours stay as stored.
    """
    profile, gamma = image.info.get("icc_profile"), image.info.get("gamma")
    converted = _convert_profile(image, profile, mode) if profile else image.convert(mode)
    if gamma and not profile and 0.1 < gamma < 10 and not 0.4 < gamma < 0.5 and "srgb" not in image.info:
        curve = [round(255 * (value / 255) ** (_SRGB_GAMMA / gamma)) for value in range(256)]
        converted = converted.point(curve * 3 + list(range(256)) * (len(mode) - 3))
    converted.info = {key: value for key, value in converted.info.items() if key not in ("icc_profile", "gamma")}
    return converted


def _convert_profile(image: Image.Image, profile: bytes, mode: str) -> Image.Image:
    if mode == "RGBA" and profile[16:20] == b"GRAY":  # profiles have no transparency: it is put back
        opaque = _convert_profile(image.convert("L"), profile, "RGB")
        opaque.putalpha(image.getchannel("A"))
        return opaque
    intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
    srgb = ImageCms.createProfile("sRGB")
    try:
        converted = ImageCms.profileToProfile(
            image, BytesIO(profile), srgb, renderingIntent=intent, outputMode=mode, flags=flags
        )
    except ImageCms.PyCMSError:
        return image.convert(mode)
    return converted if converted is not None else image.convert(mode)


def _reduce_grey(image: Image.Image) -> Image.Image:
    """Return 8 bits of grey: of 16 or 32 bits the highest, of floating-point numbers up to 1 their 255-fold."""
    wide = image.convert("I") if image.mode in _GREY_16 else image
    low, high = wide.getextrema()
    assert isinstance(low, int | float) and isinstance(high, int | float)
    if wide.mode == "F":
        factor = 255.0 if high <= 1.0 else 255 / high if high > 255 else 1.0
    else:
        factor = 1 / 256 if high < 65536 else 1 / 2**23
    return wide.point(lambda value: value * factor + 0).convert("L")


def _heif_points(head: bytes, image: Image.Image) -> tuple[int, int]:
    if told := image.info.get("nclx_profile"):  # of the picture that is shown; a gain map beside it has others
        return told["color_primaries"], told["transfer_characteristics"]
    if image.format != "AVIF":
        return _PLAIN
    at = head.find(_CODE_POINT_BOXES[0]) + len(_CODE_POINT_BOXES[0])
    if at < len(_CODE_POINT_BOXES[0]) or at + 4 > len(head):
        return _PLAIN
    return int.from_bytes(head[at : at + 2], "big"), int.from_bytes(head[at + 2 : at + 4], "big")


def _png_points(head: bytes) -> tuple[int, int]:
    end = head.find(b"IDAT")  # before it, or it does not count
    at = head.find(_CODE_POINT_BOXES[1], 0, max(end, 0)) + 4
    return (head[at], head[at + 1]) if at >= 4 else _PLAIN
