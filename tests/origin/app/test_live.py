"""Hints over WebSocket: who hears what, slow and locked-out clients, another process that publishes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError
from sqlalchemy import insert, update

from sync.clock import SystemClock
from sync.origin import live as live_room
from sync.origin.database import open_origin_database
from sync.origin.tables import channels
from tests.origin.app.house import House, living, play, settings_in

PATIENCE_S = 10.0


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with living(settings_in(tmp_path), SystemClock()) as house:
        run = asyncio.create_task(house.origin.services["live"]())
        yield house
        run.cancel()


@asynccontextmanager
async def listener(house: House, token: str) -> AsyncIterator[ClientWebSocketResponse]:
    headers = {"Authorization": f"Bearer {token}"}
    async with house.client.ws_connect(f"{house.url}/v1/live", headers=headers) as socket:
        yield socket


async def hint(socket: ClientWebSocketResponse) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(await socket.receive_str(timeout=PATIENCE_S))
    return document


async def publish_elsewhere(folder: Path, channel: str, sequence: int) -> None:
    """Move a channel's sequence as another process does: on a connection of its own."""
    async with open_origin_database(f"sqlite+aiosqlite:///{folder / 'origin.db'}") as other, other.writing() as held:
        if sequence == 1:
            await held.execute(insert(channels).values(id=channel, zone="UTC", version=1, sequence=1))
        else:
            await held.execute(update(channels).where(channels.c.id == channel).values(sequence=sequence))


async def test_a_device_hears_of_releases_of_its_channel_whoever_published_them(house: House, tmp_path: Path) -> None:
    _, token = await house.pair(channel="main")
    async with listener(house, token) as socket:
        await publish_elsewhere(tmp_path, "cafe", 1)
        await publish_elsewhere(tmp_path, "main", 1)
        assert await hint(socket) == {"topic": "release", "channel": "main", "sequence": 1}
        await publish_elsewhere(tmp_path, "main", 2)
        assert await hint(socket) == {"topic": "release", "channel": "main", "sequence": 2}


async def test_a_device_that_comes_late_hears_at_once_where_its_channel_is(house: House, tmp_path: Path) -> None:
    _, token = await house.pair(channel="main")
    async with listener(house, house.reader) as page:
        await publish_elsewhere(tmp_path, "main", 1)
        assert await hint(page) == {"topic": "release", "channel": "main", "sequence": 1}
    async with listener(house, token) as socket:
        assert await hint(socket) == {"topic": "release", "channel": "main", "sequence": 1}


async def test_a_page_hears_what_changed_and_a_device_does_not(house: House) -> None:
    device, token = await house.pair()
    async with listener(house, house.reader) as page, listener(house, token) as socket:
        await house.ask("PATCH", f"/v1/devices/{device}", house.writer, {"name": "Door"})
        assert await hint(page) == {"topic": "devices", "id": device}
        await house.ask("POST", "/v1/plays", token, {"plays": [play(device, 1)]})
        assert await hint(page) == {"topic": "plays", "id": device}
        await house.ask("PATCH", f"/v1/devices/{device}", house.writer, {"channel": "cafe"})
        assert await hint(socket) == {"topic": "channel", "channel": "cafe"}
        assert (await socket.receive(PATIENCE_S)).type is WSMsgType.CLOSE


async def test_a_page_listens_with_its_cookie(house: House) -> None:
    cookie = (await house.ask("POST", "/v1/session", body={"token": house.reader})).headers["Set-Cookie"]
    headers = {"Cookie": cookie.split(";")[0], "Origin": house.url}
    async with house.client.ws_connect(f"{house.url}/v1/live", headers=headers) as page:
        await house.pair()
        assert (await hint(page))["topic"] == "pairings"


async def test_strangers_do_not_listen(house: House) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await house.client.ws_connect(f"{house.url}/v1/live")
    assert refused.value.status == 401
    assert (await house.ask("GET", "/v1/live", house.reader)).status == 400


async def test_a_removed_device_is_hung_up_on(house: House) -> None:
    device, token = await house.pair()
    async with listener(house, token) as socket:
        await house.ask("DELETE", f"/v1/devices/{device}", house.writer)
        assert (await socket.receive(PATIENCE_S)).type is WSMsgType.CLOSE


async def test_a_key_revoked_by_another_process_is_hung_up_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_room, "RECHECK_POLLS", 1)
    async with listener(house, house.reader) as page:
        await house.origin.keys.remove("reader")
        assert (await page.receive(PATIENCE_S)).type is WSMsgType.CLOSE


async def test_what_a_client_sends_is_read_and_forgotten(house: House) -> None:
    device, _ = await house.pair()
    async with listener(house, house.reader) as page:
        await page.send_str("garbage {")
        await page.send_bytes(b"\x00" * 100)
        await house.ask("PATCH", f"/v1/devices/{device}", house.writer, {"name": "Door"})
        assert (await hint(page))["topic"] == "devices"
        await page.send_bytes(b"\x00" * (live_room.LARGEST_MESSAGE_BYTES + 1))
        assert (await page.receive(PATIENCE_S)).type is WSMsgType.CLOSE


async def test_a_client_that_does_not_read_is_dropped_and_holds_up_nobody(house: House) -> None:
    host, port = house.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    lines = (
        "GET /v1/live HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {house.reader}", "Upgrade: websocket",
        "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", "",
    )  # fmt: skip
    writer.write("\r\n".join(lines).encode())
    await reader.readuntil(b"\r\n\r\n")
    clock = SystemClock()
    dropped = False
    async with asyncio.timeout(PATIENCE_S), listener(house, house.reader) as page:
        while not dropped:
            house.origin.live.changed("media", "x" * 60_000)
            assert (await hint(page))["topic"] == "media"
            await clock.sleep(0)
            dropped = house.origin.live.listeners()["page"] == 1
    writer.close()
    assert dropped


async def test_asking_as_if_it_were_a_page_is_told_what_it_is(house: House) -> None:
    answer = await house.ask("GET", "/v1/live", house.reader)
    assert (answer.status, "WebSocket" in answer.document["detail"]) == (400, True)
    assert "hdr" not in answer.text
