"""When a shot ends, and how far ahead of its file is read."""

from array import array
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from player.deck.playback_plan import STALLED_AFTER_S, PlannedEnd, PlaybackPlan
from player.deck.vlc.frame_times import FrameTimes
from player.deck.vlc.media_source import read_ahead_ms
from player.protocol.deck_messages import DeckPulse, EndAnnounced
from player.protocol.stage_interface import Shot
from player.stage.deck_process import DeckProcess
from player.stage.shots import IMMEDIATELY, ShotOnAir
from sync.wire.release import MediaKind

NEVER = float("inf")


def test_a_picture_ends_at_its_duration_and_never_stalls() -> None:
    plan = PlaybackPlan(started_s=100.0, duration_s=8.0)
    assert plan.duration_ends_s() == 108.0
    assert plan.media_ends_s() == plan.stalled_at_s() == plan.next_frame_s(101.0) == NEVER
    assert not plan.is_cut_short(100.1) and not plan.has_frames_left(100.1)


@pytest.mark.parametrize(
    ("plan", "end"),
    [
        (PlaybackPlan(100.0), None),
        (PlaybackPlan(100.0, length_s=10.0), None),  # libVLC's own length: its event tells
        (PlaybackPlan(100.0, length_s=10.0, measured=True), PlannedEnd(110.0, "eof")),
        (PlaybackPlan(100.0, 4.0, length_s=10.0, measured=True), PlannedEnd(104.0, "duration")),
        (PlaybackPlan(100.0, 40.0, length_s=10.0, measured=True), PlannedEnd(110.0, "eof")),
        (PlaybackPlan(100.0, 40.0, length_s=10.0), PlannedEnd(140.0, "duration")),
        (PlaybackPlan(100.0, length_s=10.0, measured=True, ahead_s=0.1), PlannedEnd(109.9, "eof")),  # it played hidden
        (
            PlaybackPlan(100.0, length_s=0.01, measured=True, ahead_s=0.1),
            PlannedEnd(100.0, "eof"),
        ),  # over before it was shown
    ],
)
def test_the_end_is_announced_once_it_is_known(plan: PlaybackPlan, end: PlannedEnd | None) -> None:
    assert plan.end() == end


def test_media_of_measured_length_play_to_it_even_if_libvlc_stops_early() -> None:
    measured, guessed = (PlaybackPlan(0.0, length_s=4.0, measured=measured) for measured in (True, False))
    assert measured.has_frames_left(3.99) and not guessed.has_frames_left(3.99)
    assert not measured.has_frames_left(4.0)


async def test_what_is_on_air_says_when_to_cut_away_from_it() -> None:
    on_air = ShotOnAir(cast(DeckProcess, None), Shot(take="a", path="a", kind=MediaKind.VIDEO), 100.0)
    assert on_air.cut_due_s(None) is None and on_air.cut_due_s(105.0) == 105.0
    on_air.ends = EndAnnounced(take="a", at_s=110.0, reason="eof")
    assert on_air.cut_due_s(None) == 110.0 == on_air.cut_due_s(120.0) and on_air.cut_due_s(105.0) == 105.0
    on_air.end(109.0, "it stalled", failed=True)
    assert on_air.cut_due_s(None) == IMMEDIATELY


@pytest.mark.parametrize(
    ("at_s", "ended_s", "reason"),
    [(109.9, 109.9, "cut"), (110.0, 110.0, "eof"), (110.03, 110.0, "eof"), (112.0, 112.0, "eof")],
)  # fmt: skip
async def test_a_cut_before_the_end_of_the_plan_is_a_cut(at_s: float, ended_s: float, reason: str) -> None:
    on_air = ShotOnAir(cast(DeckProcess, None), Shot(take="a", path="a", kind=MediaKind.VIDEO), 100.0)
    on_air.ends = EndAnnounced(take="a", at_s=110.0, reason="eof")
    on_air.update(DeckPulse(at_s=at_s, take="a", media_ms=9000), at_s)
    left = on_air.leave(at_s)
    assert left and (left.ended_s, left.reason) == (ended_s, reason)


async def test_what_stood_still_on_air_is_part_of_how_it_ended() -> None:
    on_air = ShotOnAir(cast(DeckProcess, None), Shot(take="a", path="a", kind=MediaKind.VIDEO), 100.0)
    on_air.update(DeckPulse(at_s=104.0, take="a", media_ms=4000, still_ms=3200), 104.0)
    left = on_air.leave(105.0)
    assert left and left.still_ms == 3200


def test_media_without_a_duration_stalls_after_its_length() -> None:
    assert PlaybackPlan(started_s=100.0, length_s=10.0).stalled_at_s() == 110.0 + STALLED_AFTER_S


def test_an_end_far_before_the_length_is_a_damaged_file() -> None:
    plan = PlaybackPlan(started_s=0.0, length_s=10.0)
    assert plan.is_cut_short(4.0)
    assert not plan.is_cut_short(9.5)


def test_a_slow_video_paused_before_its_last_frames_is_not_damaged() -> None:
    plan = PlaybackPlan(started_s=0.0, length_s=4.0, frame_s=1.0)
    assert not plan.is_cut_short(2.1)
    assert plan.has_frames_left(2.1)
    assert plan.next_frame_s(2.1) == 3.0
    assert plan.next_frame_s(3.001) == NEVER


def test_a_film_that_libvlc_has_read_whole_before_its_pictures_are_due_is_not_damaged() -> None:
    slides = FrameTimes(3, 24.0, 8.0, array("d", [0.0, 8.0, 16.0]))
    plan = PlaybackPlan(50.0, length_s=24.0, frame_s=8.0, measured=True, times=slides)
    assert not plan.is_cut_short(50.1) and plan.has_frames_left(50.1)
    assert [plan.next_frame_s(at) for at in (50.1, 58.0, 66.0)] == [58.0, 66.0, NEVER]
    many = FrameTimes(60, 24.0, 8.0, array("d", [*(step / 10 for step in range(59)), 16.0]))
    assert PlaybackPlan(50.0, length_s=24.0, times=many).is_cut_short(51.0)
    assert not PlaybackPlan(50.0, length_s=24.0, times=many).is_cut_short(55.6)


@settings(deadline=None)
@given(
    frames=st.integers(2, 400), rate=st.sampled_from([1, 2, 5, 10, 12.5, 23.976, 25, 29.97, 30, 50, 60]),
    missing=st.integers(1, 4), late=st.floats(0.1, 0.9),
)  # fmt: skip
def test_stepping_shows_each_missing_frame_once_at_its_time(
    frames: int, rate: float, missing: int, late: float
) -> None:
    missing = min(missing, frames - 1)
    plan = PlaybackPlan(started_s=50.0, length_s=frames / rate, frame_s=1 / rate)
    now = 50.0 + (frames - missing - 1 + late) / rate  # inside the time of the last frame that was shown
    steps = []
    while (at := plan.next_frame_s(now)) != NEVER:
        steps.append(at)
        now = at + 0.0001
    due = [50.0 + (frames - left) / rate for left in range(missing, 0, -1)]
    assert len(steps) == len(due)
    assert all(abs(step - at) < 1e-6 for step, at in zip(steps, due, strict=True))


@settings(deadline=None)
@given(st.integers(min_value=300, max_value=86_400_000))
def test_a_film_is_never_read_to_its_end_before_it_is_sent_back_to_its_start(length_ms: int) -> None:
    assert read_ahead_ms(length_ms) <= length_ms / 5
    assert read_ahead_ms(length_ms) <= read_ahead_ms(None)
