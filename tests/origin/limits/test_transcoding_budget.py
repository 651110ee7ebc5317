"""What is refused, and what children get, as tables."""

from dataclasses import replace

import pytest

from sync.origin.limits.priority import Priority
from sync.origin.limits.transcoding_budget import (
    LONGEST_PLAY_S,
    QUICK_S,
    Limits,
    Work,
    WorkKind,
    film_frames,
    header_limits,
    lanes,
    limits_for,
    memory_needed,
    refusal,
)

MIB = 1024**2
MOST = Limits(seconds=4 * 3600, memory_bytes=2048 * MIB, file_bytes=10**12)
STILL, ANIMATION, COPIED, ENCODED, SOUND = WorkKind


def work(kind: WorkKind, size: str, frames: int = 1, seconds: float = 0.0, source_bytes: int = 100_000) -> Work:
    width, height = size.split("x")
    return Work(kind, int(width), int(height), frames, seconds, source_bytes)


@pytest.mark.parametrize(
    ("wanted", "seconds", "mebibytes", "quick"),
    [
        (work(STILL, "1920x1080"), 34, 436, True),
        (work(STILL, "4000x3000"), 54, 682, True),
        (work(STILL, "10000x11000"), 250, 2048, False),
        (work(STILL, "100x100", source_bytes=400 * MIB), 130, 1184, True),
        (work(ANIMATION, "640x360", 100, 4.0), 77, 799, True),
        (work(ANIMATION, "3840x2160", 300, 10.0), 5090, 1876, False),
        (work(COPIED, "1920x1080", 25 * 15, 15.0), 289, 1173, True),
        (work(COPIED, "3840x2160", 30 * 600, 600.0), 14_400, 2003, False),
        (work(ENCODED, "1280x720", 25 * 10, 10.0), 107, 1019, True),
        (work(ENCODED, "1920x1080", 25 * 60, 60.0), 1067, 1173, False),
        (work(ENCODED, "7680x4320", 10, 0.4), 141, 2048, True),
        (work(SOUND, "1920x1080", 5 * 180, 180.0), 159, 966, False),
    ],
)
def test_a_budget_follows_from_the_work(wanted: Work, seconds: int, mebibytes: int, quick: bool) -> None:
    limits = limits_for(wanted, MOST)
    assert (round(limits.seconds), round(limits.memory_bytes / MIB)) == (seconds, mebibytes)
    assert (wanted.expected_s <= QUICK_S) is quick
    assert refusal(wanted, 120_000_000, MOST.seconds) is None


def test_a_budget_is_never_more_than_the_settings_allow() -> None:
    most = Limits(seconds=5, memory_bytes=300 * MIB, file_bytes=7, priority=Priority.IDLE)
    assert limits_for(work(ENCODED, "1920x1080", 9000, 300), most) == most
    assert header_limits(10**9, most) == replace(most, file_bytes=7)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (work(STILL, "11000x11000"), "too large: 11000 x 11000 pixels. The limit is 120 million pixels."),
        (work(STILL, "16384x16384"), "16384 x 16384"),
        (work(ANIMATION, "8000x8000", 3000, 300), "3000 frames of 8000 x 8000 pixels"),
        (work(ANIMATION, "65535x65535", 1), "This picture is too large"),
        (
            work(ANIMATION, "1x1", 2, LONGEST_PLAY_S * 2),
            "it says that it plays for 48.2 hours. The limit is 24.1 hours.",
        ),
        (work(ENCODED, "16000x16000", 2, 1), "This video is too large"),
        (work(ENCODED, "640x360", 100, 10**9), "too long"),
        (work(ENCODED, "7680x4320", 60 * 80_000, 80_000), "cannot be processed within 4 hours"),
        (work(SOUND, "1920x1080", 1, LONGEST_PLAY_S + 1), "too long"),
    ],
)
def test_what_costs_too_much_is_refused_with_its_size_and_the_limit(asked: Work, told: str) -> None:
    assert told in (refusal(asked, 120_000_000, MOST.seconds) or "")


@pytest.mark.parametrize(
    ("seconds", "rate", "source_bytes", "frames"),
    [
        (10, 30, 10**7, 300),
        (10, 90_000, 10**5, 6250),  # no more frames than its bytes can hold
        (24, 1 / 8, 10**5, 600),  # three slides: encoded at an even rate
        (0, 25, 2_000_000, 77),  # of unknown length
        (0, 25, 0, 1),
    ],
)
def test_frames_follow_from_the_declared_length_and_the_bytes(
    seconds: float, rate: float, source_bytes: int, frames: int
) -> None:
    assert film_frames(1920 * 1080, seconds, rate, source_bytes) == frames


@pytest.mark.parametrize(
    ("wanted", "mebibytes"),
    [
        (work(STILL, "1920x1080"), 115),
        (work(STILL, "4000x3000", source_bytes=4 * MIB), 369),
        (work(COPIED, "1920x1080", 25 * 15, 15.0), 340),
        (work(ENCODED, "3840x2160", 25 * 15, 15.0), 1171),
    ],
)
def test_memory_that_work_takes_is_less_than_its_address_space(wanted: Work, mebibytes: int) -> None:
    assert memory_needed(wanted) // MIB == mebibytes
    assert memory_needed(wanted) < limits_for(wanted, MOST).memory_bytes


@pytest.mark.parametrize(
    ("workers", "processors", "priority", "small", "large"),
    [
        (0, 1, Priority.NICE, 2, 1),
        (0, 2, Priority.NICE, 3, 1),
        (0, 16, Priority.NORMAL, 17, 4),
        (0, 4, Priority.IDLE, 1, 1),
        (3, 2, Priority.IDLE, 3, 3),
    ],
)
def test_workers_follow_from_processors_and_leave_a_player_alone(
    workers: int, processors: int, priority: Priority, small: int, large: int
) -> None:
    found = lanes(workers, processors, 1000, priority)
    assert [(lane.workers, lane.memory_bytes) for lane in found] == [(small, 250), (large, 500)]
