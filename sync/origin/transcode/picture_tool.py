"""The picture tool: converts one picture into an upright, opaque JPEG or PNG, or into a video.

From SOURCE FOLDER LONGEST_EDGE LARGEST_PIXELS it writes `asset` and `thumbnail.jpg` into FOLDER and prints one JSON
object: the facts, or `problem` with exit code 3. `sync.origin.transcode.tool_forker` runs it in a process of its own,
since a picture may exploit or exhaust its decoder. A picture that moves becomes a video; one with a single frame, or
whose frames are all the same, is a picture like any other.

A JPEG that is upright, small enough and without a colour profile keeps its pixels and loses only its tags. Any other
picture is decoded, turned upright, converted to sRGB (HDR is tone-mapped), laid on white (a light drawing on black, so
that a white logo stays visible), reduced to LONGEST_EDGE, and saved as PNG if it was drawn, else as JPEG. A PNG that
was transparent also holds the transparent picture, at most LOGO_EDGE long, in a chunk that only overlays read.
"""

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image, ImageOps, ImageSequence, ImageStat, PngImagePlugin, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import TiffImageFile

from sync.origin.limits.picture_size import DAMAGED, FORMATS
from sync.origin.transcode.film.colour_table import ColourTable
from sync.origin.transcode.picture.animation import LONGEST_HOURS, Survey, save_video, survey
from sync.origin.transcode.picture.colour import apply_table, colour_table_of, in_8_bits, in_srgb
from sync.origin.transcode.picture.frames import DECODER_ERRORS, MOVING_FORMATS, MovingPicture
from sync.origin.transcode.picture.jpeg import strip_jpeg
from sync.wire.content_paths import LOGO_CHUNK, LOGO_EDGE

THUMBNAIL_EDGE = 480
EXIT_UNUSABLE = 3
_DRAWN_FORMATS = ("PNG", "GIF", "BMP", "DIB")
_LIGHT = 160  # of 255; a drawing of at least this mean luminance is laid on black
_QUALITY = 90
_LARGEST_TEXT_BYTES = 16 * 1024**2  # of a comment or colour profile in a PNG, unpacked
_SUBFILE_TYPE = 254  # the tag of TIFF; bit 0: a reduced version of another picture in the file
_NO_PAGE = 0b101  # bit 2: a mask
_SEVERAL_PAGES = "This file has {} pages: the first one is shown. Send each page as a file of its own."
_INCOMPLETE = "This picture is damaged or incomplete. Send it again."


class UnusablePicture(Exception):
    """The picture cannot be shown; the message is for the person who sent it."""


def main(arguments: list[str]) -> int:
    """Run the tool; return its exit code."""
    source, folder = Path(arguments[0]), Path(arguments[1])
    pillow_heif.register_heif_opener()
    warnings.simplefilter("ignore")  # sizes are checked here, and odd tags do no harm
    try:
        facts = convert(source, folder, int(arguments[2]), int(arguments[3]))
    except UnusablePicture as error:
        sys.stdout.write(json.dumps({"problem": str(error)}))
        return EXIT_UNUSABLE
    sys.stdout.write(json.dumps(facts))
    return 0


def convert(source: Path, folder: Path, longest_edge: int, largest_pixels: int) -> dict[str, Any]:
    """Write the asset and the thumbnail; return the facts.

    Raises:
        UnusablePicture: it is not a picture, is damaged, or has more than `largest_pixels`.
    """
    with _open(source, largest_pixels) as image:
        first, facts = _convert(image, source, folder / "asset", longest_edge)
    first.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE))
    first.convert("RGB").save(folder / "thumbnail.jpg", "JPEG", quality=80)
    return facts


def _convert(image: Image.Image, source: Path, target: Path, longest_edge: int) -> tuple[Image.Image, dict[str, Any]]:
    """Write the asset; return the picture, or the first frame of one that moves, and the facts."""
    with _refusing_damage():
        moving = MovingPicture(image, source) if image.format in MOVING_FORMATS else None
        seen = survey(moving) if moving is not None and moving.count > 1 else None
    if moving is not None and seen is not None and seen.moves:
        return _save_moving(moving, seen, target, longest_edge, colour_table_of(source, image))
    loaded = _load(image if moving is None or moving.is_plain else _first_frame(moving), longest_edge)
    if table := colour_table_of(source, image):
        loaded = apply_table(loaded, table, target.parent)
    flat = flatten(loaded)
    facts = _save(source, image, flat, target, longest_edge, _transparent_chunk(loaded))
    return flat, facts | ({"note": _SEVERAL_PAGES.format(pages)} if (pages := _pages(image)) > 1 else {})


def _pages(image: Image.Image) -> int:
    """Return how many pages a TIFF has, without previews and masks of others; 1 for other kinds."""
    if not isinstance(image, TiffImageFile):
        return 1
    pages = 0
    with suppress(*DECODER_ERRORS):  # the first one is whole
        for _ in ImageSequence.Iterator(image):
            pages += not image.tag_v2.get(_SUBFILE_TYPE, 0) & _NO_PAGE
    return pages


