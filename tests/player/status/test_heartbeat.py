import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from player.settings.configuration import Configuration, load_configuration
from player.status.heartbeat import HeartbeatSender
from sync.errors import OriginRefused, OriginUnreachable, SignageError
from sync.wire.report import Heartbeat
from tests.fakes import FakeClock


class Line:
    """A line to the origin that fails on demand."""

    def __init__(self) -> None:
        self.faults: list[SignageError] = []
        self.heard: list[float] = []
        self.clock = FakeClock()

    async def post_heartbeat(self, heartbeat: Heartbeat) -> None:
        self.heard.append(self.clock.monotonic() - 1000.0)
        if self.faults:
            raise self.faults.pop(0)


async def beat() -> Heartbeat:
    return Heartbeat(at=datetime(2026, 3, 2, tzinfo=UTC), version="1")


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path))
    (tmp_path / "state").mkdir()
    return load_configuration(None)


async def heard(line: Line, configuration: Configuration, seconds: float) -> list[float]:
    task = asyncio.create_task(HeartbeatSender(line, beat, configuration, line.clock).run())
    await line.clock.advance(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return line.heard


async def test_a_heartbeat_comes_every_interval(configuration: Configuration) -> None:
    assert await heard(Line(), configuration, 90) == [0, 30, 60, 90]


async def test_a_lost_heartbeat_is_told_once_and_the_next_one_comes_in_time(
    configuration: Configuration, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    line = Line()
    line.faults = [OriginUnreachable("away"), OriginUnreachable("away")]
    assert await heard(line, configuration, 90) == [0, 30, 60, 90]
    assert [record.getMessage() for record in caplog.records] == [
        "heartbeat not delivered: away",
        "heartbeat delivered again",
    ]


async def test_an_origin_that_asks_for_time_gets_it(configuration: Configuration) -> None:
    line = Line()
    line.faults = [OriginRefused("busy", status=503, retry_after_s=120)]
    assert await heard(line, configuration, 150) == [0, 120, 150]


async def test_another_interval_counts_from_the_next_heartbeat(configuration: Configuration) -> None:
    await configuration.patch({"origin": {"heartbeat_s": 10}}, expected=None)
    assert await heard(Line(), configuration, 30) == [0, 10, 20, 30]
