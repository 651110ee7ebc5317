"""A desk and a client on it, for each test its own."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.fakes import FakeClock
from tests.origin.planning.desk import Client, Desk, open_desk, serve

MEMORY = Path("/dev/shm")


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Real files, in memory where there is such a folder: a hundred desks with keys and database flush a lot."""
    with TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
async def desk(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[Client]:
    async with serve(desk) as served:
        yield served
