"""Films of every rhythm become assets with an even one, as long as a person sees and hears them; damage is told."""

import random
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from sync.origin.store.media.media_rows import MediaState
from sync.origin.transcode import probe
from sync.origin.transcode.film.track_timing import TrackPackets, TrackTimes, measure_tracks, read_packet
from tests.long_tables import in_bench
from tests.origin.media_origin import MediaOrigin
from tests.origin.samples import Samples
from tests.origin.transcode.film.patches import write_matrix
from tests.origin.transcode.test_pictures import frames, near
from tests.origin.transcode.test_video import X264, colour_of, stream_hash, streams

AAC = (*X264, "-c:a", "aac")
SPARSE = ("-vf", "select='not(mod(n,7))+lt(mod(n,20),4)'", "-fps_mode", "vfr")

PASSED = ("-fps_mode", "passthrough", "-enc_time_base", "1/90000")
ASTRAY = "setts=ts=if(gt(PTS*TB\\,1.97)\\,PTS+16560/TB\\,PTS)"  # the last packet of a sound claims 4.6 hours


def rhythm_of(path: Path) -> dict[str, TrackTimes]:
    """Return the rhythm of the pictures ("v") and of the sound ("a") of a film."""
    entries = "stream=index,codec_type:packet=stream_index,pts_time,dts_time,duration_time,pos,flags"
    command = ("ffprobe", "-v", "error", "-show_entries", entries, "-of", "csv", str(path))
    tracks, kinds = defaultdict[int, TrackPackets](TrackPackets), dict[int, str]()
    for line in subprocess.check_output(command, text=True).splitlines():
        section, _, values = line.partition(",")
        if section == "stream":
            number, kind = values.split(",")
            kinds[int(number)] = kind[0]
        elif (packet := read_packet(values)) is not None:
            tracks[packet.track].append(packet)
    return {kinds[number]: measure_tracks({0: track})[0] for number, track in tracks.items()}


def pattern(rate: str, seconds: float) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=s=160x90:r={rate}:d={seconds}")


def tone(seconds: float) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=d={seconds}")


def jumping(samples: Samples, by_ms: int) -> tuple[str, ...]:
    """Return the input of a film of 2 s whose timestamps jump in the middle, to be copied."""
    even = samples.folder / "even.mkv"
    if not even.exists():
        samples.ffmpeg(*pattern("25", 2), *tone(2), *AAC, str(even))
    jump = f"setts=pts=PTS+if(gt(PTS\\,1000)\\,{by_ms}\\,0):dts=DTS+if(gt(DTS\\,1000)\\,{by_ms}\\,0)"
    return ("-copyts", "-i", str(even), "-c", "copy", "-bsf", jump)


@pytest.mark.parametrize(
    ("name", "arguments", "rate", "seconds"),
    [
        ("gap.mp4", (*pattern("30", 5), "-vf", "select='lt(t,1)+gt(t,4)'", "-fps_mode", "vfr", *X264), 30, 5),
        ("forward.mkv", 30_000, 25, 2),
        ("astray.flv", (*pattern("25", 2), *tone(2), *AAC, "-bsf:a", ASTRAY), 25, 2),
        *in_bench(
            ("late.mp4", ("-itsoffset", "1", *pattern("25", 1), *tone(2), "-map", "0", "-map", "1", *AAC), 25, 2),
            ("nonsense.mp4", (*pattern("25", 1), "-vf", "settb=1/90000,setpts=N", *PASSED, *X264), 25, 1),
        ),
        *in_bench(
            ("side_by_side.mp4", (*pattern("25", 2), *X264, "-x264-params", "frame-packing=3"), 25, 2),
            ("slides.mp4", (*pattern("1/2", 4), *X264), 24, 4),
            ("slow.mp4", (*pattern("1", 4), *X264), 24, 4),
            ("fast.mp4", (*pattern("240", 1), *X264), 60, 1),
            ("screen.mkv", (*pattern("60", 2), *SPARSE, *X264), 60, 2),
            ("raw.h264", (*pattern("25", 1), *X264), 25, 1),
            ("backward.flv", -900, 25, 2),
        ),
    ],
)  # fmt: skip
async def test_every_film_gets_an_even_rhythm_from_0_and_the_length_a_person_sees_and_hears(
    media_origin: MediaOrigin, samples: Samples, name: str, arguments: tuple[str, ...] | int, rate: int, seconds: float
) -> None:
    source = samples.folder / name
    made_by = jumping(samples, arguments) if isinstance(arguments, int) else arguments
    samples.ffmpeg(*made_by, str(source))
    row = await media_origin.process_file(source)
    assert row.asset and row.asset.duration_ms, row.problem
    assert abs(row.asset.duration_ms - seconds * 1000) < 130 and row.problem is None
    found = rhythm_of(media_origin.asset_file(row))
    pictures = found["v"]
    assert pictures.even and abs(pictures.rate / rate - 1) < 0.002 and pictures.start_s < 0.05
    assert pictures.starts_with_key and pictures.key_distance_s <= 12 and not pictures.trimmed
    assert all(times.end_s <= pictures.end_s + 0.1 for times in found.values())


