"""Origins for the tests of its rooms: one that listens whole, one that takes media in, one that plans and publishes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.memory import tmp_path as tmp_path
from tests.origin.media_origin import MediaOrigin, open_media_origin
from tests.origin.planning_origin import Client, PlanningOrigin, open_planning_origin, serve_planning
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in
from tests.origin.samples import Samples


@pytest.fixture
async def server(tmp_path: Path, clock: FakeClock) -> AsyncIterator[RunningOrigin]:
    """The whole origin, listening."""
    async with running_origin(settings_in(tmp_path), clock) as opened:
        yield opened


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Real media, made once."""
    return Samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture
async def media_origin(tmp_path: Path) -> AsyncIterator[MediaOrigin]:
    async with open_media_origin(tmp_path) as opened:
        yield opened


@pytest.fixture
async def idle_origin(tmp_path: Path) -> AsyncIterator[MediaOrigin]:
    """A media origin whose pipeline does not run."""
    async with open_media_origin(tmp_path, run_pipeline=False) as opened:
        yield opened


@pytest.fixture
async def planning(tmp_path: Path, clock: FakeClock) -> AsyncIterator[PlanningOrigin]:
    async with open_planning_origin(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
async def client(planning: PlanningOrigin) -> AsyncIterator[Client]:
    async with serve_planning(planning) as served:
        yield served
