"""Interlaced films become whole pictures, whatever their tags say."""

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from sync.origin.transcode.film.facts import VideoFile
from sync.origin.transcode.film.interlacing import (
    FieldsSeen,
    deinterlace,
    is_interlaced,
    most_shown_rate,
    should_look,
    shown_rate,
    with_fields_seen,
)
from sync.origin.transcode.film.recipe import choose_recipe
from tests.long_tables import in_bench
from tests.origin.media_origin import MediaOrigin
from tests.origin.transcode.test_video import PLAIN, X264

HEIGHT = 576


def bar(width: int) -> str:
    """Return the source of a white bar on black that moves 12 columns with each field."""
    ground, white = (f"color={colour}:r=50:d=1:s={edge}x{HEIGHT}" for colour, edge in (("black", width), ("white", 60)))
    return f"{ground}[ground];{white}[bar];[ground][bar]overlay=x='mod(12*n,{width})':y=0"


INTERLACED_CODER = ("-flags", "+ildct+ilme")
FILMS = {
    "prores.mov": ("tff", "-c:v", "prores_ks", *INTERLACED_CODER),
    "prores-untagged.mov": ("tff,setfield=prog", "-c:v", "prores_ks"),
    "broadcast.ts": ("tff", "-c:v", "mpeg2video", "-q:v", "2", *INTERLACED_CODER),
    "dv.avi": ("bff", "-c:v", "dvvideo", "-pix_fmt", "yuv420p"),
    "h264.mp4": ("tff", *X264, "-x264-params", "tff=1", *INTERLACED_CODER),
    "h264-untagged.mp4": ("bff,setfield=prog", *X264),
    "telecined.mp4": ("tff", *X264),
    "motion.mov": ("bff", "-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj422p"),
}


def combed_columns(path: Path) -> int:
    """Return the largest number of columns in a picture whose even and odd lines differ."""
    two_lines = ("-vf", f"format=gray,crop=iw:2:0:{HEIGHT // 2}:exact=1", "-f", "rawvideo", "pipe:1")
    raw = subprocess.check_output(("ffmpeg", "-v", "error", "-i", str(path), *two_lines))
    width = len(raw) // 2 // pictures_in(path)
    lines = [raw[start : start + width] for start in range(0, len(raw), width)]
    pictures = zip(lines[::2], lines[1::2], strict=True)
    return max(sum(abs(a - b) > 60 for a, b in zip(even, odd, strict=True)) for even, odd in pictures)


def pictures_in(path: Path) -> int:
    count = ("-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "default=nk=1:nw=1")
    return int(subprocess.check_output(("ffprobe", "-v", "error", *count, str(path))).split()[0])


def make_interlaced(path: Path, scan: str, *encoding: str) -> None:
    source = (
        "-f",
        "lavfi",
        "-i",
        bar(720 if "dvvideo" in encoding else 160),
        "-vf",
        *(("fps=24,telecine", "-r", "30") if path.stem == "telecined" else (f"interlace=scan={scan}", "-r", "25")),
    )
    subprocess.run(("ffmpeg", "-v", "error", *source, *encoding, str(path)), check=True)


ALIKE = ("prores.mov", "broadcast.ts", "h264.mp4", "h264-untagged.mp4", "motion.mov", "prores-untagged.mov")


@pytest.mark.parametrize("name", [*(name for name in FILMS if name not in ALIKE), *in_bench(*ALIKE)])
async def test_an_interlaced_film_becomes_whole_pictures(media_origin: MediaOrigin, tmp_path: Path, name: str) -> None:
    make_interlaced(tmp_path / name, *FILMS[name])
    assert combed_columns(tmp_path / name) >= 12
    row = await media_origin.process_file(tmp_path / name)
    assert row.asset, row.problem
    assert combed_columns(media_origin.asset_file(row)) <= 2
    assert pictures_in(media_origin.asset_file(row)) >= 45, "each of the 50 fields became a picture"


@pytest.mark.parametrize(
    ("video", "filters"),
    [
        (PLAIN, ""),
        (replace(PLAIN, field_order="progressive"), ""),
        (replace(PLAIN, field_order="tt"), "send_field:parity=auto"),
        (replace(PLAIN, codec="dnxhd", field_order="bt"), "send_field:parity=bff"),
        (replace(PLAIN, codec="dvvideo", width=720, height=576), "send_field:parity=auto"),
        (replace(PLAIN, codec="dvvideo", width=960, height=720), ""),  # DVCPRO HD of 720 lines is progressive
        (replace(PLAIN, codec="dvvideo", height=480, field_order="progressive"), ""),
        (replace(PLAIN, field_order="bb", frame_rate=Fraction(60)), "send_frame:parity=auto"),
    ],
)
def test_fields_are_known_by_the_tag_or_by_the_format(video: VideoFile, filters: str) -> None:
    assert ",".join(deinterlace(video)) == (f"bwdif=mode={filters}:deint=all" if filters else "")
    assert choose_recipe(video, 3840).copies_video == (not filters and video.codec == "h264")
    assert shown_rate(video) == video.frame_rate * (2 if "send_field" in filters else 1)


@pytest.mark.parametrize(
    ("video", "looks"),
    [
        (PLAIN, True),
        (replace(PLAIN, field_order="progressive", frame_rate=Fraction(25)), True),
        (replace(PLAIN, field_order="tb"), False),
        (replace(PLAIN, height=720), False),
        (replace(PLAIN, frame_rate=Fraction(24)), False),
        (replace(PLAIN, frame_rate=Fraction(60)), False),
        (replace(PLAIN, codec="vp9"), False),
    ],
)
def test_only_films_that_may_be_interlaced_are_looked_at(video: VideoFile, looks: bool) -> None:
    assert should_look(video) is looks


@pytest.mark.parametrize(
    ("video", "rate"),
    [
        (replace(PLAIN, field_order="tt", frame_rate=Fraction(25)), 50),
        (replace(PLAIN, frame_rate=Fraction(25)), 50),  # it will be looked at
        (replace(PLAIN, height=720), 30),
        (replace(PLAIN, field_order="tt", frame_rate=Fraction(60)), 60),
    ],
)
def test_the_work_on_an_interlaced_film_counts_the_pictures_made_of_its_fields(video: VideoFile, rate: int) -> None:
    assert most_shown_rate(video) == rate


@pytest.mark.parametrize(
    ("seen", "interlaced"),
    [
        (FieldsSeen(100, 0, 0, 90), True),
        (FieldsSeen(0, 60, 40, 20), True),
        (FieldsSeen(34, 37, 29, 50), False),  # a moving pattern
        (FieldsSeen(0, 49, 11, 0), False),  # text that scrolls upwards
        (FieldsSeen(7, 0, 0, 7), False),
        (FieldsSeen(20, 0, 80, 20), False),
        (FieldsSeen(), False),
    ],
)
def test_fields_are_seen_only_if_they_are_consistent(seen: FieldsSeen, interlaced: bool) -> None:
    assert is_interlaced(with_fields_seen(PLAIN, seen)) is interlaced
