"""Videos are copied bit for bit where players can show them, encoded where not, and refused where broken."""

import hashlib
import json
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from sync.errors import Rejected
from sync.origin.store.media.media_rows import MediaState
from sync.origin.transcode.film.facts import VideoFile
from sync.origin.transcode.film.recipe import choose_recipe
from sync.origin.transcode.film.track_timing import TrackTimes
from sync.origin.transcode.probe import BadMedia, FileKind, recognise_kind
from sync.wire.release import MediaKind
from tests.long_tables import in_bench
from tests.origin.media_origin import MediaOrigin, open_media_origin
from tests.origin.samples import Samples
from tests.origin.transcode.film.patches import write_matrix
from tests.origin.transcode.test_pictures import frames, near

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
FLAT = ("-pix_fmt", "yuv420p")
SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:duration=1", "-c:a", "aac", "-shortest")

EVEN = TrackTimes(
    packets=300,
    start_s=0.0,
    end_s=10.0,
    frame_s=1 / 30,
    rate=Fraction(30),
    even=True,
    longest_gap_s=1 / 30,
    key_distance_s=2.0,
    starts_with_key=True,
    trimmed=False,
    jumps=False,
)
PLAIN = VideoFile(
    container="mov,mp4,m4a,3gp,3g2,mj2",
    video_stream=0,
    codec="h264",
    pixel_format="yuv420p",
    width=1920,
    height=1080,
    pixel_aspect=Fraction(1),
    frame_rate=Fraction(30),
    times=EVEN,
    declared_ms=10_000,
    present_ms=10_000,
    audio_stream=1,
    audio_codec="aac",
    sound_times=EVEN,
)


