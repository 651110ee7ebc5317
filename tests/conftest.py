"""Fixtures of all tests, and the order of their files."""

from pathlib import Path

import pytest

from tests.fakes import FakeClock

_SLOW = {"browser", "display"}  # markers
_DISPLAY_FIXTURES = {"display", "display_name", "stage"}  # fixtures


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files that need a display first: they take longest, and the other worker must not wait for them."""
    slow: set[Path] = set()
    for item in items:
        names = {mark.name for mark in item.iter_markers()} | set(getattr(item, "fixturenames", ()))
        if names & (_SLOW | _DISPLAY_FIXTURES):
            slow.add(item.path)
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
