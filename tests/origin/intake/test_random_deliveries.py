"""Whatever screens send, and however deliveries come together, each play is stored and judged as by itself."""

from pathlib import Path

import pytest

from sync.origin.wiring.origin import open_origin
from tests.fakes import FakeClock
from tests.origin.intake.random_deliveries import check_random_deliveries
from tests.origin.running_origin import settings_in


@pytest.mark.parametrize("seed", range(8))
async def test_groups_and_single_deliveries_come_to_what_all_plays_say(
    tmp_path: Path, clock: FakeClock, seed: int
) -> None:
    async with open_origin(settings_in(tmp_path), clock) as origin:
        await check_random_deliveries(origin, seed, together=seed % 4 > 0)
