"""What the origin writes into the history of devices by itself: silent, back again, paired, moved, renamed, removed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sync.errors import StorageBroken
from sync.origin.store.heartbeats.heartbeats import HeartbeatStore
from sync.runtime.clock import SystemClock
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin

BEAT = {"at": "2026-03-02T12:00:00Z", "version": "1"}


@asynccontextmanager
async def listening(server: RunningOrigin) -> AsyncIterator[None]:
    """Run the service that judges."""
    task = asyncio.create_task(server.origin.services["contact"]())
    await asyncio.sleep(0)
    yield
    task.cancel()
    await asyncio.wait({task})


async def pass_time(clock: FakeClock, seconds: int, server: RunningOrigin | None = None, *tokens: str) -> None:
    """Let time pass in steps of five seconds; who has one of the tokens sends a heartbeat every 30 s."""
    for step in range(0, seconds, 5):
        if server is not None and step % 30 == 0:
            for token in tokens:
                await beat(server, token)
        await clock.advance(5)
        while not clock._sleepers:  # the service waits for its database
            await SystemClock().sleep(0.001)


async def beat(server: RunningOrigin, token: str, **fields: Any) -> None:
    assert (await server.ask("POST", "/v1/heartbeats", token, BEAT | fields)).status == 204


async def told(server: RunningOrigin, device: str, kind: str = "contact") -> list[tuple[str, str]]:
    """Return the changes of a device with their times of day, the oldest first."""
    rows = (await server.ask("GET", f"/v1/history?device={device}&kind={kind}", server.reader)).document["history"]
    assert {row["by"] for row in rows} <= {"origin"}
    return [(row["state"], row["at"][11:19]) for row in reversed(rows)]


async def is_online(server: RunningOrigin, device: str) -> bool:
    view = (await server.ask("GET", f"/v1/devices/{device}", server.reader)).document
    devices = (await server.ask("GET", "/metrics", server.reader)).text
    counted = "signage_origin_devices_online 1.0" in devices
    assert counted == view["online"]
    return bool(view["online"])


async def test_silence_and_its_end_are_written_once(server: RunningOrigin, clock: FakeClock) -> None:
    device, token = await server.pair()
    assert not await is_online(server, device)
    async with listening(server):
        await pass_time(clock, 150, server, token)  # 12:02:30, the last one came at 12:02:00
        assert (await is_online(server, device), await told(server, device)) == (True, [])
        await pass_time(clock, 90)
        assert await is_online(server, device)
        await pass_time(clock, 10)
        assert not await is_online(server, device)
        await pass_time(clock, 600)
        assert await told(server, device) == [("lost", "12:02:00")]
        await pass_time(clock, 60, server, token)
        assert await is_online(server, device)
    assert await told(server, device) == [("lost", "12:02:00"), ("back", "12:14:10")]


async def test_who_sends_seldom_is_silent_later(server: RunningOrigin, clock: FakeClock) -> None:
    device, token = await server.pair()
    await beat(server, token, period_s=300)
    async with listening(server):
        await pass_time(clock, 750)
        assert await told(server, device) == []
        await pass_time(clock, 10)
        assert await told(server, device) == [("lost", "12:00:00")]


async def test_after_a_start_a_pause_or_a_step_of_its_clock_nobody_is_judged_at_once(
    server: RunningOrigin, clock: FakeClock
) -> None:
    device, token = await server.pair()
    gone, other = await server.pair("gone")
    await beat(server, token)
    await beat(server, other)
    clock.step_wall(3_600)  # the origin was not there for an hour
    async with listening(server):
        await pass_time(clock, 110, server, token)
        assert await told(server, gone) == []
        await pass_time(clock, 20, server, token)
        assert await told(server, gone) == [("lost", "12:00:00")]
        await clock.advance(600)  # its machine was suspended: no look for ten minutes
        await pass_time(clock, 110, server, token)
        clock.step_wall(7_200)
        await pass_time(clock, 110, server, token)
        clock.step_wall(-7_200)  # heartbeats came at times that are not there yet
        await pass_time(clock, 150, server, token)
        assert await told(server, device) == []


async def test_a_device_whose_last_word_came_under_a_clock_that_was_ahead_is_found(
    server: RunningOrigin, clock: FakeClock
) -> None:
    device, token = await server.pair()
    clock.step_wall(36_000)
    await beat(server, token)
    clock.step_wall(-36_000)
    async with listening(server):
        await pass_time(clock, 130)
        assert await told(server, device) == [("lost", "12:02:00")]


async def test_an_outage_of_the_database_is_two_lines_and_silence_is_found_after_it(
    server: RunningOrigin, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise StorageBroken("the origin's database does not answer")

    caplog.set_level("INFO", "sync.origin.intake.contact_watch")
    device, token = await server.pair()
    await beat(server, token)
    async with listening(server):
        with monkeypatch.context() as outage:
            outage.setattr(HeartbeatStore, "not_heard", broken)
            await pass_time(clock, 150)
        await pass_time(clock, 10)
        assert await told(server, device) == [("lost", "12:00:00")]
    lines = [record.getMessage().split(":")[0] for record in caplog.records]
    assert lines == [
        "silent devices are not found",
        f"device={device} is not heard any more",
        "silent devices are found again",
    ]


async def test_what_people_do_with_a_device_is_written(server: RunningOrigin, clock: FakeClock) -> None:
    device, token = await server.pair("Door")
    await beat(server, token)
    await server.make_channel("cafe")
    path = f"/v1/devices/{device}"
    for change in ({"name": "Gate"}, {"channel": "cafe"}, {"name": "Gate", "channel": "cafe"}):
        assert (await server.ask("PATCH", path, server.writer, change)).status == 200
    assert (await server.ask("DELETE", path, server.writer)).status == 204
    async with listening(server):
        await pass_time(clock, 300)
    rows = (await server.ask("GET", f"/v1/history?device={device}", server.reader)).document["history"]
    assert [(row["kind"], row["state"], row["text"]) for row in reversed(rows)] == [
        ("device", "paired", "main"), ("device", "renamed", "Door → Gate"), ("device", "moved", "main → cafe"),
        ("device", "removed", ""),
    ]  # fmt: skip
