"""The picture tool, a program of its own: one picture in, an upright opaque JPEG or PNG (or a film, if it moves) out.

`python -m sync.origin.pictures SOURCE FOLDER LONGEST_EDGE LARGEST_PIXELS` writes `asset` and `thumbnail.jpg` into
FOLDER and prints one JSON object: the facts, or `problem` with exit code 3. Run it under limits (`child.py`): a
picture is a program for its decoder.

A JPEG that is upright, small enough and in plain colours keeps its very pixels, only its tags go. All else is decoded:
rotation baked, colour profile applied, alpha laid on white (on black if what is drawn is light: a white logo stays
visible), reduced to LONGEST_EDGE, saved as JPEG if it was a photograph, as PNG if it was drawn. Such a PNG also carries
the clear picture, at most LOGO_EDGE long, in a chunk only overlays read.
"""

import json
import sys
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image, ImageCms, ImageOps, ImageStat, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from sync.origin.transcode.animation import save_video
from sync.wire.overlay import LOGO_CHUNK, LOGO_EDGE

THUMBNAIL_EDGE = 480
EXIT_UNUSABLE = 3
_DRAWN = ("PNG", "GIF", "BMP", "DIB")
_LIGHT = 160  # mean luminance of 255 from which a drawing is laid on black
_QUALITY = 90
_STRIPPED_MARKERS = frozenset(range(0xE1, 0xF0)) - {0xEE} | {0xFE}  # APP1-15 but Adobe's colour tag, and comments


class UnusablePicture(Exception):
    """The picture cannot be shown; the message is for the person who sent it."""


def main(arguments: list[str]) -> int:
    """Run the tool; return its exit code."""
    source, folder = Path(arguments[0]), Path(arguments[1])
    pillow_heif.register_heif_opener()
    warnings.simplefilter("ignore")  # we judge sizes ourselves, and odd tags harm nobody
    try:
        facts = convert(source, folder, int(arguments[2]), int(arguments[3]))
    except UnusablePicture as error:
        sys.stdout.write(json.dumps({"problem": str(error)}))
        return EXIT_UNUSABLE
    sys.stdout.write(json.dumps(facts))
    return 0


def convert(source: Path, folder: Path, longest_edge: int, largest_pixels: int) -> dict[str, Any]:
    """Make the asset and the small picture; return the facts.

    Raises:
        Refused: it is no picture, damaged, or larger than `largest_pixels`.
    """
    image = _open(source, largest_pixels)
    if getattr(image, "n_frames", 1) > 1 and image.format in ("GIF", "WEBP", "PNG"):
        first = flatten(image.copy())
        facts = save_video(image, folder / "asset", longest_edge, flatten)
    else:
        loaded = _load(image, longest_edge)
        first = flatten(loaded)
        facts = _save(source, image, first, folder / "asset", longest_edge, _clear(loaded))
    first.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
    first.convert("RGB").save(folder / "thumbnail.jpg", "JPEG", quality=80)
    return facts


def _open(source: Path, largest_pixels: int) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = largest_pixels
    try:
        image = Image.open(source)
    except UnidentifiedImageError as error:
        raise UnusablePicture("This picture is damaged, or of a kind we do not know.") from error
    except Image.DecompressionBombError as error:
        raise UnusablePicture("This picture is too large: it has more pixels than any screen could show.") from error
    if image.width * image.height > largest_pixels:
        raise UnusablePicture(f"This picture is too large: {image.width} x {image.height} pixels.")
    return image


def _load(image: Image.Image, longest_edge: int) -> Image.Image:
    """Decode all of it and make it upright and small enough."""
    image.draft("RGB", (longest_edge, longest_edge))  # a JPEG decodes smaller at once
    try:
        image.load()
    except OSError as error:
        raise UnusablePicture("This picture is damaged or incomplete. Send it again.") from error
    ImageOps.exif_transpose(image, in_place=True)
    coloured = _coloured(image)
    coloured.thumbnail((longest_edge, longest_edge), Image.Resampling.LANCZOS)  # before more copies of it are made
    return coloured


