"""Fixtures of all tests, which worker runs which files, and which tests are repeated."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from sync.runtime import durable_files
from tests.fakes import FakeClock
from tests.sync.faulty_disk import FaultyDisk

# Each run tries the same examples: it judges a change, not a draw. --hypothesis-profile=default draws others.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")

# Nobody out there is asked. Each program would read the 140 certificates of the system at its start.
os.environ.setdefault("SSL_CERT_FILE", os.devnull)

_REPEATED = ("display", "browser")  # markers
_DISPLAY_FIXTURES = {"display", "display_name", "stage"}
_DISPLAY_STARTERS = {"Xvfb", "start_xvfb"}
_BACKGROUND = "gw2"  # the third worker
_BACKGROUND_NICE = 5


class _FromBothEnds(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Two workers take files from the front, where those with a display are; the one in the background from the end.

    Tests with a display mostly wait: two at a time leave half of two cores idle, and three disturb each other.
    """

    def _assign_work_unit(self, node: Any) -> None:
        if node.gateway.id == _BACKGROUND:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return _FromBothEnds(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_sessionstart() -> None:
    """Let the tests in the background use only what those with a display leave.

    Until all tests are known no garbage is collected: a quarter of that time would go into looking at 800,000 objects.
    """
    gc.disable()
    if os.environ.get("PYTEST_XDIST_WORKER") == _BACKGROUND:
        os.nice(_BACKGROUND_NICE)


def pytest_collection_finish() -> None:
    """Collect garbage from now on, but among what the tests make: all that was collected here stays to the end."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Repeat a failed test up to twice if it needs a display or a browser, and run the files of these tests first.

    Two stages that decode on two cores show what the machine can do, not what the player does. These files take
    longest, and the other workers must not wait for them.
    """
    slow: set[Path] = set()
    for item in items:
        code = getattr(getattr(item, "function", None), "__code__", None)
        starts = code is not None and _DISPLAY_STARTERS & set(code.co_names)
        if starts or _DISPLAY_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("display")
        if any(item.get_closest_marker(name) for name in _REPEATED):
            item.add_marker(pytest.mark.flaky(reruns=2))
            slow.add(item.path)
    items.sort(key=lambda item: item.path not in slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why a test was repeated: one that always fails once has a fault."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"repeated: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)


@pytest.fixture(autouse=True)
def _signals_as_they_were() -> Iterator[None]:
    """Fail the test that changes how this process meets a closed socket: later tests would end it without a word."""
    yield
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def faulty_disk(monkeypatch: pytest.MonkeyPatch) -> FaultyDisk:
    disk = FaultyDisk()
    monkeypatch.setattr(durable_files, "os", disk)
    return disk