@pytest.mark.parametrize("tracks", [(*pattern("25", 2), *tone(2)), *in_bench((pattern("25", 2),), (tone(2),))])
async def test_a_stream_whose_clock_starts_anew_goes_on(
    media_origin: MediaOrigin, samples: Samples, tracks: tuple[str, ...]
) -> None:
    late, early, joined = (samples.folder / name for name in ("late.ts", "early.ts", "joined.ts"))
    samples.ffmpeg(*tracks, *AAC, "-output_ts_offset", "5000", str(late))
    samples.ffmpeg(*tracks, *AAC, str(early))
    joined.write_bytes(late.read_bytes() + early.read_bytes())
    row = await media_origin.process_file(joined)
    assert row.asset and row.asset.duration_ms and abs(row.asset.duration_ms - 4000) < 200, row.problem
    assert rhythm_of(media_origin.asset_file(row))["v"].even and row.problem is None


async def test_what_an_edit_list_trims_off_is_not_in_the_asset(media_origin: MediaOrigin, samples: Samples) -> None:
    whole, trimmed = samples.folder / "red_then_blue.mp4", samples.folder / "blue.mp4"
    inputs = ("-f", "lavfi", "-i", "color=red:s=90x160:r=25:d=2", "-f", "lavfi", "-i", "color=blue:s=90x160:r=25:d=2")
    samples.ffmpeg(*inputs, "-filter_complex", "concat", *X264, "-bf", "2", "-sc_threshold", "0", str(whole))
    samples.ffmpeg("-ss", "2.2", "-i", str(whole), "-c", "copy", str(trimmed))
    row = await media_origin.process_file(trimmed)
    assert row.asset and row.asset.duration_ms and abs(row.asset.duration_ms - 1800) <= 80, row.problem
    shown = frames(media_origin.asset_file(row))
    assert near(shown[0], (0, 0, 254), off=20) and near(shown[0], shown[-1], off=20)
    assert rhythm_of(media_origin.asset_file(row))["v"].packets == len(shown) == 45


async def test_a_flipped_film_is_shown_as_its_matrix_says(media_origin: MediaOrigin, samples: Samples) -> None:
    plain, flipped = samples.folder / "corner.mp4", samples.folder / "flipped.mp4"
    corner = ("-vf", "drawbox=0:0:45:80:red:fill")
    samples.ffmpeg("-f", "lavfi", "-i", "color=blue:s=90x160:r=25:d=1", *corner, *X264, str(plain))
    flipped.write_bytes(plain.read_bytes())
    write_matrix(flipped, 1, 0, 0, -1)
    row = await media_origin.process_file(flipped)
    assert row.asset, row.problem
    shown = colour_of(media_origin.asset_file(row), "crop=30:60:0:100")
    assert near(shown, (254, 0, 0), off=25)
    (stream,) = streams(media_origin.asset_file(row))["streams"]
    assert "side_data_list" not in stream


@pytest.mark.parametrize("name", ["reordered.avi", *in_bench("in-order.avi", "reordered.ts")])
async def test_pictures_and_sound_stay_together(media_origin: MediaOrigin, samples: Samples, name: str) -> None:
    """AVI says when pictures are decoded and not when they are due."""
    bright = "drawbox=c=white:t=fill:enable='gte(t,1)'"
    pictures = ("-f", "lavfi", "-i", f"color=black:s=96x64:r=25:d=2,{bright}")
    reordered = ("-bf", "3", "-b_strategy", "0") if name.startswith("reordered") else ("-bf", "0")
    source, sound = samples.folder / name, "pcm_s16le" if name.endswith("avi") else "mp2"
    samples.ffmpeg(*pictures, *tone(2), *X264, "-g", "50", *reordered, "-c:a", sound, str(source))
    row = await media_origin.process_file(source)
    shown = [pixel[0] > 128 for pixel in frames(media_origin.asset_file(row))]
    assert abs(shown.index(True) - 25) <= 1, row.problem


