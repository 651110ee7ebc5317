"""The rhythm of tracks, from the times of their packets."""

import tracemalloc
from collections import defaultdict
from collections.abc import Container
from fractions import Fraction
from itertools import pairwise

import pytest

from sync.origin.transcode.film.track_timing import (
    Packet,
    TrackPackets,
    TrackTimes,
    even_rate,
    film_span,
    measure_tracks,
    read_packet,
)


def measure(packets: list[Packet], sounds: Container[int] = (), pictures: Container[int] = ()) -> dict[int, TrackTimes]:
    tracks: defaultdict[int, TrackPackets] = defaultdict(TrackPackets)
    for packet in packets:
        tracks[packet.track].append(packet)
    return measure_tracks(tracks, sounds, pictures)


def track(dues: list[float], *, lasts_s: float = 0.04, keys: int = 25, number: int = 0) -> list[Packet]:
    """Return packets that are decoded when they are due."""
    return [Packet(number, due, due, lasts_s, n % keys == 0, False) for n, due in enumerate(dues)]


def measured(dues: list[float], lasts_s: float = 0.04) -> TrackTimes:
    return measure(track(dues, lasts_s=lasts_s))[0]


def every(step_s: float, count: int, first_s: float = 0.0) -> list[float]:
    return [first_s + n * step_s for n in range(count)]


@pytest.mark.parametrize(
    ("dues", "rate", "even"),
    [
        (every(1 / 25, 100), Fraction(25), True),
        ([round(due, 3) for due in every(1001 / 30000, 300)], Fraction(30000, 1001), True),
        ([round(due, 3) for due in every(1001 / 60000, 300)], Fraction(60000, 1001), True),
        ([due for n, due in enumerate(every(1 / 30, 300)) if n % 100 or not n], Fraction(30), True),
        ([due for n, due in enumerate(every(1 / 60, 300)) if n % 7 == 0 or n % 20 < 5], Fraction(60), False),
        (every(1 / 30, 60) + every(1 / 30, 60, 10.0), Fraction(30), False),
        (every(1 / 24, 50) + every(1 / 30, 50, 50 / 24), Fraction(30), False),
        (every(8, 3), Fraction(1, 8), True),
        (every(1 / 240, 500), Fraction(240), True),
        ([0.0], Fraction(25), False),
        ([0.0, 0.04], Fraction(25), True),
    ],
)
def test_rate_and_evenness(dues: list[float], rate: Fraction, even: bool) -> None:
    times = measured(dues)
    assert (times.rate, times.even, times.jumps) == (rate, even, False)


@pytest.mark.parametrize(
    ("rate", "encoded"),
    [
        (Fraction(1, 8), 24),
        (Fraction(1), 24),
        (Fraction(3), 24),
        (Fraction(25, 2), 25),
        (Fraction(15), 30),
        (Fraction(20), 40),
        (Fraction(24000, 1001), Fraction(24000, 1001)),
        (Fraction(60), 60),
        (Fraction(90), 45),
        (Fraction(100), 50),
        (Fraction(120000, 1001), Fraction(60000, 1001)),
        (Fraction(144), 48),
        (Fraction(240), 60),
    ],
)
def test_what_is_encoded_has_a_whole_multiple_or_part_of_its_rate(rate: Fraction, encoded: Fraction) -> None:
    assert even_rate(rate) == encoded


def test_a_jump_back_is_closed_in_each_track() -> None:
    times = measured(every(0.04, 50, 100.0) + every(0.04, 50))
    assert times.jumps and times.even and times.end_s - times.start_s == pytest.approx(4.0)


def test_timestamps_that_stand_are_told_apart() -> None:
    times = measured(every(0.04, 50) + [1.96] * 10 + every(0.04, 40, 2.0))
    assert times.jumps and times.packets == 100 and times.end_s == pytest.approx(4.0)


def test_a_jump_ahead_counts_if_all_tracks_make_it() -> None:
    jump = every(0.04, 50) + every(0.04, 50, 60.0)
    alone = measured(jump)
    assert not alone.jumps and alone.end_s == pytest.approx(62.0)
    both = measure(track(jump) + track(jump, number=1))
    assert all(times.jumps and times.end_s == pytest.approx(4.0) for times in both.values())
    beside = measure(track(jump) + track(every(0.04, 1550), number=1))
    assert not beside[0].jumps and beside[0].end_s == pytest.approx(62.0)
    stated = track(jump)
    stated[49] = Packet(0, 1.96, 1.96, 58.04, False, False)  # the file says that this one stays
    other = [Packet(1, packet.due_s, packet.decoded_s, packet.lasts_s, True, False) for packet in track(jump)]
    assert not measure(stated + other)[0].jumps


@pytest.mark.parametrize(
    ("sound", "pictures", "end_s"),
    [
        ([*every(0.02, 100), 16_560.0], every(0.04, 50), 2.02),
        ([*every(0.02, 100), 16_560.0], [], 2.02),
        ([*every(0.02, 100), *every(0.02, 5, 60.0)], every(0.04, 50), 2.1),
        ([*every(0.02, 100), 60.0], every(0.04, 1600), 60.02),  # while pictures are shown
        ([*every(0.02, 100), *every(0.02, 100, 60.0)], every(0.04, 50), 62.0),  # it can be heard
        ([*every(0.02, 50), 16_560.0, *every(0.02, 49, 1.02)], every(0.04, 50), 2.0),
    ],
)
def test_sound_that_is_alone_long_after_the_film_is_no_part_of_its_length(
    sound: list[float], pictures: list[float], end_s: float
) -> None:
    found = measure(track(sound, lasts_s=0.02) + track(pictures, number=1), sounds={0})
    assert found[0].end_s == pytest.approx(end_s, abs=0.05)


