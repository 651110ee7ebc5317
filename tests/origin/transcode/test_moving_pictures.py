"""What moves as a picture moves as a film: frames as browsers compose them, for as long as browsers show them."""

import io
import random
import subprocess
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from sync.origin.store.media.media_rows import MediaState
from sync.origin.transcode.picture.animation import frame_repeats, frame_step_ms, survey
from sync.origin.transcode.picture.frames import DECODER_ERRORS, MovingPicture
from sync.origin.transcode.picture_tool import UnusablePicture, convert
from sync.wire.release import MediaKind
from tests.long_tables import in_bench
from tests.origin.media_origin import MediaOrigin
from tests.origin.samples import Samples
from tests.origin.transcode.moving_samples import CLEAN, KEEP, RESTORE, Colour, Frame, apng, composed, gif, webp

SIZE = (24, 16)
WHOLE = (0, 0, *SIZE)
CORNER, MIDDLE = (0, 0, 4, 4), (8, 4, 16, 12)
INKS: dict[str, Colour] = {"r": (220, 30, 30, 255), "g": (30, 180, 30, 255), "b": (30, 30, 220, 255)}
SHOWN = {**{name: ink[:3] for name, ink in INKS.items()}, "k": (0, 0, 0), "w": (255, 255, 255)}
Writer = Callable[..., bytes]


def avif(size: tuple[int, int], frames: Sequence[Frame]) -> bytes:
    """Return an AVIF sequence of the composed frames."""
    pictures, written = list(composed(size, frames)), io.BytesIO()
    times = [round(frame.ms) for frame in frames]
    pictures[0].save(written, "AVIF", save_all=True, append_images=pictures[1:], duration=times, quality=95)
    return written.getvalue()


WRITERS: dict[str, Writer] = {"gif": gif, "apng": apng, "webp": webp, "avif": avif}


def cycle(*times_ms: float) -> list[Frame]:
    return [Frame(list(INKS.values())[n % 3], WHOLE, ms) for n, ms in enumerate(times_ms)]