@pytest.mark.parametrize(
    ("name", "lost", "note", "problem"),
    [
        ("packet", (0.5, 0.0), "its picture from 0:0", None),
        ("seconds", (0.3, 0.4), None, "its picture from 0:0"),
        *in_bench(("joined", (0.0, 0.0), None, None)),
    ],
)
async def test_what_a_stream_of_packets_lost_is_told_with_its_instant(
    media_origin: MediaOrigin,
    samples: Samples,
    name: str,
    lost: tuple[float, float],
    note: str | None,
    problem: str | None,
) -> None:
    whole = samples.video("whole.ts", *X264, "-g", "10", rate=10, seconds=6).read_bytes()
    count = len(whole) // 188
    start = int(count * lost[0])
    if name == "packet":  # the first one after the middle that has pictures
        start = next(n for n in range(start, count) if whole[188 * n + 1 : 188 * n + 3] == b"\x01\x00")
    end = start + 1 if name == "packet" else int(count * sum(lost))
    path = samples.folder / f"lost-{name}.ts"
    path.write_bytes(whole * 2 if name == "joined" else whole[: 188 * start] + whole[188 * end :])
    row = await media_origin.process_file(path)
    assert (row.state is MediaState.FAILED) == bool(problem), row.problem
    assert (note or problem or "None") in str(row.problem)


@pytest.mark.parametrize(
    ("codecs", "other_track", "refused"),
    [
        (("libx264", "aac"), False, False),
        (("mpeg2video", "aac"), False, True),
        *in_bench((("libx264", "mp2"), False, True), (("libx265", "aac"), False, True)),
        (("libx264", "aac"), True, True),
    ],
)
async def test_a_stream_that_has_other_codecs_in_the_middle_is_refused_and_says_so(
    media_origin: MediaOrigin, samples: Samples, codecs: tuple[str, str], other_track: bool, refused: bool
) -> None:
    first, second, joined = (samples.folder / name for name in ("first.ts", "second.ts", "codecs.ts"))
    number = ("-streamid", f"0:{800 if other_track else 256}")
    samples.ffmpeg(*pattern("25", 1), *tone(1), *AAC, str(first))
    pictures, sound = codecs
    samples.ffmpeg(*pattern("25", 1), *tone(1), "-c:v", pictures, "-c:a", sound, *number, str(second))
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    row = await media_origin.process_file(joined)
    assert (row.state is MediaState.FAILED) == refused, row.problem
    assert not refused or re.search(r"other tracks or codecs after \d\d% of its file", str(row.problem))


@pytest.mark.parametrize("container", ["mp4", *in_bench("flv")])
async def test_joined_films_of_which_players_show_the_first_one_only_are_refused(
    media_origin: MediaOrigin, samples: Samples, sound_film: Path, tmp_path: Path, container: str
) -> None:
    samples.ffmpeg("-i", str(sound_film), "-c", "copy", "-f", container, str(tmp_path / "one"))
    (tmp_path / "joined").write_bytes((tmp_path / "one").read_bytes() * 2)
    row = await media_origin.process_file(tmp_path / "joined")
    assert row.problem and "other tracks or codecs after 50% of its file" in row.problem


@pytest.mark.parametrize(
    ("name", "codec"), [("cut.avi", "mpeg4"), ("cut.mxf", "mpeg2video"), *in_bench(("cut-too.avi", "libx264"))]
)
async def test_a_film_whose_start_is_gone_is_not_taken_for_its_pictures_alone(
    media_origin: MediaOrigin, samples: Samples, name: str, codec: str
) -> None:
    source = samples.folder / name
    samples.ffmpeg(*pattern("25", 2), *tone(2), "-c:v", codec, "-ar", "48000", "-c:a", "pcm_s16le", str(source))
    source.write_bytes(source.read_bytes()[100:])
    row = await media_origin.process_file(source)
    assert row.problem == "This video is damaged: its start is missing. Send it again."


def damaged(film: Path, target: Path, share: float, start: float) -> Path:
    """Write a copy of a film of which a part, from `start` on, is random."""
    data, chance = bytearray(film.read_bytes()), random.Random(1)
    first = int(len(data) * start)
    data[first : first + int(len(data) * share)] = chance.randbytes(int(len(data) * share))
    target.write_bytes(data)
    return target


@pytest.fixture
def sound_film(samples: Samples) -> Path:
    """A film of 6 s with a key frame every 0.4 s."""
    path = samples.folder / "sound.mp4"
    if not path.exists():
        keys = ("-g", "10", "-sc_threshold", "0", "-bf", "2", "-movflags", "+faststart")
        samples.ffmpeg(*pattern("25", 6), *tone(6), *AAC, *keys, str(path))
    return path


