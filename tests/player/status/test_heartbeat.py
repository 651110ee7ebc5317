import asyncio
from datetime import UTC, datetime

import pytest

from player.settings.configuration import Configuration
from player.status.heartbeat import HeartbeatSender
from sync.errors import OriginRefused, OriginUnreachable, SignageError
from sync.wire.device_reports import Heartbeat, HeartbeatAnswer
from tests.fakes import FakeClock


class Origin:
    """An origin that fails on demand, with the seconds at which heartbeats came."""

    def __init__(self) -> None:
        self.faults: list[SignageError] = []
        self.received_s: list[float] = []
        self.clock = FakeClock()

    async def post_heartbeat(self, heartbeat: Heartbeat) -> HeartbeatAnswer:
        self.received_s.append(self.clock.monotonic() - 1000.0)
        if self.faults:
            raise self.faults.pop(0)
        return HeartbeatAnswer()

    async def answered(self, answer: HeartbeatAnswer) -> None:
        assert answer == HeartbeatAnswer()


async def make_heartbeat() -> Heartbeat:
    return Heartbeat(at=datetime(2026, 3, 2, tzinfo=UTC), version="1")


async def received_s(origin: Origin, configuration: Configuration, seconds: float) -> list[float]:
    task = asyncio.create_task(
        HeartbeatSender(origin, make_heartbeat, configuration, origin.clock, origin.answered).run()
    )
    await origin.clock.advance(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return origin.received_s


async def test_a_heartbeat_is_sent_every_interval(configuration: Configuration) -> None:
    assert await received_s(Origin(), configuration, 90) == [0, 30, 60, 90]


async def test_lost_heartbeats_are_logged_once_and_the_next_one_is_in_time(
    configuration: Configuration, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    origin = Origin()
    origin.faults = [OriginUnreachable("away"), OriginUnreachable("away")]
    assert await received_s(origin, configuration, 90) == [0, 30, 60, 90]
    assert [record.getMessage() for record in caplog.records] == [
        "heartbeat not delivered: away",
        "heartbeat delivered again",
    ]


async def test_the_delay_that_an_origin_asks_for_is_respected(configuration: Configuration) -> None:
    origin = Origin()
    origin.faults = [OriginRefused("busy", status=503, retry_after_s=120)]
    assert await received_s(origin, configuration, 150) == [0, 120, 150]


async def test_a_changed_interval_counts_from_the_next_heartbeat(configuration: Configuration) -> None:
    await configuration.patch({"origin": {"heartbeat_s": 10}}, expected=None)
    assert await received_s(Origin(), configuration, 30) == [0, 10, 20, 30]
