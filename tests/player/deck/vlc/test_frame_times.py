"""When the pictures of a film are due, against what ffprobe says of films that the test makes; damage gives None."""

import json
import subprocess
from pathlib import Path
from random import Random

import pytest

from player.deck.vlc.frame_times import read_frame_times

PATTERN = ["-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=6"]
GAP = ["-vf", "select='lt(t,1)+gt(t,4)'", "-fps_mode", "vfr"]
X264 = ["-c:v", "libx264", "-preset", "veryfast"]
FILMS = {
    "even": [*PATTERN, *X264],
    "no reordering": [*PATTERN, "-c:v", "mpeg4"],
    "a gap": [*PATTERN, *GAP, *X264],
    "slides": ["-f", "lavfi", "-i", "testsrc2=s=64x64:r=1/8:d=24", *X264],
    "two rates": [*PATTERN, "-vf", "select='lt(t,3)+not(mod(n,5))'", "-fps_mode", "vfr", *X264],
    "sound first": [
        "-itsoffset",
        "2",
        *PATTERN,
        "-f",
        "lavfi",
        "-i",
        "sine=440:d=8",
        "-fps_mode",
        "passthrough",
        *X264,
    ],
    "moov first": [*PATTERN, *GAP, *X264, "-movflags", "+faststart"],
}


def make(folder: Path, *how: str, container: str = "mp4") -> Path:
    film = folder / "film"
    subprocess.run(["ffmpeg", "-v", "error", "-y", *how, "-f", container, str(film)], check=True, timeout=60)
    return film


def probed(film: Path) -> list[float]:
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time", "-of", "json"]
    packets = json.loads(subprocess.check_output([*command, str(film)]))["packets"]
    return sorted(float(packet["pts_time"]) for packet in packets)


@pytest.mark.parametrize("how", FILMS.values(), ids=FILMS)
def test_the_times_are_those_of_ffprobe(how: list[str], tmp_path: Path) -> None:
    film = make(tmp_path, *how)
    times, truth = read_frame_times(str(film)), probed(film)
    assert times and times.pictures == len(truth)
    assert times.length_s == pytest.approx(truth[-1] + 0.04, abs=0.05 if len(truth) > 3 else 9)
    gaps = [later - sooner for sooner, later in zip([0.0, *truth], truth, strict=False)]
    assert times.longest_s == pytest.approx(max(gaps), abs=0.05)
    if times.times_s is not None:
        assert list(times.times_s) == pytest.approx(truth, abs=0.001)
    for since, until in ((0.0, 0.5), (0.5, 2.0), (1.5, 3.5), (3.0, 9.0)):
        assert times.due(since, until) == pytest.approx(sum(since < at <= until for at in truth), abs=1.01)


def test_the_longest_gap_is_that_of_the_part_asked_for(tmp_path: Path) -> None:
    times = read_frame_times(str(make(tmp_path, *FILMS["a gap"])))
    assert times
    assert times.longest_gap_s(0.0, 0.8) == pytest.approx(0.04, abs=0.01)
    assert times.longest_gap_s(0.5, 1.5) == times.longest_gap_s(2.0, 2.1) == pytest.approx(3.08, abs=0.05)
    assert times.longest_gap_s(4.5, 5.0) == pytest.approx(0.04, abs=0.01)
    assert times.next_s(1.5) == pytest.approx(4.04, abs=0.05) and times.next_s(6.0) is None


def test_a_track_of_one_picture_beside_the_film_does_not_count(tmp_path: Path) -> None:
    cover = ["-f", "lavfi", "-i", "color=red:s=64x64:r=1:d=1", "-map", "1:v", "-map", "0:v"]
    times = read_frame_times(str(make(tmp_path, *PATTERN, *cover, *X264)))
    assert times and times.pictures == 150


@pytest.mark.parametrize(
    ("container", "how"),
    [("matroska", []), ("mpegts", []), ("avi", []), ("mp4", ["-movflags", "+frag_keyframe+empty_moov"])],
)
def test_other_formats_do_not_tell(container: str, how: list[str], tmp_path: Path) -> None:
    assert read_frame_times(str(make(tmp_path, *PATTERN, *X264, *how, container=container))) is None


def test_no_damaged_table_raises_or_takes_long(tmp_path: Path) -> None:
    film, chance = make(tmp_path, *FILMS["a gap"]), Random(1)
    whole = film.read_bytes()
    moov = whole.index(b"moov")
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(moov, len(data))] = chance.choice((0, 1, 0x7F, 0xFF, chance.randrange(256)))
        film.write_bytes(data[: chance.choice((len(data), len(data), chance.randrange(len(data))))])
        times = read_frame_times(str(film))
        assert times is None or (times.pictures > 0 and times.length_s > 0 and times.longest_gap_s(0.0, 1.0) >= 0)
    assert read_frame_times(str(tmp_path / "none")) is None
