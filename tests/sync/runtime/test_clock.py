"""How the wall clock is known to be set by a time service: by a mark, by the kernel, or by a running chrony."""

import os
import re
import time
from pathlib import Path

import pytest

from sync.runtime import clock
from sync.runtime.clock import ClockState, ClockTrust, SystemClock, clock_state


@pytest.mark.parametrize(
    ("timesyncd", "kernel_error_us", "chrony", "synced"),
    [
        (True, 16_000_000, False, True),  # set once; the network is away since nine hours
        (False, 1500, False, True),
        (False, 15_999_999, False, True),
        (False, 16_000_000, True, False),  # chrony runs, and no server has answered it yet
        (False, 16_000_000, False, False),
        (False, None, True, True),  # a container that may not ask the kernel
        (False, None, False, False),
    ],
)
def test_a_clock_is_trusted_once_a_time_service_has_set_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    timesyncd: bool,
    kernel_error_us: int | None,
    chrony: bool,
    synced: bool,
) -> None:
    for name, there in (("_TIMESYNC_MARK", timesyncd), ("_CHRONY_MARK", chrony)):
        monkeypatch.setattr(clock, name, tmp_path / name)
        if there:
            (tmp_path / name).touch()
    monkeypatch.setattr(clock, "_kernel_error_us", lambda: kernel_error_us)
    assert (SystemClock().trust() is ClockTrust.SYNCED) is synced


def test_a_clock_that_was_set_stays_trusted_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    errors_us = iter((20_000, 16_000_000))
    monkeypatch.setattr(clock, "_kernel_error_us", lambda: next(errors_us))
    system = SystemClock()
    assert [system.trust() for _ in range(3)] == [ClockTrust.SYNCED] * 3


def test_the_kernel_is_asked_without_changing_anything() -> None:
    error_us = clock._kernel_error_us()
    assert error_us is None or error_us >= 0


def test_a_folder_of_the_time_service_that_is_not_for_us_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))  # as /run/chrony of Debian, 0700

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(clock, "_kernel_error_us", lambda: None)
    assert SystemClock().trust() is ClockTrust.UNSYNCED


@pytest.mark.parametrize(
    ("mark_age_s", "kernel_error_us", "age_s"),
    [
        (None, 0, 0),
        (None, 300_000, 600),  # the kernel's error grows by half a millisecond a second
        (40, 300_000, 40),
        (90_000, 16_000_000, 90_000),
        (-3_600, 16_000_000, None),  # the clock was set back by hand since
        (-3_600, 300_000, 600),
        (None, 16_000_000, None),
        (None, None, None),
    ],
)
def test_how_long_ago_a_clock_was_set_is_known_from_the_mark_or_the_kernel(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mark_age_s: int | None,
    kernel_error_us: int | None,
    age_s: int | None,
) -> None:
    monkeypatch.setattr(clock, "_TIMESYNC_MARK", tmp_path / "mark")
    if mark_age_s is not None:
        (tmp_path / "mark").touch()
        os.utime(tmp_path / "mark", times=(0, time.time() - mark_age_s))
    monkeypatch.setattr(clock, "_kernel_error_us", lambda: kernel_error_us)
    found = SystemClock().set_ago_s()
    assert found == age_s if found is None or age_s is None else age_s <= found < age_s + 30


def test_a_clock_that_nobody_sets_any_more_is_held_over_from_when_it_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    errors_us, now_s = iter((50_000, 16_000_000)), iter((1_000.0, 40_000.0))
    monkeypatch.setattr(clock, "_TIMESYNC_MARK", Path("/nonexistent"))
    monkeypatch.setattr(clock, "_kernel_error_us", lambda: next(errors_us))
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: next(now_s))
    system = SystemClock()
    ages_s = [system.set_ago_s(), system.set_ago_s()]
    assert ages_s == [100.0, 39_100.0]
    states = [clock_state(ClockTrust.SYNCED, age_s) for age_s in (*ages_s, None)]
    assert states == [ClockState.SYNCHRONISED, ClockState.HELD_OVER, ClockState.SYNCHRONISED]
    assert clock_state(ClockTrust.UNSYNCED, None) is ClockState.NEVER_SET


def test_a_start_of_the_machine_has_an_id_without_hyphens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.fullmatch("[0-9a-f]{32}", clock.boot_id())
    for content, found in (("1f3c0a52-9f0e-4a53-a9de-3bb6a2f0d0b1\n", "1f3c0a529f0e4a53a9de3bb6a2f0d0b1"), ("?", "")):
        (tmp_path / "boot_id").write_text(content)
        monkeypatch.setattr(clock, "_BOOT_ID", tmp_path / "boot_id")
        assert clock.boot_id.__wrapped__() == found