def test_a_clock_that_starts_anew_is_a_jump_in_a_track_alone_too() -> None:
    times = measured(every(0.04, 50) + every(0.04, 50, 2**33 / 90_000 - 3600))
    assert times.jumps and times.end_s == pytest.approx(4.0)


def test_a_due_time_far_from_the_time_of_decoding_is_not_believed() -> None:
    packets = track(every(0.04, 100))
    packets[60] = Packet(0, 32.4, 2.4, 0.04, False, False)
    assert measure(packets)[0].end_s == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("dues", "end_s"),
    [
        ([*every(0.04, 100), 79.96], 80.0),  # a last picture long after the others
        ([*every(0.04, 100), *every(0.04, 5, 60.0), *every(0.04, 5, 90.0)], 90.2),
        (every(30, 10), 300.0),
        ([0.0, 10.0, 20.0, 30.0], 40.0),
    ],
)
@pytest.mark.parametrize("told", [0, 2])
def test_pictures_that_stay_long_are_believed_although_decoding_runs_behind(
    dues: list[float], end_s: float, told: int
) -> None:
    """As x264 writes them: of two pictures the later one comes first, and decoding begins two pictures earlier."""
    frame_s = min(after - before for before, after in pairwise(dues))
    stored = [due for first in range(0, len(dues), 2) for due in reversed(dues[first : first + 2])]
    decoded = [-2 * frame_s + dues[0], -frame_s + dues[0], *dues]
    packets = [
        Packet(0, due, at if n >= told else None, frame_s, n == 0, False)
        for n, (due, at) in enumerate(zip(stored, decoded, strict=False))
    ]
    times = measure(packets)[0]
    assert not times.jumps and times.start_s == 0.0 and times.end_s == pytest.approx(end_s)


def test_some_due_times_follow_from_the_time_of_decoding() -> None:
    packets = [Packet(0, None if n % 3 else 0.54 + n / 25, 0.5 + n / 25, 0.04, n == 0, False) for n in range(50)]
    times = measure(packets)[0]
    assert times.even and times.start_s == pytest.approx(0.54) and times.packets == 50


@pytest.mark.parametrize(
    ("told_s", "rate"),
    [(0.04, 25), (1.0, 1), (8.0, Fraction(1, 8)), (1 / 240, 240), (0.0, 25), (100.0, 25), (1e-5, 25)],
)
def test_pictures_of_a_bare_stream_are_counted_at_the_rate_it_tells_if_that_can_be_true(
    told_s: float, rate: Fraction
) -> None:
    times = measure([Packet(0, None, None, told_s, n == 0, False) for n in range(50)])[0]
    assert times.counted and not times.even and times.rate == rate
    assert times.end_s - times.start_s == pytest.approx(50 / rate)


@pytest.mark.parametrize(("seconds", "rate"), [(None, 25), (4, Fraction(25, 2)), (5000, 25)])
def test_pictures_faster_than_any_camera_are_counted_and_last_as_long_as_the_sound(
    seconds: int | None, rate: Fraction
) -> None:
    sound = [] if seconds is None else [Packet(1, float(n), float(n), 1.0, True, False) for n in range(seconds)]
    times = measure(track(every(1 / 90_000, 50), lasts_s=1 / 90_000) + sound, {1}, {0})[0]
    assert times.counted and times.rate == rate and times.end_s == pytest.approx(50 / rate)
    fast = measure(track(every(1 / 1000, 50), lasts_s=1 / 1000), (), {0})[0]
    assert not fast.counted and fast.end_s == pytest.approx(50 / 1000)


def test_a_day_of_film_takes_the_memory_that_is_stated() -> None:
    pictures = [Packet(0, (n + 2 * (n % 2)) / 60, n / 60, 1 / 60, n % 250 == 0, False) for n in range(11_000)]
    packets = [*pictures, *track(every(1024 / 48_000, 9_000), number=1)]
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    assert measure(packets, {1}, {0})[0].even
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (most - before) / len(packets) < 55.5  # bytes, as `MOST_PACKETS` says


def test_trimmed_packets_and_distant_keys_are_seen() -> None:
    packets = [Packet(0, n / 25 - 1, n / 25 - 1, 0.04, n % 50 == 0, n < 25) for n in range(100)]
    times = measure(packets)[0]
    assert times.trimmed and times.starts_with_key and times.start_s == 0.0 and times.packets == 75
    assert times.key_distance_s == pytest.approx(2.0)


def test_what_an_edit_list_decodes_and_does_not_show_is_no_jump() -> None:
    hidden = [Packet(0, due, due, 0.04, n == 0, True) for n, due in enumerate(every(0.04, 30, 0.8))]
    times = measure([*track(every(0.04, 50)), *hidden, *track(every(0.04, 50, 2.0))])[0]
    assert times.trimmed and times.even and not times.jumps and times.end_s == pytest.approx(4.0)


def test_a_film_lasts_from_its_first_track_to_the_end_of_its_last() -> None:
    tracks = measure(track(every(0.04, 50, 5.0)) + track(every(0.02, 200, 5.1), lasts_s=0.02, number=1))
    assert [*film_span([*tracks.values(), None])] == pytest.approx([5.0, 9.1])


def test_lines_of_ffprobe() -> None:
    assert read_packet("0,-0.040000,N/A,0.040000,188,KD") == Packet(0, -0.04, None, 0.04, True, True, 188)
    assert read_packet("1,0.5,0.5,N/A,N/A,__,") == Packet(1, 0.5, 0.5, 0.0, False, False)
    assert read_packet("") is None and read_packet("side_data,") is None
