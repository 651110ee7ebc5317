"""What an origin holds in memory follows its database: changes of its own at once, those of others within a second."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from sync.errors import StorageBroken
from sync.origin.http.origin_memory import BELIEVED_S, FOLLOW_S
from sync.origin.persistence.database import OriginDatabase, open_origin_database
from sync.origin.store.changes.change_log import ChangeLog
from sync.origin.store.devices import DeviceStore
from sync.origin.tables.history import changes
from sync.runtime.clock import SystemClock
from sync.trust.signing import new_token, token_hash
from tests.fakes import FakeClock
from tests.origin.running_origin import RunningOrigin
from tests.origin.statements import heard_statements

WANTED = {"release": "0" * 64, "month": "2026-03"}


@asynccontextmanager
async def following(server: RunningOrigin, clock: FakeClock) -> AsyncIterator[None]:
    """Have the memory of an origin follow its database."""
    service = asyncio.create_task(server.origin.services["memory"]())
    try:
        yield
    finally:
        service.cancel()
        await asyncio.wait({service})


@pytest.fixture
async def other(server: RunningOrigin, tmp_path: Path) -> AsyncIterator[OriginDatabase]:
    """The database as another process opens it."""
    async with open_origin_database(f"sqlite+aiosqlite:///{tmp_path / 'origin.db'}") as database:
        yield database


async def status(server: RunningOrigin, token: str) -> int:
    return (await server.ask("GET", "/v1/device", token)).status


async def settled(server: RunningOrigin, clock: FakeClock, token: str, wanted: int) -> None:
    """Let the memory follow once; hold that it then answers as wanted."""
    await clock.advance(FOLLOW_S)
    async with asyncio.timeout(60):
        while await status(server, token) != wanted:
            await SystemClock().sleep(0.005)


async def test_what_other_processes_change_is_known_after_a_second(
    server: RunningOrigin, other: OriginDatabase, clock: FakeClock
) -> None:
    device, token = await server.pair()
    await server.make_channel("cafe")
    async with following(server, clock):
        assert await status(server, token) == 200
        await DeviceStore(other).update(device, name="Door", channel="cafe", expected=None, now_ms=1)
        await clock.advance(FOLLOW_S)
        async with asyncio.timeout(60):
            while (await server.ask("GET", "/v1/device", token)).document != {
                "device": device,
                "name": "Door",
                "channel": "cafe",
            }:
                await SystemClock().sleep(0.005)
        await DeviceStore(other).remove(device, token_hash="0" * 64, now_ms=1)
        await settled(server, clock, token, 401)


async def test_what_this_process_changes_is_known_at_once(server: RunningOrigin) -> None:
    device, token = await server.pair()
    await server.make_channel("cafe")
    assert await status(server, token) == 200
    await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"channel": "cafe"})
    assert (await server.ask("GET", "/v1/device", token)).document["channel"] == "cafe"
    await server.ask("DELETE", f"/v1/devices/{device}", server.writer)
    assert await status(server, token) == 401


async def test_a_device_that_another_process_let_in_is_known_at_once(
    server: RunningOrigin, other: OriginDatabase
) -> None:
    token = new_token()
    assert await status(server, token) == 401
    row = {"id": "new", "name": "new", "channel_id": "main", "paired_ms": 0, "channels": ["main"]}
    await DeviceStore(other).add(**row, token_hash=token_hash(token))
    assert await status(server, token) == 200


async def test_each_device_is_read_once_and_again_when_it_changes(server: RunningOrigin) -> None:
    device, token = await server.pair()
    await server.pair("another")
    with heard_statements(server.database) as statements:
        for _ in range(3):
            assert await status(server, token) == 200
        assert [one for one in statements if "devices" in one] == statements[1:2]  # between `BEGIN` and those of keys
        statements.clear()
        await server.pair("a third")  # no work for those that are known
        assert not [one for one in statements if "devices.id IN" in one]
        await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"name": "Door"})
        assert len([one for one in statements if "devices.id IN" in one]) == 1


async def test_a_flood_of_wrong_tokens_is_looked_up_together(server: RunningOrigin) -> None:
    with heard_statements(server.database) as statements:
        flood = (server.ask("GET", "/v1/device", new_token()) for _ in range(200))
        assert {answer.status for answer in await asyncio.gather(*flood)} == {401}
    assert len([one for one in statements if "token_hash IN" in one]) < 100


async def test_tokens_count_for_a_while_when_the_database_cannot_be_read(
    server: RunningOrigin, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _, token = await server.pair()

    async def broken(*_: object) -> None:
        raise StorageBroken("the origin's database does not answer")

    caplog.set_level(logging.INFO, "sync.origin.http.origin_memory")
    async with following(server, clock):
        assert await status(server, token) == 200
        with monkeypatch.context() as outage:
            outage.setattr(server.database, "read", broken)
            for _ in range(3):
                await clock.advance(FOLLOW_S)
            assert await status(server, token) == 200
            assert await status(server, new_token()) == 503
            await clock.advance(BELIEVED_S + FOLLOW_S)
            assert await status(server, token) == 503
        await settled(server, clock, token, 200)
    assert [record.getMessage().split(",")[0] for record in caplog.records] == [
        "changes are not read",
        "changes are read again",
    ]


async def test_a_database_that_was_restored_is_read_anew(
    server: RunningOrigin, other: OriginDatabase, clock: FakeClock
) -> None:
    device, token = await server.pair()
    await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"name": "Door"})
    async with following(server, clock):
        assert await status(server, token) == 200
        await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"name": "Window"})
        await DeviceStore(other).remove(device, token_hash="0" * 64, now_ms=1)
        async with other.writing() as connection:
            await connection.execute(delete(changes))
        await settled(server, clock, token, 401)


async def test_each_thing_has_one_entry_with_the_number_of_its_last_change(server: RunningOrigin) -> None:
    first, _ = await server.pair()
    second, _ = await server.pair()
    for number in range(3):
        for device in (first, second):
            await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"name": f"name {number}"})
    found = await ChangeLog(server.database).since(0)
    assert found is not None
    assert [(one.id, one.number) for one in found] == [(first, 5), (second, 6)]
    async with server.database.reading() as connection:
        assert await connection.scalar(select(func.count()).select_from(changes)) == 2
