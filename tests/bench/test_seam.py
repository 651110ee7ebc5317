"""What the seam benchmark makes of what it saw, and the mark in its clips."""

import numpy as np
import pytest
from PIL import Image
from seam_analysis import Item, Run, Showing, cuts, drift_s, follow, frames
from seam_barcode import SCREEN, TOP, Mark, Place, blocks, is_whole, read, shade
from seam_clips import Clip, Painter, full_range, playlist, tail
from seam_witness import Witness

STEP_S = 0.1
TEN = [Item(clip=number, frames=3, frame_s=STEP_S, duration_s=3 * STEP_S) for number in (1, 2, 3, 3, 4)]


def seen(*sights: str) -> list[Run]:
    """Make runs a tenth of a second apart from words: `1/0` is a frame of a clip, else what it is."""
    runs = []
    for number, sight in enumerate(sights):
        clip, _, frame = sight.partition("/")
        what = ("frame", int(clip), int(frame)) if frame else (sight, -1, -1)
        runs.append(Run(number * STEP_S, (number + 1) * STEP_S, *what))
    return runs


def column(mark: Mark) -> bytes:
    level = round((shade(mark.clip) - 16) * 255 / 219)
    levels = [level] * SCREEN[1]
    for block, bit in enumerate(blocks(mark)):
        levels[TOP + 8 * block : TOP + 8 * block + 8] = [235 if bit else 10] * 8
    return b"".join(bytes([level] * 3 + [0]) for level in levels)


def row(level: int, left: int) -> bytes:
    inside = [level] * (SCREEN[0] - 2 * left)
    return b"".join(bytes([one] * 3 + [0]) for one in [0] * left + inside + [0] * left)


@pytest.mark.parametrize("mark", [Mark(0, 0), Mark(1, 59), Mark(255, 4095)])
def test_a_mark_is_read_as_it_was_drawn(mark: Mark) -> None:
    assert read(column(mark)) == mark


def test_a_damaged_mark_is_not_read() -> None:
    damaged = bytearray(column(Mark(7, 9)))
    spot = 4 * (TOP + 12 * 8 + 4) + 1
    damaged[spot] = 255 - damaged[spot]
    assert read(bytes(damaged)) is None


def test_half_a_picture_is_not_whole() -> None:
    mark, place = Mark(1, 0), Place.of(720, 720)
    level = round((shade(1) - 16) * 255 / 219)
    assert is_whole(mark, place, column(mark), row(level, 280))
    assert not is_whole(mark, place, column(mark), row(level, 0))
    assert not is_whole(mark, place, column(mark), row(level, 500))


def test_a_perfect_playlist_has_nothing_to_report() -> None:
    runs = seen("bare", *(f"{item.clip}/{frame}" for item in TEN for frame in range(3)))
    showings = follow(TEN, runs)
    assert [showing.at for showing in showings] == [0, 1, 2, 3, 4]
    for cut in cuts(TEN, showings):
        assert (cut.black_s, cut.wrong_s) == (0, 0)
        assert cut.extra_s == pytest.approx(0, abs=1e-9) and cut.start_s == pytest.approx(0, abs=1e-9)
    assert not any(one.lost for one in frames(TEN, showings))
    assert drift_s(TEN, showings) == pytest.approx(0, abs=1e-9)


def only(showings: list[Showing]) -> tuple[float, float, float]:
    cut = cuts(TEN, showings)[0]
    return round(cut.black_s, 6), round(cut.wrong_s, 6), round(cut.frozen_s, 6)


def test_black_a_flash_and_a_standing_frame_are_told_apart() -> None:
    assert only(follow(TEN, seen("1/0", "1/1", "1/2", "black", "2/0"))) == (0.1, 0, 0)
    assert only(follow(TEN, seen("1/0", "1/1", "1/2", "4/2", "2/0", "2/1"))) == (0, 0.1, 0)
    assert only(follow(TEN, seen("1/0", "1/1", "1/2", "torn", "2/0"))) == (0, 0.1, 0)
    assert only(follow(TEN, seen("1/0", "1/1", "1/2", "1/2", "2/0"))) == (0, 0, 0.1)


def test_the_old_item_flashing_up_in_the_new_one_is_wrong() -> None:
    showings = follow(TEN, seen("1/0", "1/1", "1/2", "2/0", "1/2", "2/1", "3/0"))
    assert round(cuts(TEN, showings)[1].wrong_s, 6) == 0.1


def test_lost_frames_are_named_and_those_nobody_could_see_are_not_judged() -> None:
    assert frames(TEN, follow(TEN, seen("1/0", "1/2", "2/0")))[0].lost == (1,)
    nobody_looked = [Run(0.0, 0.1, "frame", 1, 0), Run(0.2, 0.3, "frame", 1, 2), Run(0.3, 0.4, "frame", 2, 0)]
    found = frames(TEN, follow(TEN, nobody_looked))[0]
    assert (found.lost, found.unjudged) == ((), 1)


def test_an_item_never_shown_is_left_out_and_costs_no_cut() -> None:
    showings = follow(TEN, seen("1/0", "1/1", "1/2", "3/0", "3/1", "3/2"))
    assert [showing.at for showing in showings] == [0, 2]
    assert cuts(TEN, showings) == []


def test_the_witness_knows_a_whole_frame_from_one_that_is_torn_or_another_film() -> None:
    clips = [Clip(number, "h264", 640, 360, "25", 50, False, "", 2.0) for number in (3, 8)]
    witness = Witness(clips)
    pictures = [
        np.asarray(Image.fromarray(full_range(Painter(clip).frame(7))).resize(SCREEN, Image.Resampling.BILINEAR))
        for clip in clips
    ]
    assert [witness.judge(picture) for picture in pictures] == ["", ""]
    torn = pictures[0].copy()
    torn[:200] = pictures[1][:200]
    assert witness.judge(torn).startswith("clip 3 frame 7: ")
    assert witness.judge(np.zeros((SCREEN[1], SCREEN[0]), np.uint8)) == "no mark; mean grey 0"


def test_what_is_too_heavy_is_played_after_the_list_alone() -> None:
    pool = [Clip(number, "h264", 640, 360, "25", 50, False, "", 2.0) for number in range(1, 6)]
    pool += [
        Clip(9, "h264", 1920, 1080, "60", 60, False, "", 1.0, False),
        Clip(10, "jpg", 9, 9, "1", 1, False, "", 1.0),
    ]
    assert 9 not in {clip.number for clip in playlist(pool, 40)}
    assert [clip.number for clip in tail(pool)] == [9, 10]
