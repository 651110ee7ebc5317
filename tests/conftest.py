"""Fixtures every test may use, and the order of files."""

from pathlib import Path

import pytest

from tests.fakes import FakeClock

_SLOW = {"browser", "display"}  # markers
_OF_DISPLAYS = {"display", "display_name", "stage"}  # fixtures


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that look at a display first: the longest, begun last, would run while the other worker idles."""
    slow: set[Path] = set()
    for item in items:
        names = {mark.name for mark in item.iter_markers()} | set(getattr(item, "fixturenames", ()))
        if names & (_SLOW | _OF_DISPLAYS):
            slow.add(item.path)
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