def pixels(path: Path) -> bytes:
    """Return all frames of a film, three bytes a pixel."""
    return subprocess.check_output(
        ("ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
    )


def shown(path: Path, size: tuple[int, int] = SIZE) -> str:
    """Return the colours of the middle pixel of all frames, with how often each comes: r2g4."""
    raw = pixels(path)
    middle = (size[1] // 2 * size[0] + size[0] // 2) * 3
    found = [raw[at + middle : at + middle + 3] for at in range(0, len(raw), size[0] * size[1] * 3)]
    names = [min(SHOWN, key=lambda name: _distance(pixel, SHOWN[name])) for pixel in found]
    return "".join(f"{name}{len(list(group))}" for name, group in groupby(names))


def _distance(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def made(folder: Path, raw: bytes) -> dict[str, object]:
    (folder / "source").write_bytes(raw)
    return convert(folder / "source", folder, 3840, 100_000_000)


async def test_an_avif_sequence_goes_through_the_pipeline_like_the_others(
    media_origin: MediaOrigin, tmp_path: Path
) -> None:
    (tmp_path / "any.name").write_bytes(avif(SIZE, cycle(200, 400, 100)))
    row = await media_origin.process_file(tmp_path / "any.name")
    assert row.asset is not None, row.problem
    assert (row.asset.kind, row.asset.media_type, row.asset.duration_ms) == (MediaKind.VIDEO, "video/mp4", 700)
    assert shown(media_origin.asset_file(row)) == "r2g4b1"


async def test_a_heif_sequence_is_played_by_ffmpeg(media_origin: MediaOrigin, samples: Samples, tmp_path: Path) -> None:
    codec = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-tag:v", "hvc1")
    raw = samples.video("burst.mp4", *codec).read_bytes()
    raw = raw.replace(b"ftypisom", b"ftyphevc").replace(b"vide", b"pict", 1)
    (tmp_path / "burst.heics").write_bytes(raw)
    row = await media_origin.process_file(tmp_path / "burst.heics")
    assert row.state is MediaState.READY, row.problem
    assert row.asset is not None and (row.asset.kind, row.asset.duration_ms) == (MediaKind.VIDEO, 1000)


async def test_an_avif_sequence_in_hdr_is_tone_mapped_like_a_film(media_origin: MediaOrigin, samples: Samples) -> None:
    white = "color=c=0x949494:s=64x48:r=5:d=1,format=yuv420p10le"  # 203 cd/m² in PQ, diffuse white
    tags = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
    path = samples.folder / "hdr.avif"
    samples.ffmpeg("-f", "lavfi", "-i", white, "-c:v", "libaom-av1", "-cpu-used", "8", *tags, "-f", "avif", str(path))
    row = await media_origin.process_file(path)
    assert row.asset is not None, row.problem
    assert (row.asset.kind, row.asset.duration_ms) == (MediaKind.VIDEO, 1000)
    raw = pixels(media_origin.asset_file(row))
    assert 220 <= raw[len(raw) // 2] <= 245


@pytest.mark.parametrize(
    ("kind", "times_ms", "frames"),
    [
        ("gif", (0, 10, 20), "r5g5b1"),  # browsers show 0 and 10 ms for 100 ms
        ("gif", (30,) * 7, "r1g1b1r1g1b1r1"),
        ("gif", (70, 30, 100), "r4g1b5"),
        ("apng", (1000 / 60,) * 12, "r1g1b1" * 4),
        ("apng", (1000 / 24, 1000 / 12) * 3, "r1g2b1r2g1b2"),
        ("webp", (33, 33, 34) * 3, "r1g1b1" * 3),
        ("webp", (0, 10, 11), "r5g5b1"),
        ("avif", (17, 16, 17) * 6, "r1g1b1" * 6),
        ("gif", (20, 20), "r1g1" * 5),  # a blink is shown a few times
    ],
)
def test_each_frame_has_its_time(tmp_path: Path, kind: str, times_ms: tuple[float, ...], frames: str) -> None:
    facts = made(tmp_path, WRITERS[kind](SIZE, cycle(*times_ms), **({"unit": 120} if kind == "apng" else {})))
    assert facts["kind"] == "video" and shown(tmp_path / "asset") == frames
    expected_ms = sum(ms if ms >= 11 else 100 for ms in times_ms)
    assert abs(int(str(facts["duration_ms"])) - max(200, expected_ms)) <= 10


@pytest.mark.parametrize("kind", ["gif", "apng", "webp"])
def test_frames_are_composed_as_browsers_do(tmp_path: Path, kind: str) -> None:
    chance = random.Random(kind)
    for _ in range(25):
        frames = [_any_frame(chance, kind) for _ in range(chance.randint(2, 5))]
        extra = {"background": chance.choice((0, 1))} if kind == "gif" else {}
        (tmp_path / "source").write_bytes(WRITERS[kind](SIZE, frames, **extra))
        with Image.open(tmp_path / "source") as image:
            found = [frame.image.convert("RGBA") for frame in MovingPicture(image, tmp_path / "source").frames()]
        expected = list(composed(SIZE, frames))
        assert len(found) == len(expected)
        for ground in ((0, 0, 0, 255), (255, 255, 255, 255)):
            for one, other in zip(found, expected, strict=True):
                laid = [Image.alpha_composite(Image.new("RGBA", SIZE, ground), image) for image in (one, other)]
                off = max(high for _, high in ImageChops.difference(*laid).getextrema())  # type: ignore[misc]
                assert off <= 3, frames


def _any_frame(chance: random.Random, kind: str) -> Frame:
    left, top = chance.randrange(0, 20, 2), chance.randrange(0, 12, 2)
    box = (left, top, chance.randint(left + 1, 24), chance.randint(top + 1, 16)) if chance.random() < 0.7 else WHOLE
    alpha = 255 if kind == "gif" else chance.choice((255, 255, 128, 0))
    ink = (chance.randrange(256), chance.randrange(256), chance.randrange(256), alpha)
    after = chance.choice((KEEP, CLEAN) if kind == "webp" else (KEEP, CLEAN, RESTORE))
    return Frame(ink, box, 100, after, kind == "gif" or chance.random() < 0.5, chance.choice(((), ((0, 0),))))


@pytest.mark.parametrize("kind", WRITERS)
def test_what_is_clear_is_black_and_does_not_change_its_ground(tmp_path: Path, kind: str) -> None:
    light, dark = (250, 250, 250, 255), (60, 60, 90, 255)
    frames = [Frame(light, CORNER, after=CLEAN), Frame(dark, CORNER, after=CLEAN), Frame(INKS["g"], MIDDLE)]
    made(tmp_path, WRITERS[kind](SIZE, frames))
    assert shown(tmp_path / "asset") == "k2g1"


def test_a_drawing_that_is_almost_black_itself_is_laid_on_white(tmp_path: Path) -> None:
    made(tmp_path, gif(SIZE, [Frame((5, 5, 5, 255), CORNER), Frame((0, 0, 0, 255), (20, 12, 24, 16))]))
    assert shown(tmp_path / "asset") == "w2"


@pytest.mark.parametrize("loops", [None, 3])
def test_the_film_is_one_pass_whatever_the_file_says_about_loops(tmp_path: Path, loops: int | None) -> None:
    facts = made(tmp_path, gif(SIZE, cycle(100, 200), loops=loops))
    assert (facts["duration_ms"], shown(tmp_path / "asset")) == (300, "r1g2")


@pytest.mark.parametrize(
    ("raw", "ink"),
    [
        (gif(SIZE, cycle(100)), "r"),
        (apng(SIZE, cycle(100)), "r"),
        (webp(SIZE, cycle(100)), "r"),
        (avif(SIZE, cycle(100)), "r"),
        (apng(SIZE, cycle(100), cover=INKS["b"]), "r"),  # the cover is for programs that show no animations
        (gif(SIZE, [*cycle(100), *cycle(100)]), "r"),  # all the same: nothing moves
    ],
)
def test_one_frame_is_a_picture(tmp_path: Path, raw: bytes, ink: str) -> None:
    assert made(tmp_path, raw)["kind"] == "picture"
    with Image.open(tmp_path / "asset") as image:
        pixel = image.convert("RGB").getpixel((12, 8))
    assert isinstance(pixel, tuple) and max(abs(a - b) for a, b in zip(pixel, SHOWN[ink], strict=True)) < 6


def test_the_cover_of_an_apng_is_no_frame(tmp_path: Path) -> None:
    made(tmp_path, apng(SIZE, cycle(100, 200), cover=(255, 255, 255, 255)))
    assert shown(tmp_path / "asset") == "r1g2"


def jpeg(size: tuple[int, int], ink: str, **options: object) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, INKS[ink][:3]).save(written, "JPEG", **options)
    return written.getvalue()


FILM_OF_JPEGS = [jpeg(SIZE, ink) for ink in "rrrrrgggggbbbbb"]
CAMERA = b"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"


@pytest.mark.parametrize(
    ("parts", "film"),
    [
        (FILM_OF_JPEGS, True),
        ([CAMERA % (len(one), one) for one in FILM_OF_JPEGS], True),
        ([FILM_OF_JPEGS[0], *[jpeg((12, 8), "b")] * 6], False),  # previews or a gain map behind a picture
        *in_bench(
            ([one + bytes(9) for one in FILM_OF_JPEGS], True),
            ([b"HTTP/1.1 200 OK\r\n\r\n", *[CAMERA % (len(one), one) for one in FILM_OF_JPEGS]], True),
            (FILM_OF_JPEGS[:4], False),
            ([jpeg(SIZE, "r"), b"Secret" * 9], False),
        ),
    ],
    ids=["bare", "camera", "previews", "padded", "response", "few", "tail"],
)
async def test_jpegs_one_behind_the_other_are_a_film(
    media_origin: MediaOrigin, tmp_path: Path, parts: list[bytes], film: bool
) -> None:
    (tmp_path / "still.jpg").write_bytes(b"".join(parts))
    row = await media_origin.process_file(tmp_path / "still.jpg")
    assert row.asset and (row.asset.kind is MediaKind.VIDEO) == film, row.problem
    if film:
        assert row.asset.duration_ms == 600 and shown(media_origin.asset_file(row)) == "r5g5b5"


async def test_a_picture_of_a_3d_camera_is_still(media_origin: MediaOrigin, tmp_path: Path) -> None:
    views = [Image.open(io.BytesIO(jpeg(SIZE, ink))) for ink in "rgbrgb"]
    views[0].save(tmp_path / "views.mpo", "MPO", save_all=True, append_images=views[1:])
    row = await media_origin.process_file(tmp_path / "views.mpo")
    assert row.asset and row.asset.media_type == "image/jpeg", row.problem


def test_a_gif_whose_frame_lies_beyond_its_edge_keeps_its_size(tmp_path: Path) -> None:
    red, _, blue = cycle(100, 100, 100)
    facts = made(tmp_path, gif(SIZE, [red, Frame(INKS["g"], (20, 10, 40, 40)), blue]))
    assert (facts["width"], facts["height"], shown(tmp_path / "asset")) == (*SIZE, "r2b1")


def test_a_moving_webp_is_turned_upright(tmp_path: Path) -> None:
    exif, written = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    pictures = [Image.new("RGB", SIZE, INKS[name][:3]) for name in "rg"]
    pictures[0].save(written, "WEBP", save_all=True, append_images=pictures[1:], duration=100, exif=exif.tobytes())
    facts = made(tmp_path, written.getvalue())
    assert (facts["width"], facts["height"]) == SIZE[::-1] and shown(tmp_path / "asset", SIZE[::-1]) == "r1g1"


@pytest.mark.parametrize("kind", WRITERS)
def test_damaged_ones_are_refused_or_play_and_never_end_in_a_traceback(tmp_path: Path, kind: str) -> None:
    whole, chance = WRITERS[kind](SIZE, cycle(100, 200, 100)), random.Random(kind)
    for number in range(40):
        raw = bytearray(whole[: len(whole) * number // 20] if number < 20 else whole)
        for _ in range(0 if number < 20 else chance.randint(1, 5)):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        (tmp_path / "source").write_bytes(raw)
        try:
            with Image.open(tmp_path / "source") as image:
                moving = MovingPicture(image, tmp_path / "source")
                if moving.count > 1:
                    survey(moving)
        except DECODER_ERRORS:
            with pytest.raises(UnusablePicture):
                made(tmp_path, bytes(raw))


def test_hours_of_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusablePicture, match=r"1\.6 hours"):
        made(tmp_path, gif(SIZE, cycle(*[655_350] * 9)))


def test_the_step_is_what_the_times_have_in_common() -> None:
    assert frame_step_ms([Fraction(1000, 60)] * 5) == Fraction(1000, 60)
    assert frame_step_ms([33, 33, 34]) == Fraction(100, 3)
    assert frame_step_ms([1000, 3000]) == 200 and frame_step_ms([30, 30]) == 30
    assert list(frame_repeats([33, 33, 34], Fraction(100, 3))) == [1, 1, 1]
