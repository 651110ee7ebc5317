"""Fixtures every test may use."""

import pytest

from tests.fakes import FakeClock


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests that look at a display one worker to themselves, one after the other; others go by file.

    Two stages decoding beside each other on two cores would show what the machine can do, not what the player does.
    """
    for item in items:
        looks = item.get_closest_marker("display") or "display_name" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("display" if looks else item.path.name))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
