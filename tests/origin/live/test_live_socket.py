"""The sockets themselves: what is sent over them, and how they end."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from sqlalchemy import update

from sync.errors import StorageBroken
from sync.origin.http import origin_memory
from sync.origin.live import page_hints, token_check
from sync.origin.live.live_socket import LARGEST_OF_PAGE_BYTES
from sync.origin.live.pings import CHECK_S
from sync.origin.persistence.database import open_origin_database
from sync.origin.store.changes.change_log import Subject, note
from sync.origin.store.people.sessions import SessionStore
from sync.origin.tables.devices import devices
from sync.runtime.clock import SystemClock
from sync.wire.live_messages import LARGEST_MESSAGE_BYTES
from tests.fakes import FakeClock
from tests.origin.app.test_cli import started
from tests.origin.live.sockets import PATIENCE_S, add_devices, end_of, hint, listener, open_raw, running, screen
from tests.origin.running_origin import RunningOrigin, play, running_origin, settings_in

BEAT = {"at": "2026-03-02T12:00:00Z", "version": "1"}


@pytest.fixture
async def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningOrigin]:
    """An origin that looks at its database all the time."""
    for module, name in ((token_check, "CHECK_S"), (origin_memory, "FOLLOW_S")):
        monkeypatch.setattr(module, name, 0.05)
    monkeypatch.setattr(page_hints, "TELL_S", 0.005)
    services = "memory", "token_check", "page_hints"
    async with running_origin(settings_in(tmp_path), SystemClock()) as server, running(server, *services):
        yield server


async def exchange(socket: ClientWebSocketResponse, number: int, parts: object) -> dict[str, Any]:
    await socket.send_json({"topic": "exchange", "number": number, "exchange": parts})
    return await hint(socket)


async def test_a_device_exchanges_over_its_socket(server: RunningOrigin) -> None:
    device, token = await server.pair()
    async with screen(server, token) as socket:
        answer = await exchange(socket, 0, {"heartbeat": BEAT, "plays": [play(device, 1)]})
        assert (answer["topic"], answer["number"]) == ("exchange", 0)
        assert (answer["answer"]["device"], answer["answer"]["channel"]) == (device, "main")
        assert answer["answer"]["plays"]["receipts"] == [{"sequence": 1, "status": "accepted"}]
    assert (await server.ask("GET", f"/v1/devices/{device}", server.reader)).document["online"]


async def test_what_comes_at_once_is_answered_one_after_the_other(server: RunningOrigin) -> None:
    _, token = await server.pair()
    async with screen(server, token) as socket:
        for number in range(20):
            await socket.send_json({"topic": "exchange", "number": number, "exchange": {}})
        assert [(await hint(socket))["number"] for _ in range(20)] == list(range(20))


@pytest.mark.parametrize(
    ("parts", "detail"),
    [
        (None, "must be an object"),
        ([], "must be an object"),
        ({"plays": "none"}, "plays"),
        ({"plays": [{}] * 501}, "plays"),
    ],
)
async def test_a_wrong_exchange_is_told_what_is_wrong(server: RunningOrigin, parts: object, detail: str) -> None:
    _, token = await server.pair()
    async with screen(server, token) as socket:
        answer = await exchange(socket, 7, parts)
        assert (answer["topic"], answer["number"], answer["status"]) == ("exchange", 7, 422)
        assert detail in answer["detail"]
        assert (await exchange(socket, 8, {}))["answer"]["channel"] == "main"


async def test_what_is_no_message_is_ignored(server: RunningOrigin) -> None:
    _, token = await server.pair()
    async with listener(server, server.reader) as page, screen(server, token) as socket:
        for one in (page, socket):
            await one.send_bytes(b"\x00" * 100)
            for text in ("garbage {", "[]", "1", "{}", '{"topic": 1}', '{"topic": "new"}', "{" * 300, "[" * 100_000):
                await one.send_str(text[: LARGEST_OF_PAGE_BYTES - 10])
        for number in (None, -1, 2**60, 1.5, True, "1"):
            await socket.send_json({"topic": "exchange", "number": number, "exchange": {}})
        await page.send_json({"topic": "exchange", "number": 1, "exchange": {"heartbeat": BEAT}})
        assert (await exchange(socket, 2, {}))["number"] == 2
        await page.send_json({"topic": "watch", "screens": ["x"] * 101})
        await page.send_json({"topic": "watch", "screens": 1})
        assert (await hint(page))["status"] == 422  # the first thing that it is told


async def test_who_sends_too_much_is_disconnected(server: RunningOrigin) -> None:
    _, token = await server.pair()
    async with listener(server, server.reader) as page, screen(server, token) as socket:
        await page.send_bytes(b"\x00" * (LARGEST_OF_PAGE_BYTES + 1))
        assert await end_of(page) == 1009
        await socket.send_str(" " * (LARGEST_MESSAGE_BYTES - 100))
        assert (await exchange(socket, 1, {}))["number"] == 1
        await socket.send_str(" " * (LARGEST_MESSAGE_BYTES + 1))
        assert await end_of(socket) == 1009


async def test_a_client_that_does_not_read_is_dropped_and_holds_up_nobody(checked: RunningOrigin) -> None:
    _, writer = await open_raw(checked, checked.reader)
    live = checked.origin.live
    async with asyncio.timeout(PATIENCE_S), listener(checked, checked.reader) as page:
        while live.listeners.count()["page"] == 2:
            live.changed("media", "x" * 60_000)
            assert (await hint(page))["topic"] == "media"
        live.changed("media", "last")
        assert await hint(page) == {"topic": "media", "id": "last"}
    writer.close()


async def test_a_client_that_answers_no_ping_is_dropped(server: RunningOrigin, clock: FakeClock) -> None:
    _, token = await server.pair()
    reader, writer = await open_raw(server, token)
    live = server.origin.live
    async with running(server, "pings"), screen(server, token) as socket:
        while live.listeners.count()["device"] < 2:
            await SystemClock().sleep(0)
        for _ in range(5):
            await clock.advance(CHECK_S)
            await exchange(socket, 1, {})
        received = await asyncio.wait_for(reader.read(), PATIENCE_S)
        assert received.count(b"\x89\x00") == 1
        assert live.listeners.count()["device"] == 1
    writer.close()


async def test_a_removed_device_is_hung_up_on(server: RunningOrigin) -> None:
    device, token = await server.pair()
    async with screen(server, token) as socket:
        await server.ask("DELETE", f"/v1/devices/{device}", server.writer)
        assert await end_of(socket) == 1008


async def test_a_removed_device_that_goes_on_is_not_listened_to(server: RunningOrigin) -> None:
    device, token = await server.pair()
    reader, writer = await open_raw(server, token)
    await server.ask("DELETE", f"/v1/devices/{device}", server.writer)
    asked = {"topic": "exchange", "number": 1, "exchange": {"plays": [play(device, 1)]}}
    for kind, payload in ((0x81, json.dumps(asked).encode()), (0x88, b"")):
        length = bytes([0x80 | 126]) + len(payload).to_bytes(2) if len(payload) > 125 else bytes([0x80 | len(payload)])
        writer.write(bytes([kind]) + length + bytes(4) + payload)  # masked by zeros
    assert b'"exchange"' not in await asyncio.wait_for(reader.read(), PATIENCE_S)
    assert (await server.ask("GET", "/v1/plays", server.reader)).document["plays"] == []
    writer.close()


async def test_a_key_removed_by_the_command_line_is_hung_up_on(checked: RunningOrigin, tmp_path: Path) -> None:
    async with listener(checked, checked.reader) as page, listener(checked, checked.writer) as other:
        command = await started("keys", "revoke", "reader", "--data-dir", str(tmp_path))
        out, err = await command.communicate()
        assert command.returncode == 0, (out, err)
        assert await end_of(page) == 1008
        checked.origin.live.changed("media", "1")
        assert await hint(other) == {"topic": "media", "id": "1"}


async def test_tokens_are_checked_again_after_an_outage(
    checked: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def broken(*_: object) -> None:
        asked.set()
        raise StorageBroken("the origin's database does not answer")

    async with listener(checked, checked.reader) as page:
        with monkeypatch.context() as outage:
            outage.setattr(SessionStore, "by_proofs", broken)
            await asyncio.wait_for(asked.wait(), PATIENCE_S)
        checked.origin.live.changed("media", "1")
        assert await hint(page) == {"topic": "media", "id": "1"}
        assert (await checked.ask("DELETE", "/v1/keys/reader", checked.writer)).status == 204
        assert await end_of(page) == 1008


async def test_devices_removed_or_moved_by_another_origin_are_told(checked: RunningOrigin, tmp_path: Path) -> None:
    removed, moved, staying = await add_devices(checked, 3)
    async with screen(checked, removed) as first, screen(checked, moved) as second, screen(checked, staying) as third:
        database = f"sqlite+aiosqlite:///{tmp_path / 'origin.db'}"
        async with open_origin_database(database) as other, other.writing() as connection:
            change = update(devices).where(devices.c.id == "main-0000").values(removed_ms=1)
            await connection.execute(change)
            await connection.execute(update(devices).where(devices.c.id == "main-0001").values(channel_id="cafe"))
            for device in ("main-0000", "main-0001"):
                await note(connection, Subject.DEVICE, device)
        assert await end_of(first) == 1008
        assert await hint(second) == {"topic": "channel", "channel": "cafe"}
        assert await end_of(second) == 1001
        assert (await exchange(third, 1, {}))["number"] == 1


async def test_all_are_told_that_the_origin_stops(tmp_path: Path) -> None:
    async with running_origin(settings_in(tmp_path), SystemClock()) as server:
        _, token = await server.pair()
        async with screen(server, token) as socket, listener(server, server.reader) as page:
            raw, writer = await open_raw(server, token)
            while server.origin.live.listeners.count()["device"] < 2:
                await SystemClock().sleep(0)
            stopping = asyncio.create_task(server.origin.live.close())
            assert (await end_of(socket), await end_of(page)) == (1001, 1001)
            assert (await raw.read())[-4:] == b"\x88\x02\x03\xe9"  # it does not answer, and is cut off
            await stopping
            writer.close()


async def test_the_other_side_closes(server: RunningOrigin) -> None:
    async with listener(server, server.reader) as page:
        assert await page.close(code=1000)
        assert page.close_code == 1000
        assert (await page.receive()).type is WSMsgType.CLOSED


async def test_asking_as_if_it_were_a_page_is_told_what_it_is(server: RunningOrigin) -> None:
    answer = await server.ask("GET", "/v1/live", server.reader)
    assert (answer.status, "WebSocket" in answer.document["detail"]) == (400, True)
    assert "hdr" not in answer.text
    assert json.loads(answer.text)["status"] == 400