def flatten(image: Image.Image) -> Image.Image:
    """Return the picture as opaque sRGB; what was clear becomes white, or black below a light drawing."""
    plain = _coloured(image)
    if plain.mode == "RGBA":
        plain = _in_srgb(plain, "RGBA")
        below = Image.new("RGBA", plain.size, _below(plain))
        return Image.alpha_composite(below, plain).convert("RGB")
    return _in_srgb(plain, "RGB")


def _clear(image: Image.Image) -> PngInfo | None:
    """Return the chunk with the picture as it was sent; None if nothing of it is clear."""
    if image.mode != "RGBA" or image.getchannel("A").getextrema() == (255, 255):
        return None
    clear = _in_srgb(image, "RGBA")
    clear.thumbnail((LOGO_EDGE, LOGO_EDGE), Image.Resampling.LANCZOS)
    raw, chunks = BytesIO(), PngInfo()
    clear.save(raw, "PNG")
    chunks.add(LOGO_CHUNK, raw.getvalue())
    return chunks


def _coloured(image: Image.Image) -> Image.Image:
    """Return it in 8 bits a channel, as RGBA if anything of it is clear, without a palette."""
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):  # plain conversion would clip
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "CMYK", "L") else image.convert("RGB")


def _below(image: Image.Image) -> tuple[int, int, int, int]:
    alpha = image.getchannel("A")
    drawn = ImageStat.Stat(image.convert("L"), mask=alpha)
    light = drawn.count[0] > 0 and drawn.mean[0] >= _LIGHT
    return (0, 0, 0, 255) if light else (255, 255, 255, 255)


def _in_srgb(image: Image.Image, mode: str) -> Image.Image:
    profile = image.info.get("icc_profile")
    if profile:
        try:
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, BytesIO(profile), target, outputMode=mode)
        except ImageCms.PyCMSError:
            return image.convert(mode)  # a profile for other channels, or a damaged one: colours as stored
        return converted if converted is not None else image.convert(mode)
    return image.convert(mode)


def _save(
    source: Path, image: Image.Image, plain: Image.Image, target: Path, longest_edge: int, clear: PngInfo | None
) -> dict[str, Any]:
    bare = strip_jpeg(source.read_bytes()) if _kept(image, source, longest_edge) else None
    if bare is not None:
        target.write_bytes(bare)
    elif image.format in _DRAWN or image.has_transparency_data:
        plain.save(target, "PNG", pnginfo=clear)
        return _facts("image/png", plain)
    else:
        plain.save(target, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    return _facts("image/jpeg", plain)


def _facts(media_type: str, plain: Image.Image) -> dict[str, Any]:
    return {
        "kind": "picture",
        "media_type": media_type,
        "width": plain.width,
        "height": plain.height,
        "duration_ms": None,
    }


def _kept(image: Image.Image, source: Path, longest_edge: int) -> bool:
    """Tell whether a JPEG can stay as it is: upright, small enough, grey or YCbCr without a profile to apply."""
    with Image.open(source) as untouched:  # `image` was reduced while decoding
        small = max(untouched.size) <= longest_edge
        upright = untouched.getexif().get(0x0112, 1) == 1
        plain = untouched.mode in ("RGB", "L") and "icc_profile" not in untouched.info
    return image.format == "JPEG" and small and upright and plain


def strip_jpeg(raw: bytes) -> bytes | None:
    """Return a JPEG without tags, comments and what follows its end; None if its segments do not read plainly."""
    kept, at = bytearray(raw[:2]), 2
    while at + 4 <= len(raw) and raw[at] == 0xFF:
        marker, length = raw[at + 1], int.from_bytes(raw[at + 2 : at + 4], "big")
        if marker == 0xDA:  # the pixels, up to the end mark
            end = raw.rfind(b"\xff\xd9")
            return bytes(kept + raw[at : end + 2]) if end > at else None
        if marker not in _STRIPPED_MARKERS:
            kept += raw[at : at + 2 + length]
        at += 2 + length
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