def _open(source: Path, largest_pixels: int) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = largest_pixels
    PngImagePlugin.MAX_TEXT_CHUNK = _LARGEST_TEXT_BYTES
    try:
        image = Image.open(source, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise UnusablePicture(DAMAGED) from error
    except Image.DecompressionBombError as error:
        raise UnusablePicture("This picture is too large: it has more pixels than any screen could show.") from error
    except DECODER_ERRORS as error:
        if isinstance(error, ValueError) and "too large" in str(error):
            words = "This picture holds a comment or colour profile that unpacks to too much data."
            raise UnusablePicture(words) from error
        raise UnusablePicture(_INCOMPLETE) from error
    if image.width * image.height > largest_pixels:
        raise UnusablePicture(f"This picture is too large: {image.width} x {image.height} pixels.")
    if isinstance(image, TiffImageFile) and image.tag_v2.get(_SUBFILE_TYPE, 0) & 1:
        raise UnusablePicture("This is a raw photograph, with only a small preview: export it as JPEG.")
    return image


@contextmanager
def _refusing_damage() -> Iterator[None]:
    try:
        yield
    except DECODER_ERRORS as error:
        raise UnusablePicture(_INCOMPLETE) from error


def _first_frame(moving: MovingPicture) -> Image.Image:
    with _refusing_damage():
        return next(moving.frames()).image


def _save_moving(
    moving: MovingPicture, seen: Survey, target: Path, longest_edge: int, table: ColourTable | None
) -> tuple[Image.Image, dict[str, Any]]:
    """Write the video of a moving picture; return its first frame and the facts."""
    hours = sum(seen.durations_ms) / 3_600_000
    if hours > LONGEST_HOURS:
        raise UnusablePicture(f"This moving picture lasts {float(hours):.1f} hours: send it as a film.")
    with _refusing_damage():
        facts = save_video(moving, seen, target, longest_edge, flatten, table)
    first = flatten(_first_frame(moving), seen.ground)
    return (apply_table(first, table, target.parent) if table else first), facts


def _load(image: Image.Image, longest_edge: int) -> Image.Image:
    """Decode the picture, turn it upright and reduce it."""
    image.draft("RGB", (longest_edge, longest_edge))  # a JPEG can be decoded at a smaller size
    with _refusing_damage():
        image.load()
    ImageOps.exif_transpose(image, in_place=True)
    converted = in_8_bits(image)
    converted.thumbnail((longest_edge, longest_edge), Image.Resampling.LANCZOS)  # before more copies are made
    return converted


def flatten(image: Image.Image, colour: tuple[int, int, int] | None = None) -> Image.Image:
    """Return the picture as opaque sRGB, laid on `colour`, else on white, or on black if the drawing is light."""
    converted = in_8_bits(image)
    if converted.mode == "RGBA":
        drawing = in_srgb(converted, "RGBA")
        ground = Image.new("RGBA", drawing.size, _ground_colour(drawing) if colour is None else (*colour, 255))
        return Image.alpha_composite(ground, drawing).convert("RGB")
    return in_srgb(converted, "RGB")


def _transparent_chunk(image: Image.Image) -> PngInfo | None:
    """Return the PNG chunk with the transparent picture; None if it is opaque."""
    if image.mode != "RGBA" or image.getchannel("A").getextrema() == (255, 255):
        return None
    transparent = in_srgb(image, "RGBA")
    transparent.thumbnail((LOGO_EDGE, LOGO_EDGE), Image.Resampling.LANCZOS)
    raw, chunks = BytesIO(), PngInfo()
    transparent.save(raw, "PNG")
    chunks.add(LOGO_CHUNK, raw.getvalue())
    return chunks


def _ground_colour(image: Image.Image) -> tuple[int, int, int, int]:
    alpha = image.getchannel("A")
    visible = ImageStat.Stat(image.convert("L"), mask=alpha)
    light = visible.count[0] > 0 and visible.mean[0] >= _LIGHT
    return (0, 0, 0, 255) if light else (255, 255, 255, 255)


def _save(
    source: Path, image: Image.Image, flat: Image.Image, target: Path, longest_edge: int, chunks: PngInfo | None
) -> dict[str, Any]:
    stripped = strip_jpeg(source.read_bytes()) if _keeps_pixels(image, source, longest_edge) else None
    if stripped is not None:
        target.write_bytes(stripped)
    elif image.format in _DRAWN_FORMATS or image.has_transparency_data:
        flat.save(target, "PNG", pnginfo=chunks)
        return _facts("image/png", flat)
    else:
        flat.save(target, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    return _facts("image/jpeg", flat)


def _facts(media_type: str, flat: Image.Image) -> dict[str, Any]:
    return {
        "kind": "picture",
        "media_type": media_type,
        "width": flat.width,
        "height": flat.height,
        "duration_ms": None,
    }


def _keeps_pixels(image: Image.Image, source: Path, longest_edge: int) -> bool:
    """Tell whether a JPEG is upright, small enough, grey or YCbCr, and without a colour profile."""
    with Image.open(source) as untouched:  # decoding may have reduced `image`
        small = max(untouched.size) <= longest_edge
        upright = untouched.getexif().get(0x0112, 1) == 1
        plain_colours = untouched.mode in ("RGB", "L") and "icc_profile" not in untouched.info
    return image.format == "JPEG" and small and upright and plain_colours
