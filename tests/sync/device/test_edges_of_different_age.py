"""Servers that share an address, of which some serve what is older: the log of a screen says so once."""

from pathlib import Path

import pytest

from sync.device.store.content_store import ContentStore
from sync.recurring_problem import AWAY_S
from sync.wire.content_paths import timestamp_path
from tests.sync.conftest import running
from tests.sync.file_tree_origin import CHANNEL, Origin, noise


async def test_edges_of_different_age_cost_two_lines_however_often_they_are_asked(
    origin: Origin, store: ContentStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "sync.device")
    origin.publisher.publish(noise(1, 1000))
    file = Path(origin.publisher.folder) / timestamp_path(CHANNEL)
    old = file.read_bytes()
    origin.publisher.publish(noise(2, 1000))
    new = file.read_bytes()
    async with running(origin, store) as device:
        await device.plays(origin.publisher.release)
        for edge in [old, new] * 6:
            origin.publisher.write(timestamp_path(CHANNEL), edge)
            state = "waiting" if edge == old else "current"
            device.syncer.wake()
            await device.until(lambda state=state: device.syncer.facts().state == state, pass_s=1)  # type: ignore[misc]
        await device.clock.advance(AWAY_S)
        await device.until(lambda: "not seen" in caplog.text, pass_s=60)
    lines = [record.getMessage() for record in caplog.records if "sequence 1 is older than 2" in record.getMessage()]
    assert len(lines) == 2 and "sync works again" not in lines[0]
    assert not [record for record in caplog.records if record.getMessage() == "sync works again"]
    assert store.active().release.channel == CHANNEL  # type: ignore[union-attr]
