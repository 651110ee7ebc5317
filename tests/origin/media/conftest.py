"""Real media, made once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.origin.media.house import House, open_house
from tests.origin.media.samples import Samples


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return Samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
async def idle(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose pipeline does not run."""
    async with open_house(tmp_path, working=False) as opened:
        yield opened
