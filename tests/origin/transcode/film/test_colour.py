"""What the colours of films become: HDR tone-mapped, BT.601 and full range converted, tags missing or wrong."""

import json
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sync.origin.store.media.media_rows import MediaState
from sync.origin.transcode.film.colour import (
    Colours,
    colours_of,
    is_plain,
    may_be_hdr,
    why_not_shown,
    with_picture_told,
)
from sync.origin.transcode.film.colour_table import ColourTable, Primaries, Transfer, screen_colour, table_text, tone
from sync.origin.transcode.film.facts import ColourTags, VideoFile
from sync.origin.transcode.film.recipe import choose_recipe
from tests.long_tables import in_bench
from tests.origin.media_origin import MediaOrigin
from tests.origin.samples import Samples
from tests.origin.transcode.film.patches import (
    Colour,
    add_dolby_vision,
    hdr_film,
    hlg_signal,
    make_film,
    patch_colours,
    pq_signal,
    write_matrix,
)
from tests.origin.transcode.test_video import PLAIN, X264

GREYS = [(light, light, light) for light in (0.5, 5.0, 26.0, 100.0)]
RAMP = [(light, light, light) for light in range(203, 1004, 100)]
WHITE = (203.0, 203.0, 203.0)
RED_2020, RED_709 = (203.0, 0.0, 0.0), (0.6274 * 203, 0.0691 * 203, 0.0164 * 203)
PATCHES: list[Colour] = [*GREYS, *RAMP, (1000.0, 1000.0, 1000.0), RED_2020, RED_709]
SDR: list[Colour] = [
    (0.9, 0.1, 0.1),
    (0.1, 0.8, 0.2),
    (0.1, 0.2, 0.9),
    (1.0, 1.0, 1.0),
    (0.5, 0.5, 0.5),
    (0.03, 0.03, 0.03),
]
SIGNALS = {"smpte2084": pq_signal, "arib-std-b67": hlg_signal}


def assert_tone_mapped(seen: list[tuple[int, int, int]]) -> None:
    *greys, first_red, second_red = seen
    assert all(max(grey) - min(grey) <= 3 for grey in greys), seen
    white = greys[len(GREYS)]
    assert all(220 <= part <= 245 for part in white), seen
    levels = [grey[1] for grey in greys]
    assert all(higher > lower for lower, higher in pairwise(levels[:-1])), levels
    assert levels[2] in range(95, 120), "a grey card is as bright as in SDR"
    assert all(red - green > 200 for red, green, _ in (first_red, second_red)), seen


def assert_tagged_as_bt709(path: Path) -> None:
    made = facts_of(path)
    tags = ("color_range", "color_space", "color_transfer", "color_primaries", "pix_fmt")
    assert [made[tag] for tag in tags] == ["tv", "bt709", "bt709", "bt709", "yuv420p"]
    assert "side_data_list" not in made, "nothing says any more how bright the master was"


def facts_of(path: Path) -> dict[str, Any]:
    command = (
        "ffprobe",
        "-v",
        "error",
        "-show_streams",
        "-show_frames",
        "-read_intervals",
        "%+#1",
        "-of",
        "json",
        str(path),
    )
    document = json.loads(subprocess.check_output(command))
    return {**document["streams"][0], "frame_side_data": document["frames"][0].get("side_data_list", [])}


@pytest.mark.parametrize(
    ("transfer", "dolby"),
    [("smpte2084", None), ("arib-std-b67", (8, 4)), *in_bench(("arib-std-b67", None), ("smpte2084", (8, 1)))],
)
async def test_hdr_is_tone_mapped(
    media_origin: MediaOrigin, tmp_path: Path, transfer: str, dolby: tuple[int, int] | None
) -> None:
    film = hdr_film(tmp_path / "hdr.mp4", [SIGNALS[transfer](light) for light in PATCHES], transfer)
    if dolby:
        add_dolby_vision(film, *dolby)
        (record,) = facts_of(film)["side_data_list"]
        assert (record["dv_profile"], record["dv_bl_signal_compatibility_id"]) == dolby
    row = await media_origin.process_file(film)
    assert row.asset, row.problem
    assert_tone_mapped(patch_colours(media_origin.asset_file(row), len(PATCHES)))
    assert_tagged_as_bt709(media_origin.asset_file(row))


@pytest.mark.parametrize(
    ("matrix", "back"),
    [
        ((-1, 0, 0, -1), "hflip,vflip"),
        *in_bench(((0, 1, -1, 0), "transpose=cclock"), ((0, -1, 1, 0), "transpose=clock")),
    ],
)
async def test_turned_hdr_is_turned_and_tone_mapped(
    media_origin: MediaOrigin, samples: Samples, tmp_path: Path, matrix: tuple[int, int, int, int], back: str
) -> None:
    film = hdr_film(tmp_path / "hdr.mp4", [hlg_signal(light) for light in PATCHES], "arib-std-b67")
    write_matrix(film, *matrix)
    row = await media_origin.process_file(film)
    samples.ffmpeg("-i", str(media_origin.asset_file(row)), "-vf", back, *X264, "-qp", "0", str(tmp_path / "back.mp4"))
    assert_tone_mapped(patch_colours(tmp_path / "back.mp4", len(PATCHES)))


