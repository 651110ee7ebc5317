"""What a director puts on air is told at each change, with what comes next."""

import asyncio
from itertools import groupby
from pathlib import Path

from player.protocol.operator_command import Command
from player.status.on_air_reporter import OnAirReporter
from sync.wire.live_messages import OnAirMessage
from tests.player.director.venue import item, open_world, playlist, release


async def test_each_change_of_what_is_on_air_is_told(tmp_path: Path) -> None:
    told: list[OnAirMessage] = []
    async with open_world(tmp_path) as world:
        reporter = asyncio.create_task(OnAirReporter(world.director, told.append).run())
        world.publish(release(playlist("loop", item("red"), item("green"), item("blue"))))
        async with world.running():
            await world.advance(25)
            await world.director.command(Command(do="blank"))
            await world.advance(1)
            count = len(told)
            await world.advance(5)
            assert len(told) == count, "nothing has changed"
        reporter.cancel()
        await asyncio.wait({reporter})
    shown = [(one.on_air.title or one.on_air.kind, one.next_title) for one in told if one.on_air is not None]
    titles = [title for title, _ in groupby(title for title, _ in shown) if title != "fallback"]  # between two of them
    assert titles == ["Red", "Green", "Blue", "blank"]
    assert ("Red", "Green") in shown and ("Green", "Blue") in shown
    assert count < 20
