"""The arithmetic of a shot's end."""

from hypothesis import given
from hypothesis import strategies as st

from player.deck.plan import STALLED_AFTER_S, Plan

NEVER = float("inf")


def test_a_picture_ends_at_its_duration_and_never_stalls() -> None:
    plan = Plan(began_s=100.0, duration_s=8.0)
    assert plan.duration_ends_s() == 108.0
    assert plan.media_ends_s() == plan.stalled_s() == plan.next_step_s(101.0) == NEVER
    assert not plan.is_cut_short(100.1) and not plan.is_early(100.1)


def test_media_without_a_duration_stalls_after_its_length() -> None:
    assert Plan(began_s=100.0, length_s=10.0).stalled_s() == 110.0 + STALLED_AFTER_S


def test_an_end_far_before_the_length_is_a_damaged_file() -> None:
    plan = Plan(began_s=0.0, length_s=10.0)
    assert plan.is_cut_short(4.0)
    assert not plan.is_cut_short(9.5)


def test_a_slow_video_paused_before_its_last_frames_is_not_damaged() -> None:
    plan = Plan(began_s=0.0, length_s=4.0, frame_s=1.0)
    assert not plan.is_cut_short(2.1)
    assert plan.is_early(2.1)
    assert plan.next_step_s(2.1) == 3.0
    assert plan.next_step_s(3.001) == NEVER


@given(
    frames=st.integers(2, 400), rate=st.sampled_from([1, 2, 5, 10, 12.5, 23.976, 25, 29.97, 30, 50, 60]),
    missing=st.integers(1, 4), late=st.floats(0.1, 0.9),
)  # fmt: skip
def test_stepping_shows_each_missing_frame_once_at_its_time(
    frames: int, rate: float, missing: int, late: float
) -> None:
    missing = min(missing, frames - 1)
    plan = Plan(began_s=50.0, length_s=frames / rate, frame_s=1 / rate)
    now = 50.0 + (frames - missing - 1 + late) / rate  # inside the time of the last frame that was shown
    steps = []
    while (at := plan.next_step_s(now)) != NEVER:
        steps.append(at)
        now = at + 0.0001
    due = [50.0 + (frames - left) / rate for left in range(missing, 0, -1)]
    assert len(steps) == len(due)
    assert all(abs(step - at) < 1e-6 for step, at in zip(steps, due, strict=True))
