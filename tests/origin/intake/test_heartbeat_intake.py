"""Heartbeats are held in memory and written together; who reads them has them written."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from sync.errors import StorageFull
from sync.origin.intake.heartbeat_intake import WRITE_EVERY_S
from sync.origin.tables.devices import devices
from sync.runtime.clock import SystemClock
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin
from tests.origin.statements import heard_statements

GAUGE = "signage_origin_devices_by_severity{"
BEAT: dict[str, Any] = {"at": "2026-03-02T12:00:00Z", "version": "1"}


async def written(server: RunningOrigin) -> dict[str, str]:
    """Return the versions that the heartbeats in the database name, by the name of their device."""
    query = select(devices.c.name, devices.c.heartbeat).where(devices.c.seen_ms.is_not(None))
    async with server.database.reading() as connection:
        return {name: heartbeat["version"] for name, heartbeat in await connection.execute(query)}


async def test_heartbeats_are_written_together_and_the_last_one_counts(server: RunningOrigin, clock: FakeClock) -> None:
    tokens = {name: (await server.pair(name))[1] for name in ("a", "b", "c")}
    for version in ("1", "2"):
        for token in tokens.values():
            assert (await server.ask("POST", "/v1/heartbeats", token, BEAT | {"version": version})).status == 204
    assert await written(server) == {}
    service = asyncio.create_task(server.origin.services["heartbeats"]())
    await asyncio.sleep(0)
    await clock.advance(WRITE_EVERY_S)
    async with asyncio.timeout(60):
        while not await written(server):
            await SystemClock().sleep(0.001)
    assert await written(server) == {"a": "2", "b": "2", "c": "2"}
    service.cancel()
    await asyncio.wait({service})


async def test_what_a_database_refuses_as_json_keeps_no_heartbeat_from_being_written(server: RunningOrigin) -> None:
    device, token = await server.pair("a")
    health = {"load": float("inf"), "heat": float("nan"), "free": 1e308, "text": "1"}
    assert (await server.ask("POST", "/v1/heartbeats", token, BEAT | {"health": health})).status == 204
    kept = server.database.held_heartbeats[device].document
    assert kept["health"] == {"load": None, "heat": None, "free": 1e308, "text": "1"}


@pytest.mark.parametrize("path", ["/v1/devices", "/v1/devices/{device}", "/metrics"])
async def test_who_reads_sees_what_came_before(server: RunningOrigin, path: str) -> None:
    device, token = await server.pair("a")
    await server.ask("POST", "/v1/heartbeats", token, BEAT)
    assert (await server.ask("GET", path.format(device=device), server.reader)).status == 200
    assert await written(server) == {"a": "1"}


async def test_how_bad_it_is_is_written_when_it_changes_and_lists_and_metrics_use_it(server: RunningOrigin) -> None:
    tokens = dict([await server.pair(name) for name in ("a", "b", "c")])
    on_air = {"on_air": {"title": "Tea", "kind": "item"}}
    for number, token in enumerate(tokens.values()):
        beat = BEAT | (on_air if number else {})
        assert (await server.ask("POST", "/v1/heartbeats", token, beat)).status == 204
    counted = (await server.ask("GET", "/metrics", server.reader)).text
    assert [line.split("severity=")[1] for line in counted.splitlines() if line.startswith(GAUGE)] == [
        '"ok"} 2.0',
        '"warning"} 0.0',
        '"critical"} 1.0',
    ]
    [dark, fine, _] = tokens
    found = await server.ask("GET", "/v1/devices?severity=critical", server.reader)
    assert [device["id"] for device in found.document["devices"]] == [dark]
    with heard_statements(server.database) as statements:
        for beat in (BEAT | on_air, BEAT | on_air, BEAT | {"problems": ["hot"], **on_air}):
            await server.ask("POST", "/v1/heartbeats", tokens[fine], beat)
            await server.ask("GET", f"/v1/devices/{fine}", server.reader)
    assert len([one for one in statements if "SET severity" in one]) == 1
    found = await server.ask("GET", "/v1/devices?severity=warning", server.reader)
    assert [device["id"] for device in found.document["devices"]] == [fine]


async def test_what_cannot_be_written_is_held_and_people_read_on(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, token = await server.pair("a")
    with monkeypatch.context() as full:

        async def refuse(work: object) -> None:
            raise StorageFull("the origin's disk is full")

        full.setattr(server.database, "write", refuse)
        assert (await server.ask("POST", "/v1/heartbeats", token, BEAT)).status == 204
        view = await server.ask("GET", f"/v1/devices/{device}", server.reader)
        assert (view.status, view.document["online"]) == (200, False)
    assert (await server.ask("GET", f"/v1/devices/{device}", server.reader)).document["online"]