@pytest.mark.parametrize(
    ("matrix", "full_range", "pixels", "codec", "tags"),
    [
        ("170m", False, "yuv420p", "libx264", ("smpte170m", "tv")),
        ("170m", False, "yuv422p10le", "prores_ks", ("", "")),  # without tags, and small: BT.601
        ("gbr", True, "gbrp", "libx264rgb", ("", "")),
        *in_bench(
            ("170m", True, "yuvj422p", "libx264", ("bt470bg", "pc")),
            ("ycgco", False, "yuv444p", "libx264", ("ycgco", "tv")),
            ("709", True, "yuvj420p", "libx264", ("bt709", "pc")),
            ("709", True, "yuv420p", "libx265", ("bt709", "pc")),
            ("2020_ncl", False, "yuv420p", "libx264", ("bt2020nc", "tv")),
        ),
    ],
)
async def test_every_matrix_and_range_shows_the_same_colours(
    media_origin: MediaOrigin,
    tmp_path: Path,
    matrix: str,
    full_range: bool,
    pixels: str,
    codec: str,
    tags: tuple[str, str],
) -> None:
    filters = f"zscale=matrixin=gbr:rangein=full:matrix={matrix}:range={'full' if full_range else 'limited'}"
    filters += f",format={pixels.replace('yuvj', 'yuv')}"
    fast = () if codec == "prores_ks" else ("-preset", "ultrafast", "-crf", "2")
    filters += f",setparams=colorspace={tags[0]}:range={tags[1]}" if tags[0] else ",setparams=colorspace=unknown"
    film = make_film(tmp_path / "film.mov", SDR, filters, "-c:v", codec, *fast, "-pix_fmt", pixels)
    row = await media_origin.process_file(film)
    assert row.asset, row.problem
    seen = patch_colours(media_origin.asset_file(row), len(SDR))
    for colour, signal in zip(seen, SDR, strict=True):
        assert all(abs(part - 255 * wanted) <= 5 for part, wanted in zip(colour, signal, strict=True)), seen
    if pixels != "yuv420p" or full_range or matrix != "170m":
        assert_tagged_as_bt709(media_origin.asset_file(row))


TEN_BITS = replace(PLAIN, pixel_format="yuv420p10le")
MASTERED = ({"side_data_type": "Mastering display metadata"},)


@pytest.mark.parametrize(
    ("video", "expected"),
    [
        (PLAIN, Colours("bt709", Transfer.SDR, Primaries.BT709, full_range=False)),
        (replace(PLAIN, width=720, height=576), Colours("smpte170m", Transfer.SDR, Primaries.BT709, full_range=False)),
        (replace(PLAIN, width=576, height=1024), Colours("bt709", Transfer.SDR, Primaries.BT709, full_range=False)),
        (
            replace(PLAIN, colour=ColourTags(transfer="smpte2084")),
            Colours("bt2020nc", Transfer.PQ, Primaries.BT2020, full_range=False),
        ),
        (
            replace(PLAIN, colour=ColourTags("gbr", "arib-std-b67", "bt2020", "tv")),  # a matrix that cannot be true
            Colours("bt2020nc", Transfer.HLG, Primaries.BT2020, full_range=False),
        ),
        (
            replace(PLAIN, colour=ColourTags("bt709", "smpte2084", "bt709", "pc")),
            Colours("bt709", Transfer.PQ, Primaries.BT709, full_range=True),
        ),
        (
            replace(TEN_BITS, colour=ColourTags("bt2020nc", "bt2020-10", "bt2020", "tv")),
            Colours("bt2020nc", Transfer.SDR, Primaries.BT2020, full_range=False),
        ),
        (
            replace(TEN_BITS, colour=ColourTags(primaries="bt2020"), side_data=MASTERED),
            Colours("bt2020nc", Transfer.PQ, Primaries.BT2020, full_range=False),
        ),
        (
            replace(PLAIN, colour=ColourTags("smpte2085")),
            Colours("bt709", Transfer.SDR, Primaries.BT709, full_range=False),
        ),
        (replace(PLAIN, pixel_format="yuvj420p"), Colours("bt709", Transfer.SDR, Primaries.BT709, full_range=True)),
        (replace(PLAIN, pixel_format="bgr0"), Colours("rgb", Transfer.SDR, Primaries.BT709, full_range=True)),
        (
            replace(PLAIN, colour=ColourTags("bt709", "bt709", "smpte432", "tv")),
            Colours("bt709", Transfer.SDR, Primaries.P3, full_range=False),
        ),
    ],
)
def test_missing_and_wrong_tags_follow_rules(video: VideoFile, expected: Colours) -> None:
    assert colours_of(video) == expected
    copied = expected.table is None and expected.matrix in ("bt709", "smpte170m") and not expected.full_range
    assert choose_recipe(video, 3840).copies_video == is_plain(video) == (copied and video.colour.matrix != "smpte2085")