def streams(path: Path) -> dict[str, Any]:
    command = ("ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path))
    document: dict[str, Any] = json.loads(subprocess.check_output(command))
    return document


def stream_hash(path: Path) -> str:
    """Return a hash of the coded video stream alone, in Annex B form."""
    bitstream = ("-bsf:v", "h264_mp4toannexb", "-f", "h264", "pipe:1")
    command = ("ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v", "-c", "copy", *bitstream)
    return hashlib.sha256(subprocess.check_output(command)).hexdigest()


def colour_of(path: Path, crop: str) -> tuple[int, int, int]:
    """Return the colour in the middle of a part of the first frame; ffmpeg applies the rotation."""
    return frames(path, "-vf", crop)[0]


async def test_h264_is_copied_bit_for_bit_without_its_tags_and_starts_fast(
    media_origin: MediaOrigin, samples: Samples
) -> None:
    source = samples.video("holiday.jpg", *SOUND, *X264, "-metadata", "title=Secret", "-f", "mov", rate=10)
    row = await media_origin.process_file(source)
    assert row.asset, row.problem
    assert row.asset.kind is MediaKind.VIDEO and row.asset.media_type == "video/mp4" and row.asset.has_audio
    assert (row.asset.width, row.asset.height) == (160, 90)
    assert row.asset.duration_ms and abs(row.asset.duration_ms - 1000) < 60
    made = media_origin.asset_file(row)
    assert stream_hash(made) == stream_hash(source)
    assert row.asset.loudness_lufs and -23 < row.asset.loudness_lufs < -17  # a sine of 1/8: -18 dBFS, one channel
    raw = made.read_bytes()
    assert b"Secret" not in raw and raw.index(b"moov") < raw.index(b"mdat")


async def test_two_exports_of_the_same_video_are_one_asset(media_origin: MediaOrigin, samples: Samples) -> None:
    source = samples.video("first.mp4", *X264)
    again = samples.folder / "again.mkv"
    samples.ffmpeg("-i", str(source), "-c", "copy", "-metadata", "title=Another", str(again))
    third = samples.folder / "third.mp4"
    samples.ffmpeg("-i", str(source), "-c", "copy", "-metadata", "title=Third", str(third))
    one, three = await media_origin.process_file(source), await media_origin.process_file(third)
    assert one.asset and one.asset == three.asset
    assert len(list((media_origin.files.content / "assets").iterdir())) == 1
    assert (await media_origin.process_file(again)).state is MediaState.READY


@pytest.mark.parametrize(
    ("name", "arguments", "codec", "media_type"),
    [
        ("a.ts", (*X264, "-f", "mpegts"), "h264", "video/mp4"),
        ("b.webm", ("-c:v", "libvpx", "-deadline", "realtime"), "vp8", "video/x-matroska"),
        (
            "a.mkv",
            ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=0", *FLAT),
            "hevc",
            "video/mp4",
        ),
        ("c.mov", ("-c:v", "libx264", "-vf", "scale=161:91", "-pix_fmt", "yuv444p"), "h264", "video/mp4"),
        *in_bench(
            ("b.mov", ("-c:v", "prores_ks"), "h264", "video/mp4"),
            ("a.avi", ("-c:v", "mpeg4", "-f", "avi"), "mpeg4", "video/mp4"),
            ("a.mpg", ("-c:v", "mpeg2video", "-r", "25", "-f", "mpeg"), "mpeg2video", "video/mp4"),
            ("a.nut", ("-c:v", "mpeg4"), "mpeg4", "video/mp4"),
            ("a.y4m", FLAT, "h264", "video/mp4"),
            ("a.webm", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", *FLAT), "vp9", "video/mp4"),
            ("b.mkv", ("-c:v", "libx264", "-pix_fmt", "yuv444p10le", "-preset", "ultrafast"), "h264", "video/mp4"),
        ),
    ],
)
async def test_every_common_codec_becomes_one_that_players_decode(
    media_origin: MediaOrigin, samples: Samples, name: str, arguments: tuple[str, ...], codec: str, media_type: str
) -> None:
    row = await media_origin.process_file(samples.video(name, *arguments))
    assert row.asset, row.problem
    assert row.asset.media_type == media_type and not row.asset.has_audio
    (stream,) = streams(media_origin.asset_file(row))["streams"]
    assert stream["codec_name"] == codec and stream["pix_fmt"] == "yuv420p"
    assert stream["width"] % 2 == 0 and stream["height"] % 2 == 0
    assert row.asset.duration_ms and abs(row.asset.duration_ms - 1000) <= 110


async def test_the_rotation_of_a_video_is_applied_to_its_pixels(media_origin: MediaOrigin, samples: Samples) -> None:
    upright = samples.folder / "upright.mp4"
    samples.ffmpeg(
        "-f", "lavfi", "-i", "color=red:size=80x90:duration=1", "-f", "lavfi", "-i", "color=blue:size=80x90:duration=1",
        "-filter_complex", "hstack", *X264, str(upright),
    )  # fmt: skip
    rotated = samples.folder / "rotated.mp4"
    rotated.write_bytes(upright.read_bytes())
    write_matrix(rotated, 0, 1, -1, 0)
    row = await media_origin.process_file(rotated)
    assert row.asset and (row.asset.width, row.asset.height) == (90, 160)
    (stream,) = streams(media_origin.asset_file(row))["streams"]
    assert (stream["width"], stream["height"]) == (90, 160) and "side_data_list" not in stream
    expected, made = (colour_of(path, "crop=90:60:0:0") for path in (rotated, media_origin.asset_file(row)))
    assert near(made, expected, off=15) and not near(made, colour_of(rotated, "crop=90:60:0:100"), off=60)


async def test_a_video_larger_than_the_longest_edge_is_reduced(tmp_path: Path, samples: Samples) -> None:
    async with open_media_origin(tmp_path, pipeline={"longest_edge": 100}) as media_origin:
        row = await media_origin.process_file(samples.video("large.mp4", *X264, seconds=0.5))
        assert row.asset and (row.asset.width, row.asset.height) == (100, 56)


async def test_a_video_with_more_pixels_than_allowed_is_refused(tmp_path: Path, samples: Samples) -> None:
    async with open_media_origin(tmp_path, pipeline={"largest_pixels": 1000}) as media_origin:
        row = await media_origin.process_file(samples.video("large.mp4", *X264, seconds=0.5))
        assert row.problem and "This video is too large: 160 x 90 pixels." in row.problem and row.attempts == 1


@pytest.mark.parametrize("kept", [0.6, *in_bench(0.3)])
async def test_a_truncated_video_is_refused_with_a_reason(
    media_origin: MediaOrigin, samples: Samples, tmp_path: Path, kept: float
) -> None:
    for name, arguments in {
        "long.mp4": (*X264,),
        "fast.mp4": (*X264, "-movflags", "+faststart"),
        "long.mkv": (*X264,),
    }.items():
        whole = samples.video(name, *arguments, seconds=6).read_bytes()
        (tmp_path / name).write_bytes(whole[: int(len(whole) * kept)])
        row = await media_origin.process_file(tmp_path / name)
        assert row.state is MediaState.FAILED and row.attempts == 1, name
        assert row.problem and "incomplete" in row.problem, (name, row.problem)
    assert not list(media_origin.files.work.iterdir()) and not (media_origin.files.content / "assets").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"PK\x03\x04 slides", "office document"),
        (b"\n <!DOCTYPE HTML><html>", "web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "list of files"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "text"),
        ("Grüße aus dem Laden".encode(), "text"),
        (bytes(range(256)) * 40, "not a picture or video"),
        (bytes(5000), "not a picture or video"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"\xff\xd8\xff\xe0", "damaged"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "incomplete"),
    ],
)
async def test_a_file_that_is_not_media_fails_at_once_with_a_clear_reason(
    media_origin: MediaOrigin, tmp_path: Path, content: bytes, words: str
) -> None:
    (tmp_path / "lovely.mp4").write_bytes(content)
    row = await media_origin.process_file(tmp_path / "lovely.mp4")
    assert row.state is MediaState.FAILED and row.attempts == 1
    assert row.problem and words in row.problem
    assert not list(media_origin.files.uploads.iterdir()), "the bytes of a bad file are deleted"


