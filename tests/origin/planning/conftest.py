"""A desk and a client on it, for each test its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.origin.planning.desk import Client, Desk, open_desk, serve


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[Client]:
    async with serve(desk) as served:
        yield served
