"""What pictures become, checked by the pixels of the asset."""

import hashlib
import re
import struct
import subprocess
import zlib
from io import BytesIO
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, ImageDraw

from sync.origin.store.media.media_rows import MediaState
from sync.origin.transcode.picture.animation import frame_repeats, frame_step_ms
from sync.origin.transcode.picture.jpeg import strip_jpeg
from sync.origin.transcode.picture_tool import convert
from sync.wire.chunk_index import load_index
from sync.wire.content_paths import LOGO_CHUNK
from sync.wire.release import MediaKind
from tests.long_tables import in_bench
from tests.origin.media_origin import MediaOrigin, open_media_origin
from tests.origin.samples import BLACK, BLUE, GREEN, RED, WHITE, Samples
from tests.origin.transcode.moving_samples import png_chunk

UPRIGHT = {  # where the left top and the right top of the stored picture lie, in quarters, by the tag of EXIF
    1: ((1, 1), (3, 1)),
    2: ((3, 1), (1, 1)),
    3: ((3, 3), (1, 3)),
    4: ((1, 3), (3, 3)),
    5: ((1, 1), (1, 3)),
    6: ((3, 1), (3, 3)),
    7: ((3, 3), (3, 1)),
    8: ((1, 3), (1, 1)),
}


def near(found: object, expected: tuple[int, int, int], *, off: int = 20) -> bool:
    assert isinstance(found, tuple)
    return all(abs(a - b) <= off for a, b in zip(found, expected, strict=True))