@pytest.mark.parametrize(
    ("name", "arguments", "size", "note"),
    [
        ("four.avi", ("-c:v", "mjpeg", "-frames:v", "4"), (160, 90), "its first picture is shown"),
        ("turned.mov", (*X264, "-frames:v", "1", "-vf", "setsar=2"), (90, 320), None),
        *in_bench(("one.mp4", (*X264, "-frames:v", "1"), (160, 90), None)),
    ],
)
async def test_a_film_too_short_to_be_seen_is_a_picture(
    media_origin: MediaOrigin, samples: Samples, name: str, arguments: tuple[str, ...], size: tuple[int, int], note: str
) -> None:
    film = samples.video(name, *arguments, rate=25)
    if name == "turned.mov":
        write_matrix(film, 0, 1, -1, 0)
    row = await media_origin.process_file(film)
    assert row.asset and row.asset.kind is MediaKind.PICTURE and row.asset.duration_ms is None, row.problem
    assert (row.asset.width, row.asset.height) == size
    assert (note in (row.problem or "")) if note else row.problem is None
    third, made = "crop=iw:ih/3:0:0,scale=9:6:flags=area", media_origin.asset_file(row)
    expected, shown = (colour_of(path, third) for path in (film, made))
    assert near(shown, expected, off=12)


async def test_a_film_with_sound_too_short_to_be_heard_is_refused(media_origin: MediaOrigin, samples: Samples) -> None:
    row = await media_origin.process_file(samples.video("blip.mp4", *SOUND, *X264, "-t", "0.1", rate=25))
    assert row.state is MediaState.FAILED and row.problem and "too short" in row.problem


async def test_an_empty_file_is_refused_before_it_is_queued(media_origin: MediaOrigin, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(Rejected, match="empty"):
        await media_origin.intake.ingest_file(tmp_path / "empty.mp4", "empty.mp4")


def test_audio_that_players_cannot_decode_in_mp4_is_encoded() -> None:
    assert "copy" in choose_recipe(PLAIN, 3840).arguments[3:]
    assert "aac" in choose_recipe(replace(PLAIN, audio_codec="pcm_s16le"), 3840).arguments


def test_pictures_are_recognised_by_their_first_bytes() -> None:
    assert recognise_kind(b"\0\0\0\x1cftypheic") is FileKind.PICTURE
    assert recognise_kind(b"RIFF\0\0\0\0WEBPVP8 ") is FileKind.PICTURE
    assert recognise_kind(b"\0\0\0\x1cftypisom") is FileKind.VIDEO
    with pytest.raises(BadMedia, match="a Photoshop document: save it as PNG or JPEG"):
        recognise_kind(b"8BPS\0\1" + bytes(20))