async def test_a_little_damage_is_mended_and_told_in_a_long_film_too(
    media_origin: MediaOrigin, samples: Samples, sound_film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurt = damaged(sound_film, samples.folder / "hurt.mp4", 0.02, 0.5)
    row = await media_origin.process_file(hurt)
    assert row.state is MediaState.READY and row.asset and row.asset.duration_ms, row.problem
    assert row.problem and re.search(r"damaged: its picture from 0:0[23]\.\d to 0:0[34]\.\d", row.problem)
    pictures = rhythm_of(media_origin.asset_file(row))["v"]
    assert pictures.even and pictures.packets == 150
    monkeypatch.setattr(probe, "_MOST_LOGGED", 20)  # packets: it counts as a long one
    again = samples.folder / "again.mp4"
    again.write_bytes(hurt.read_bytes())
    assert (await media_origin.process_file(again)).problem == row.problem


async def test_much_damage_is_refused_with_its_instant(
    media_origin: MediaOrigin, samples: Samples, sound_film: Path
) -> None:
    row = await media_origin.process_file(damaged(sound_film, samples.folder / "wreck.mp4", 0.4, 0.4))
    assert row.state is MediaState.FAILED and row.attempts == 1
    assert row.problem and re.search(r"damaged: its picture from 0:02\.\d to 0:0[45]\.\d", row.problem), row.problem


@pytest.mark.parametrize("container", ["mkv", *in_bench("ts")])
async def test_a_hole_in_a_file_that_cannot_be_read_is_no_still_picture(
    media_origin: MediaOrigin, samples: Samples, sound_film: Path, container: str
) -> None:
    whole = samples.folder / f"whole.{container}"
    samples.ffmpeg("-i", str(sound_film), "-c", "copy", str(whole))
    row = await media_origin.process_file(damaged(whole, samples.folder / f"hole.{container}", 0.4, 0.4))
    assert row.state is MediaState.FAILED
    assert row.problem and re.search(
        r"its picture from 0:02\.\d to 0:0[45]\.\d and its sound from 0:0[12]", row.problem
    )


async def test_an_avi_without_its_end_is_refused(media_origin: MediaOrigin, samples: Samples) -> None:
    whole, cut = samples.folder / "whole.avi", samples.folder / "cut.avi"
    samples.ffmpeg(*pattern("25", 3), *X264, str(whole))
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    row = await media_origin.process_file(cut)
    assert row.state is MediaState.FAILED and row.problem and "40% of its file is missing" in row.problem
    assert (await media_origin.process_file(whole)).problem is None


async def test_a_whole_film_is_copied_bit_for_bit(media_origin: MediaOrigin, sound_film: Path) -> None:
    row = await media_origin.process_file(sound_film)
    assert row.problem is None and stream_hash(media_origin.asset_file(row)) == stream_hash(sound_film)


async def test_forced_subtitles_are_burnt_in(media_origin: MediaOrigin, samples: Samples) -> None:
    words, film = samples.folder / "forced.srt", samples.folder / "forced.mkv"
    words.write_text("1\n00:00:00,300 --> 00:00:00,700\n{\\an5}\u2588\u2588\u2588\n")  # blocks, in the middle
    blue = ("-f", "lavfi", "-i", "color=blue:s=160x90:r=25:d=1", "-i", str(words), "-map", "0", "-map", "1")
    samples.ffmpeg(*blue, *X264, "-c:s", "srt", "-disposition:s:0", "forced", str(film))
    row = await media_origin.process_file(film)
    assert row.asset and row.problem is None
    shown = frames(media_origin.asset_file(row))
    assert near(shown[2], (0, 0, 254), off=20) and near(shown[22], shown[2], off=3)
    assert near(shown[12], (254, 254, 254), off=20)


@pytest.mark.parametrize(
    ("codec", "pixels", "ending"),
    [
        ("prores_ks", "yuva444p10le", "mov"),
        *in_bench(
            ("libvpx-vp9", "yuva420p", "webm"),
            ("png", "rgba", "mov"),
            ("qtrle", "argb", "mov"),
            ("libvpx", "yuva420p", "webm"),
        ),
    ],
)
async def test_what_is_clear_in_a_film_becomes_black_whatever_colour_is_hidden_there(
    media_origin: MediaOrigin, samples: Samples, codec: str, pixels: str, ending: str
) -> None:
    source = samples.folder / f"clear.{ending}"
    half = f"color=red:s=160x90:r=25:d=1,format=rgba,colorchannelmixer=aa=0.5,format={pixels}"
    samples.ffmpeg("-f", "lavfi", "-i", half, "-c:v", codec, "-auto-alt-ref", "0", "-pix_fmt", pixels, str(source))
    row = await media_origin.process_file(source)
    assert all(near(colour, (127, 0, 0), off=6) for colour in frames(media_origin.asset_file(row)))