def frames(path: Path, *arguments: str) -> list[tuple[int, int, int]]:
    """Return the middle pixel of every frame of a video, which ffmpeg changes with these `arguments` before."""
    as_ppm = ("-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "pipe:1")
    raw = subprocess.check_output(("ffmpeg", "-v", "error", "-i", str(path), *arguments, *as_ppm))
    head = re.match(rb"P6\n(\d+) (\d+)\n255\n", raw)
    assert head
    width, height = int(head[1]), int(head[2])
    middle = head.end() + (height // 2 * width + width // 2) * 3
    starts = range(middle, len(raw), head.end() + width * height * 3)
    return [tuple(raw[start : start + 3]) for start in starts]  # type: ignore[misc]  # 3 bytes


async def test_exif_rotation_is_applied_to_the_pixels_and_every_tag_is_removed(
    media_origin: MediaOrigin, samples: Samples
) -> None:
    row = await media_origin.process_file(samples.rotated_jpeg())
    assert row.asset and (row.asset.width, row.asset.height) == (200, 400)
    assert row.asset.kind is MediaKind.PICTURE and row.asset.media_type == "image/jpeg"
    with Image.open(media_origin.asset_file(row)) as image:
        assert image.size == (200, 400)
        assert near(image.getpixel((100, 50)), RED) and near(image.getpixel((100, 350)), BLUE)
        assert not image.getexif()
    assert b"Secret" not in media_origin.asset_file(row).read_bytes()


@pytest.mark.parametrize(
    ("kind", "orientation", "shown"),
    [
        *((kind, tag, tag) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF") for tag in range(1, 9)),
        ("HEIF", 6, 8),  # its box says something else than EXIF, and counts
    ],
)
def test_every_orientation_comes_out_upright(tmp_path: Path, kind: str, orientation: int, shown: int) -> None:
    """HEIF and AVIF get boxes for it (`irot`, `imir`), and HEIF EXIF too, as phones write both."""
    pillow_heif.register_heif_opener()
    image, exif = Image.new("RGB", (64, 32), WHITE), Image.Exif()
    ImageDraw.Draw(image).rectangle((0, 0, 31, 15), fill=RED)
    ImageDraw.Draw(image).rectangle((32, 0, 63, 15), fill=BLUE)
    exif[0x0112] = orientation
    options = {"tiffinfo": {0x0112: orientation}} if kind == "TIFF" else {"exif": exif.tobytes(), "quality": 95}
    image.save(tmp_path / "source", kind, **options)
    if shown != orientation:
        raw = (tmp_path / "source").read_bytes()
        (tmp_path / "source").write_bytes(raw.replace(b"irot\3", b"irot\1"))  # quarter turns, anticlockwise
    convert(tmp_path / "source", tmp_path, longest_edge=3840, largest_pixels=10**6)
    with Image.open(tmp_path / "asset") as made:
        wide, high = made.size
        places = {(x, y): (wide * x // 4, high * y // 4) for x in (1, 3) for y in (1, 3)}
        found = {
            color: [at for at, place in places.items() if near(made.getpixel(place), ink, off=40)]
            for color, ink in (("red", RED), ("blue", BLUE))
        }
    assert (wide > high) == (orientation < 5)
    assert found == {"red": [UPRIGHT[shown][0]], "blue": [UPRIGHT[shown][1]]}


async def test_a_plain_jpeg_keeps_its_pixels_and_loses_its_tags(media_origin: MediaOrigin, samples: Samples) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera"
    source = samples.picture("plain.txt", samples.halves(), "JPEG", quality=60, exif=exif, comment=b"Secret")
    row = await media_origin.process_file(source)
    made = media_origin.asset_file(row)
    assert b"Secret" not in made.read_bytes() and made.stat().st_size < source.stat().st_size
    with Image.open(made) as after, Image.open(source) as before:
        assert after.tobytes() == before.tobytes() and after.quantization == before.quantization  # type: ignore[attr-defined]


async def test_a_dark_transparent_drawing_is_laid_on_white_and_a_light_one_on_black(
    media_origin: MediaOrigin, samples: Samples
) -> None:
    for name, ink, ground in (("dark", BLUE, WHITE), ("light", (250, 250, 250), BLACK)):
        image = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
        ImageDraw.Draw(image).rectangle((20, 10, 40, 30), fill=(*ink, 255))
        row = await media_origin.process_file(samples.picture(f"{name}.png", image, "PNG"))
        with Image.open(media_origin.asset_file(row)) as made:
            assert made.mode == "RGB" and made.format == "PNG"
            assert made.getpixel((30, 20)) == ink and made.getpixel((2, 2)) == ground
            transparent = dict(chunk[:2] for chunk in made.private_chunks)[LOGO_CHUNK]  # type: ignore[attr-defined]
        with Image.open(BytesIO(transparent)) as sent:
            assert sent.getpixel((30, 20)) == (*ink, 255) and sent.getpixel((2, 2)) == (0, 0, 0, 0)


async def test_webp_heic_tiff_and_bmp_become_jpeg_or_png_whatever_their_name(
    media_origin: MediaOrigin, samples: Samples
) -> None:
    halves = samples.halves()
    sources = {
        samples.picture("photo.mp4", halves, "WEBP", quality=90): "image/jpeg",
        samples.heic(): "image/jpeg",
        samples.picture("scan.jpg", halves, "TIFF"): "image/jpeg",
        samples.picture("paint.pdf", halves, "BMP"): "image/png",
        samples.picture("print.tif", halves.convert("CMYK"), "TIFF"): "image/jpeg",
    }
    for source, media_type in sources.items():
        row = await media_origin.process_file(source)
        assert row.asset and row.asset.media_type == media_type, (source.name, row.problem)
        with Image.open(media_origin.asset_file(row)) as made:
            assert made.mode == "RGB" and made.size == (400, 200)
            assert near(made.getpixel((50, 100)), RED, off=40) and near(made.getpixel((350, 100)), BLUE, off=40)


async def test_sixteen_bit_grey_is_reduced_to_eight_bits_without_clipping(
    media_origin: MediaOrigin, samples: Samples
) -> None:
    row = await media_origin.process_file(samples.picture("deep.png", Image.new("I;16", (20, 20), 32768), "PNG"))
    with Image.open(media_origin.asset_file(row)) as made:
        assert near(made.convert("RGB").getpixel((5, 5)), (128, 128, 128), off=2)


async def test_a_picture_larger_than_the_longest_edge_is_reduced(tmp_path: Path, samples: Samples) -> None:
    async with open_media_origin(tmp_path, pipeline={"longest_edge": 300}) as media_origin:
        for name, kind in (("big.jpg", "JPEG"), ("big.png", "PNG")):
            row = await media_origin.process_file(samples.picture(name, samples.halves(1200, 400), kind))
            assert row.asset and (row.asset.width, row.asset.height) == (300, 100)
            with Image.open(media_origin.asset_file(row)) as made:
                assert made.size == (300, 100) and near(made.getpixel((10, 50)), RED)


@pytest.mark.parametrize(("name", "kind"), [("a.gif", "GIF"), *in_bench(("a.webp", "WEBP"), ("a.apng", "PNG"))])
async def test_an_animation_becomes_a_video_with_its_own_timing(
    media_origin: MediaOrigin, samples: Samples, name: str, kind: str
) -> None:
    row = await media_origin.process_file(samples.animation(name, kind, [200, 400, 100]))
    assert row.asset, row.problem
    assert row.asset.kind is MediaKind.VIDEO and row.asset.media_type == "video/mp4"
    assert (row.asset.width, row.asset.height) == (52, 32), "H.264 needs even sizes"
    assert row.asset.duration_ms == 700
    shown = frames(media_origin.asset_file(row))
    assert len(shown) == 7 and all(
        near(a, b, off=30) for a, b in zip(shown, [RED] * 2 + [GREEN] * 4 + [BLUE], strict=True)
    )


async def test_a_gif_of_one_frame_is_a_picture(media_origin: MediaOrigin, samples: Samples) -> None:
    row = await media_origin.process_file(samples.animation("still.gif", "GIF", [100]))
    assert row.asset and row.asset.media_type == "image/png"


async def test_a_ready_media_has_an_index_and_a_thumbnail(media_origin: MediaOrigin, samples: Samples) -> None:
    row = await media_origin.process_file(samples.picture("wide.png", samples.halves(1000, 500), "PNG"))
    assert row.asset
    raw = (media_origin.files.content / "index" / row.asset.index).read_bytes()
    assert hashlib.sha256(raw).hexdigest() == row.asset.index and load_index(raw).asset == row.asset.sha256
    assert hashlib.sha256(media_origin.asset_file(row).read_bytes()).hexdigest() == row.asset.sha256
    async with media_origin.http.get(f"{media_origin.url}/v1/media/{row.id}/thumbnail") as answer:
        assert answer.status == 200 and answer.content_type == "image/jpeg"
        (media_origin.files.work / "thumbnail").write_bytes(await answer.read())
    with Image.open(media_origin.files.work / "thumbnail") as small:
        assert small.size == (480, 240)


async def test_a_decompression_bomb_is_refused_by_its_size_before_it_is_decoded(
    media_origin: MediaOrigin, tmp_path: Path
) -> None:
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png_start(60_000, 60_000))
    row = await media_origin.process_file(bomb)
    assert row.state is MediaState.FAILED and row.attempts == 1
    assert row.problem and "too large" in row.problem


@pytest.mark.parametrize("chunk", [b"zTXt", *in_bench(b"iCCP", b"iTXt")])
async def test_a_comment_or_profile_that_unpacks_to_too_much_is_refused(
    media_origin: MediaOrigin, samples: Samples, chunk: bytes
) -> None:
    head = {b"zTXt": b"Comment\0\0", b"iCCP": b"icc\0\0", b"iTXt": b"XML\0\1\0\0\0"}[chunk]
    path = samples.picture("noted.png", samples.halves(), "PNG")
    raw = path.read_bytes()
    path.write_bytes(raw[:33] + png_chunk(chunk, head + zlib.compress(bytes(10**8))) + raw[33:])
    row = await media_origin.process_file(path)
    assert row.attempts == 1 and row.problem and "unpacks to too much" in row.problem


async def test_a_bomb_within_the_pixel_limit_hits_the_memory_limit_and_is_tried_three_times(
    tmp_path: Path, samples: Samples
) -> None:
    source = samples.picture("heavy.png", Image.new("RGBA", (6000, 6000), (*RED, 99)), "PNG", compress_level=1)
    async with open_media_origin(tmp_path, pipeline={"memory_bytes": 224 * 1024**2}) as media_origin:
        row = await media_origin.process_file(source)
        assert row.state is MediaState.FAILED and row.attempts == 3
        assert row.problem and "more time or memory" in row.problem
        after = await media_origin.process_file(samples.rotated_jpeg())
        assert after.state is MediaState.READY, "the origin goes on"


@pytest.mark.parametrize("kind", ["JPEG", "GIF", *in_bench("PNG", "WEBP", "TIFF")])
async def test_a_truncated_picture_fails_at_once_with_a_reason(
    media_origin: MediaOrigin, samples: Samples, tmp_path: Path, kind: str
) -> None:
    noise = Image.effect_noise((300, 300), 90).convert("RGB")
    whole = samples.picture("whole", noise, kind).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    row = await media_origin.process_file(tmp_path / "cut")
    assert row.state is MediaState.FAILED and row.attempts == 1
    assert row.problem and "damaged" in row.problem
    assert not list(media_origin.files.work.iterdir()) and not list(media_origin.files.uploads.iterdir())
    assert not (media_origin.files.content / "assets").exists() and not list(media_origin.files.thumbnails.iterdir())


def test_a_jpeg_with_unreadable_segments_is_not_stripped() -> None:
    assert strip_jpeg(b"\xff\xd8\xff\xe0\x00\x10JFIF") is None
    assert strip_jpeg(b"\xff\xd8garbage") is None


def test_a_stripped_jpeg_ends_where_its_pixels_end_and_rare_codes_are_not_kept(samples: Samples) -> None:
    for options in ({}, {"progressive": True}, {"restart_marker_blocks": 1}):
        plain = samples.picture("plain.jpg", samples.halves(), "JPEG", **options).read_bytes()
        film, gain_map = b"\0\0\0\x18ftypmp42Secret\xff\xd9", plain[:2] + b"\xff\xe1\0\x08Secret" + plain[2:]
        for behind in (b"", film, gain_map):
            assert strip_jpeg(plain[:2] + b"\xff" * 3 + plain[2:] + behind) == plain
    baseline = samples.picture("plain.jpg", samples.halves(), "JPEG").read_bytes()
    assert strip_jpeg(baseline.replace(b"\xff\xc0", b"\xff\xc9", 1)) is None, "arithmetic codes"


async def test_a_raw_photograph_is_not_shown_as_its_small_preview(media_origin: MediaOrigin, samples: Samples) -> None:
    row = await media_origin.process_file(samples.picture("a.dng", samples.halves(), "TIFF", tiffinfo={254: 1}))
    assert row.problem and "raw photograph" in row.problem


async def test_of_pages_the_first_is_shown_and_the_others_are_told(
    media_origin: MediaOrigin, samples: Samples, tmp_path: Path
) -> None:
    red, blue = Image.new("RGB", (9, 9), RED), Image.new("RGB", (9, 9), BLUE)
    red.save(tmp_path / "scan.tif", "TIFF", save_all=True, append_images=[blue, blue])
    row = await media_origin.process_file(tmp_path / "scan.tif")
    assert row.state is MediaState.READY and row.problem and "has 3 pages" in row.problem
    with Image.open(media_origin.asset_file(row)) as made:
        assert near(made.getpixel((4, 4)), RED)


def test_frames_are_repeated_without_drift() -> None:
    assert frame_step_ms([100, 200]) == 100 and frame_step_ms([40]) == 40 and frame_step_ms([30, 70]) == 20
    assert list(frame_repeats([30] * 10, 20)) == [2, 1, 1, 2, 2, 1, 1, 2, 2, 1]
    assert list(frame_repeats([5], 20)) == [1], "at least one frame is shown"


def png_start(width: int, height: int) -> bytes:
    """Return the first bytes of a PNG whose pixels would fill gigabytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(bytes(10**7)))
