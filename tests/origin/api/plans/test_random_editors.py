"""Random editors of one playlist over HTTP lose nothing. `script/bench editors` runs 200, on both databases."""

import asyncio
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import FakeClock
from tests.origin.api.plans.random_editors import edit_by_chance
from tests.origin.running_origin import running_origin, settings_in

EDITORS = int(os.environ.get("SIGNAGE_EDITORS", "6"))


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 4))
def test_random_editors_lose_nothing(seed: int, steps: int) -> None:
    async def run() -> None:
        with TemporaryDirectory() as folder:
            clock = FakeClock()
            async with running_origin(settings_in(Path(folder)), clock) as server:
                await edit_by_chance([server], clock, editors=EDITORS, steps=steps, seed=seed)

    asyncio.run(run())
