"""Which stretches of a film count as damaged, by what its decoder and ffprobe said."""

from fractions import Fraction
from math import isnan

import pytest

from sync.origin.transcode.film.containers import Loss
from sync.origin.transcode.film.damage import (
    Damage,
    DecodedFrame,
    DecodedTrack,
    can_mend,
    cannot_be_read,
    describe,
    find_damage,
    missing_in_file,
    read_complaint,
    read_frame,
)
from sync.origin.transcode.film.geometry import Shape
from sync.origin.transcode.film.track_timing import Packet, TrackPackets, measure_tracks

BROKEN = "[h264 @ 0x55] error while decoding MB 31 19, bytestream 1105"
DUE = [n / 10 for n in range(40)]


def frames(*, without: tuple[int, ...] = (), said: dict[int, str] | None = None) -> DecodedTrack:
    """Return 40 frames, ten a second, with a key frame each second."""
    found = DecodedTrack()
    for number in range(40):
        if number not in without:
            found.append(DecodedFrame(number / 10, number % 10 == 0))
        if said and number in said:
            found.complain(said[number])
    return found


@pytest.mark.parametrize(
    ("seen", "spans"),
    [
        (frames(), ()),
        (frames(said={13: BROKEN}), ((1.3, 2.0),)),
        (frames(said={13: "[h264 @ 0x55] mmco: unref short failure"}), ()),
        (frames(without=(13, 14)), ((1.3, 2.0),)),
        (frames(without=(38, 39)), ((3.8, 4.0),)),
        (frames(without=tuple(range(5))), ()),
        (frames(said={13: BROKEN, 16: BROKEN, 31: BROKEN}), ((1.3, 2.0), (3.1, 4.0))),
        (frames(without=tuple(range(40))), ((0.0, 4.0),)),
    ],
)
def test_damage_lasts_from_the_first_bad_picture_to_the_next_key_frame(
    seen: DecodedTrack, spans: tuple[tuple[float, float], ...]
) -> None:
    assert find_damage(seen, DUE, 0.1, 4.0).spans == spans


def test_packets_that_give_no_picture_of_their_own_are_no_damage() -> None:
    hidden = sorted([*DUE, 1.55, 2.05])  # as in VP8
    assert find_damage(frames(), hidden, 0.1, 4.0) == Damage()


def test_a_hole_in_the_file_lasts_until_the_next_key_frame() -> None:
    gone = tuple(range(12, 27))
    due = [at for at in DUE if not 1.15 < at < 2.65]
    assert find_damage(frames(without=gone), due, 0.1, 4.0) == Damage()
    (span,) = find_damage(frames(without=gone), due, 0.1, 4.0, [(1.2, 2.698)]).spans
    assert span[0] == pytest.approx(1.2) and span[1] == 3.0


@pytest.mark.parametrize(
    ("lost", "unreadable", "spans"),
    [
        ([], False, []),
        ([], True, [(1.2, 2.698)]),
        ([Loss(0, 130, False)], False, [(1.2, 2.698), (1.1, 1.1)]),  # the end of the picture before is lost as well
        ([Loss(7, 150, False)], False, [(1.2, 2.698)]),  # of the sound, or of no track
        ([Loss(0, 44, False)], False, [(0.4, 0.4)]),
        ([Loss(0, 40, True)], False, [(0.4, 0.4)]),
        ([Loss(0, 300, True)], False, []),  # a key frame: two streams were joined there
        ([Loss(0, 301, False)], False, [(3.0, 3.0)]),
        ([Loss(7, 44, False), Loss(0, 9999, False)], False, [(3.9, 3.9)]),
    ],
)
def test_lost_packets_spoil_what_they_are_of_and_what_they_leave_out(
    lost: list[Loss], unreadable: bool, spans: list[tuple[float, float]]
) -> None:
    track = TrackPackets()
    for n in (*range(12), *range(27, 40)):
        track.append(Packet(0, n / 10, n / 10, 0.1, n % 10 == 0, False, 10 * n), positions=True)
    missing = missing_in_file(track, 0, measure_tracks({0: track})[0], lost, unreadable=unreadable)
    assert missing == [pytest.approx(span) for span in spans]


def test_little_is_mended_and_much_is_not() -> None:
    assert can_mend(Damage(((5.0, 6.9),)), 20.0)
    assert not can_mend(Damage(((5.0, 7.1),)), 600.0)
    assert can_mend(Damage(tuple((60.0 * n, 60.0 * n + 1) for n in range(10))), 600.0)
    assert not can_mend(Damage(tuple((6.0 * n, 6.0 * n + 1) for n in range(10))), 60.0)


def test_people_read_when() -> None:
    assert describe(Damage(((7.0, 9.5), (61.96, 63.0)))) == "from 0:07.0 to 0:09.5, from 1:02.0 to 1:03.0"
    assert describe(Damage(((7.01, 7.04),))) == "at 0:07.0"
    assert describe(Damage(((1, 2), (3, 4), (5, 6), (7, 8)))).endswith("and 1 more time")


def test_the_lines_of_ffprobe() -> None:
    line = '{ "key_frame": 1, "best_effort_timestamp_time": "3.080000", "width": 4, "height": 2,'
    assert read_frame(line) == DecodedFrame(3.08, key=True, shape=Shape(4, 2, Fraction(1)))
    untimed = read_frame('{ "key_frame": 0, "width": 4, "height": 2,')
    assert untimed and isnan(untimed.due_s) and not untimed.key
    assert read_complaint('{ "message": "[h264 @ 0x5] Invalid NAL unit size" }') == "[h264 @ 0x5] Invalid NAL unit size"
    assert read_frame('{ "message": "" }') is None and read_complaint("") is None
    assert cannot_be_read("[matroska,webm @ 0x5] 0x00 invalid as first byte of an EBML number", "matroska,webm")
    assert not cannot_be_read("[h264 @ 0x5] non-existing PPS 0 referenced", "mpegts")
