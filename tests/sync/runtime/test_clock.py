"""How the wall clock is known to be set by a time service: by a mark, by the kernel, or by a running chrony."""

from pathlib import Path

import pytest

from sync.runtime import clock
from sync.runtime.clock import ClockTrust, SystemClock


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
