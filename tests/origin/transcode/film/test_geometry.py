"""The shape of films: what changes it in the middle or crops in the codec becomes an asset with one plain shape."""

import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from sync.origin.transcode.film.geometry import Shape, longest_shape, read_shape
from tests.long_tables import in_bench
from tests.origin.media_origin import MediaOrigin
from tests.origin.samples import Samples
from tests.origin.transcode.test_pictures import near
from tests.origin.transcode.test_video import PLAIN, X264, stream_hash, streams

RED, LIME, BLACK, WHITE = (254, 0, 0), (0, 254, 0), (0, 0, 0), (254, 254, 254)
MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2", "-bf", "0")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p")


def test_the_shape_that_lasts_longest_is_that_of_the_film() -> None:
    wide, narrow = Shape(720, 576, Fraction(64, 45)), Shape(720, 576, Fraction(16, 15))
    assert longest_shape([(0, narrow), (1, wide), (2, wide), (4, narrow)], 5.5) == wide
    assert longest_shape([(0, narrow)], 0) == narrow
    same = Shape(1920, 1080, Fraction(1))
    assert PLAIN.with_shapes_seen([(0, same), (5, same)]) == PLAIN == PLAIN.with_shapes_seen([])
    changed = PLAIN.with_shapes_seen([(0, same), (1, wide)])
    assert changed.shape_changes and (changed.width, changed.pixel_aspect) == (720, Fraction(64, 45))


@pytest.mark.parametrize(
    ("told", "shape"),
    [
        ('"width": 720, "height": 576, "sample_aspect_ratio": "64:45",', Shape(720, 576, Fraction(64, 45))),
        ('"width": 16, "height": 90 },', Shape(16, 90, Fraction(1))),
        ('"width": 16, "height": 90, "sample_aspect_ratio": "0:1" },', Shape(16, 90, Fraction(1))),
        ("", None),
    ],
)
def test_the_lines_of_ffprobe(told: str, shape: Shape | None) -> None:
    assert read_shape('{ "key_frame": 1, ' + told) == shape


@pytest.mark.parametrize(
    ("name", "parts", "encoding", "shown"),
    [
        ("advert.ts", [("160x90", "1/1"), ("80x60", "1/1"), ("160x90", "1/1")], X264, (160, 90)),
        *in_bench(("advert.mpg", [("144x90", "10/9"), ("144x90", "5/6"), ("144x90", "10/9")], MPEG2, (160, 90))),
    ],
)  # fmt: skip
async def test_a_film_whose_shape_changes_gets_that_of_most_of_it_with_bars_beside_the_others(
    media_origin: MediaOrigin,
    samples: Samples,
    name: str,
    parts: list[tuple[str, str]],
    encoding: tuple[str, ...],
    shown: tuple[int, int],
) -> None:
    film = samples.folder / name
    odd = parts[0] if parts[1] == parts[2] else parts[1]
    pieces = [samples.folder / f"{number} {name}" for number in range(3)]
    for number, (size, pixel) in enumerate(parts):
        source = f"color={'lime' if (size, pixel) == odd else 'red'}:s={size}:r=25:d=1"
        offset = ("-output_ts_offset", str(number), "-muxdelay", "0", "-f", "mpegts")
        samples.ffmpeg("-f", "lavfi", "-i", source, "-vf", f"setsar={pixel}", *encoding, *offset, str(pieces[number]))
    film.write_bytes(b"".join(piece.read_bytes() for piece in pieces))
    row = await media_origin.process_file(film)
    assert row.asset and (row.asset.width, row.asset.height) == shown, row.problem
    assert row.asset.duration_ms and abs(row.asset.duration_ms - 3000) < 130
    middles, corners = pixels(media_origin.asset_file(row), (0.5, 0.5), (0.0, 0.0))
    assert len(middles) in (74, 75)
    for number, part in enumerate(parts):
        middle, corner = middles[number * 25 + 12], corners[number * 25 + 12]
        assert near(middle, LIME if part == odd else RED, off=25)
        assert near(corner, BLACK if part == odd else RED, off=25)


def pixels(film: Path, *places: tuple[float, float]) -> list[list[tuple[int, ...]]]:
    """Return for each place, in parts of the width and of the height, its pixel of every picture."""
    (stream, *_) = streams(film)["streams"]
    width, height = stream["width"], stream["height"]
    command = ("ffmpeg", "-v", "error", "-i", str(film), "-map", "0:v", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    raw = subprocess.check_output(command)
    starts = [(int(down * height) * width + int(across * width)) * 3 for across, down in places]
    return [[tuple(raw[at : at + 3]) for at in range(start, len(raw), width * height * 3)] for start in starts]


@pytest.mark.parametrize(
    ("name", "encoding", "crop", "seen", "copied"),
    [
        ("both.mp4", X264, "h264_metadata=crop_left=80:crop_top=64", (80, 64, 80, 64), False),
        ("right.mp4", X264, "h264_metadata=crop_right=80:crop_bottom=64", (0, 0, 80, 64), True),
        *in_bench(("top.mkv", HEVC, "hevc_metadata=crop_top=64", (0, 64, 160, 64), False)),
    ],
)
async def test_what_a_codec_crops_at_the_left_or_top_is_not_left_to_players(
    media_origin: MediaOrigin,
    samples: Samples,
    name: str,
    encoding: tuple[str, ...],
    crop: str,
    seen: tuple[int, int, int, int],
    copied: bool,
) -> None:
    whole, cropped = samples.folder / f"whole {name}", samples.folder / name
    part = ("-vf", "drawbox={}:{}:{}:{}:white:fill".format(*seen))
    samples.ffmpeg("-f", "lavfi", "-i", "color=red:s=160x128:r=25:d=0.4", *part, *encoding, str(whole))
    samples.ffmpeg("-i", str(whole), "-c", "copy", "-bsf:v", crop, str(cropped))
    row = await media_origin.process_file(cropped)
    assert row.asset and (row.asset.width, row.asset.height) == seen[2:], row.problem
    made = media_origin.asset_file(row)
    assert (encoding is X264 and stream_hash(made) == stream_hash(cropped)) == copied
    for corner in pixels(made, (0.02, 0.02), (0.98, 0.02), (0.02, 0.98), (0.98, 0.98)):
        assert near(corner[0], WHITE, off=25)
