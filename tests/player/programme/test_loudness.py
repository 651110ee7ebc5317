"""The volume: quiet hours by the wall clock of the venue and until when they hold; decibels in percent."""

from datetime import UTC, datetime, timedelta
from math import log10
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from player.programme.loudness import Loudness, corrected_volume, screen_volume
from player.settings.model import AudioSettings, PlaybackSettings, QuietHours, Settings
from sync.programme.weekly_windows import HORIZON
from tests.sync.programme.examples import BERLIN, covers, local

NIGHT = QuietHours(start="22:00", end="06:00")


def of(volume: int = 80, **audio: Any) -> Settings:
    return Settings(playback=PlaybackSettings(volume=volume), audio=AudioSettings(**audio))


quiet = st.builds(
    QuietHours,
    weekdays=st.lists(st.integers(1, 7), min_size=1, unique=True).map(tuple),
    start=st.sampled_from(["00:00", "02:30", "08:00", "21:15", "23:59"]),
    end=st.sampled_from(["00:00", "02:30", "07:00", "21:15", "24:00"]),
)
SPRING = datetime(2026, 3, 20, tzinfo=UTC)
instants = st.timedeltas(timedelta(0), timedelta(days=16)).map(lambda after: SPRING + after)  # summer time begins


@settings(max_examples=150, deadline=None)
@given(st.lists(quiet, max_size=3), st.integers(0, 100), st.booleans(), instants, st.floats(0, 0.999))
def test_quiet_hours_match_their_windows_and_nothing_changes_before_until(
    windows: list[QuietHours], quiet_volume: int, muted: bool, at: datetime, part: float
) -> None:
    how = of(quiet_hours=tuple(windows), quiet_volume=quiet_volume, muted=muted)
    now = screen_volume(how, BERLIN, at)
    hushed = any(covers(window, at, BERLIN) for window in windows)
    assert now.volume == (0 if muted else min(80, quiet_volume) if hushed else 80)
    assert at < now.until <= at + HORIZON
    assert screen_volume(how, BERLIN, at + (now.until - at) * part).volume == now.volume
    if now.until < at + HORIZON:
        assert any(covers(window, now.until, BERLIN) for window in windows) is not hushed


@pytest.mark.parametrize(
    ("at", "volume", "until"),
    [
        ("2026-03-28T21:59", 80, "2026-03-28T22:00"),
        ("2026-03-28T22:00", 5, "2026-03-29T06:00"),  # an hour shorter: the clocks go forward
        ("2026-03-29T06:00", 80, "2026-03-29T22:00"),
    ],
)
def test_quiet_hours_run_over_midnight_and_follow_the_clocks(at: str, volume: int, until: str) -> None:
    assert screen_volume(of(quiet_hours=(NIGHT,), quiet_volume=5), BERLIN, local(at)) == Loudness(volume, local(until))


def test_without_a_trusted_clock_there_are_no_quiet_hours_and_no_hours_are_never_quiet() -> None:
    at = local("2026-03-28T23:00")
    assert screen_volume(of(quiet_hours=(NIGHT,)), BERLIN, at, timed=False) == Loudness(80, at + HORIZON)
    assert screen_volume(of(), BERLIN, at) == Loudness(80, at + HORIZON)


@pytest.mark.parametrize("wrong", [{"weekdays": ()}, {"start": "25:00"}, {"begin": "22:00"}])
def test_a_wrong_window_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AudioSettings.model_validate({"quiet_hours": [{"start": "22:00", "end": "06:00", **wrong}]})


def db(percent: int) -> float:
    """Return the gain libVLC makes of percent, as measured."""
    return 60 * log10(percent / 100)


@given(st.integers(20, 100), st.integers(50, 100), st.floats(-45, 0))
def test_every_file_is_brought_to_the_target_loudness_as_far_as_it_allows(own: int, screen: int, lufs: float) -> None:
    heard, plain = corrected_volume(own, screen, lufs, -23.0), corrected_volume(own, screen, None, -23.0)
    assert 0 <= heard <= 100
    if 10 < heard < 100:
        assert abs((db(heard) - db(plain)) - (-23.0 - lufs)) < 3.5  # a percent is 2.5 dB down there
    assert corrected_volume(own, screen, lufs, None) == plain == round(own * screen / 100)


def test_muted_stays_muted_and_ten_lu_too_loud_are_ten_db_less() -> None:
    assert corrected_volume(0, 100, -60.0, -23.0) == corrected_volume(100, 0, -60.0, -23.0) == 0
    assert corrected_volume(100, 100, -13.0, -23.0) == 68  # -10.05 dB
    assert corrected_volume(100, 100, -33.0, -23.0) == 100  # never louder than its file
    assert corrected_volume(100, 60, -29.0, -23.0) == 76  # but up, where the volume leaves room