BROADCAST = replace(TEN_BITS, colour=ColourTags("bt2020nc", "bt2020-10", "bt2020", "tv"))


@pytest.mark.parametrize(
    ("video", "picture", "transfer"),
    [
        (BROADCAST, {"color_transfer": "arib-std-b67"}, Transfer.HLG),
        (BROADCAST, {"color_transfer": "bt2020-10"}, Transfer.SDR),
        (TEN_BITS, {"side_data_list": [*MASTERED]}, Transfer.PQ),
        (TEN_BITS, {}, Transfer.SDR),
    ],
)
def test_the_first_picture_tells_what_tags_leave_open(
    video: VideoFile, picture: dict[str, Any], transfer: Transfer
) -> None:
    assert may_be_hdr(video)
    assert colours_of(with_picture_told(video, picture)).transfer is transfer


async def test_hlg_that_is_named_beside_its_tag_is_tone_mapped(media_origin: MediaOrigin, tmp_path: Path) -> None:
    film = hdr_film(tmp_path / "hdr.mp4", [hlg_signal(WHITE)], "bt2020-10", "atc-sei=18")
    row = await media_origin.process_file(film)
    assert row.asset, row.problem
    (white,) = patch_colours(media_origin.asset_file(row), 1)
    assert all(220 <= part <= 245 for part in white), white


@pytest.mark.parametrize(
    ("profile", "compatibility", "transfer"),
    [(8, 1, Transfer.PQ), (8, 4, Transfer.HLG), (8, 2, Transfer.SDR), (7, 6, Transfer.PQ), (9, 2, Transfer.SDR)],
)
def test_dolby_vision_without_other_tags_plays_as_its_base(
    profile: int, compatibility: int, transfer: Transfer
) -> None:
    video = replace(TEN_BITS, side_data=(dolby_record(profile, compatibility),))
    assert why_not_shown(video) is None and colours_of(video).transfer is transfer


@pytest.mark.parametrize(("profile", "compatibility"), [(5, 0), (10, 0), (20, 0)])
def test_dolby_vision_without_a_base_for_others_is_refused_by_name(profile: int, compatibility: int) -> None:
    problem = why_not_shown(replace(TEN_BITS, side_data=(dolby_record(profile, compatibility),)))
    assert problem and f"Dolby Vision profile {profile}" in problem


async def test_a_film_in_dolby_vision_profile_5_is_refused(media_origin: MediaOrigin, tmp_path: Path) -> None:
    film = hdr_film(tmp_path / "hdr.mp4", [pq_signal(RED_2020)], "smpte2084")
    add_dolby_vision(film, 5, 0)
    row = await media_origin.process_file(film)
    assert row.state is MediaState.FAILED and row.attempts == 1
    assert row.problem and "Dolby Vision profile 5" in row.problem


def dolby_record(profile: int, compatibility: int) -> dict[str, Any]:
    record = {"dv_profile": profile, "bl_present_flag": 1, "dv_bl_signal_compatibility_id": compatibility}
    return {"side_data_type": "DOVI configuration record", **record}


@pytest.mark.parametrize("primaries", Primaries)
@pytest.mark.parametrize("transfer", Transfer)
def test_a_table_keeps_greys_grey_rises_and_ends_in_white(transfer: Transfer, primaries: Primaries) -> None:
    table = ColourTable(transfer, primaries)
    greys = [screen_colour(table, (n / 100, n / 100, n / 100)) for n in range(101)]
    assert all(max(grey) - min(grey) < 0.01 for grey in greys)
    assert all(later[1] >= earlier[1] for earlier, later in pairwise(greys))
    assert greys[0] == (0.0, 0.0, 0.0) and greys[-1][1] > 0.97
    red, green, blue = screen_colour(table, (1.0, 0.0, 0.0))
    assert red > 0.95 and green == pytest.approx(0.0, abs=0.01) and blue == pytest.approx(0.0, abs=0.01)
    assert len(list(table_text(table, size=3))) == 1 + 27


def test_the_tone_curve_has_no_jumps() -> None:
    levels = [255 * tone(light) for light in range(50, 4100, 5)]
    assert all(0 <= later - earlier < 7 for earlier, later in pairwise(levels))
    assert tone(203) * 255 == pytest.approx(227) and tone(1000) * 255 == pytest.approx(249) and tone(10_000) == 1.0
