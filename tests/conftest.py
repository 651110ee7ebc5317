"""Fixtures of all tests, the order of their files, and which tests are repeated."""

from pathlib import Path

import pytest

from tests.fakes import FakeClock

_REPEATED = ("display", "browser")  # markers
_DISPLAY_FIXTURES = {"display", "display_name", "stage"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Repeat a failed test once if it needs a display or a browser, and run the files of these tests first.

    Two stages that decode on two cores show what the machine can do, not what the player does. These files take
    longest, and the other worker must not wait for them.
    """
    slow: set[Path] = set()
    for item in items:
        if _DISPLAY_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("display")
        if any(item.get_closest_marker(name) for name in _REPEATED):
            item.add_marker(pytest.mark.flaky(reruns=1))
            slow.add(item.path)
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
