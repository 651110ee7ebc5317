"""A listening origin for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.origin.app.house import House, living, settings_in


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock) -> AsyncIterator[House]:
    async with living(settings_in(tmp_path), clock) as house:
        yield house
