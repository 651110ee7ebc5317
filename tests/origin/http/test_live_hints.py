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

from sync.origin.http import live_hints
from sync.origin.persistence.database import open_origin_database
from sync.origin.persistence.tables import channels
from sync.runtime.clock import SystemClock
from tests.origin.running_origin import RunningOrigin, play, running_origin, settings_in

PATIENCE_S = 60.0


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningOrigin]:
    async with running_origin(settings_in(tmp_path), SystemClock()) as server:
        run = asyncio.create_task(server.origin.services["live"]())
        yield server
        run.cancel()


@asynccontextmanager
async def listener(server: RunningOrigin, token: str) -> AsyncIterator[ClientWebSocketResponse]:
    headers = {"Authorization": f"Bearer {token}"}
    async with server.client.ws_connect(f"{server.url}/v1/live", headers=headers) as socket:
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


async def test_a_device_hears_of_releases_of_its_channel_whoever_published_them(
    server: RunningOrigin, tmp_path: Path
) -> None:
    _, token = await server.pair(channel="main")
    async with listener(server, token) as socket:
        await publish_elsewhere(tmp_path, "cafe", 1)
        await publish_elsewhere(tmp_path, "main", 1)
        assert await hint(socket) == {"topic": "release", "channel": "main", "sequence": 1}
        await publish_elsewhere(tmp_path, "main", 2)
        assert await hint(socket) == {"topic": "release", "channel": "main", "sequence": 2}


async def test_a_device_that_comes_late_hears_at_once_where_its_channel_is(
    server: RunningOrigin, tmp_path: Path
) -> None:
    _, token = await server.pair(channel="main")
    async with listener(server, server.reader) as page:
        await publish_elsewhere(tmp_path, "main", 1)
        assert await hint(page) == {"topic": "release", "channel": "main", "sequence": 1}
    async with listener(server, token) as socket:
        assert await hint(socket) == {"topic": "release", "channel": "main", "sequence": 1}


async def test_a_page_hears_what_changed_and_a_device_does_not(server: RunningOrigin) -> None:
    device, token = await server.pair()
    async with listener(server, server.reader) as page, listener(server, token) as socket:
        await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"name": "Door"})
        assert await hint(page) == {"topic": "devices", "id": device}
        await server.ask("POST", "/v1/plays", token, {"plays": [play(device, 1)]})
        assert await hint(page) == {"topic": "plays", "id": device}
        await server.make_channel("cafe")
        await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"channel": "cafe"})
        assert await hint(socket) == {"topic": "channel", "channel": "cafe"}
        assert (await socket.receive(PATIENCE_S)).type is WSMsgType.CLOSE


async def test_a_page_listens_with_its_cookie(server: RunningOrigin) -> None:
    cookie = (await server.ask("POST", "/v1/session", body={"token": server.reader})).headers["Set-Cookie"]
    headers = {"Cookie": cookie.split(";")[0], "Origin": server.url}
    async with server.client.ws_connect(f"{server.url}/v1/live", headers=headers) as page:
        await server.pair()
        assert (await hint(page))["topic"] == "pairings"


async def test_strangers_do_not_listen(server: RunningOrigin) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await server.client.ws_connect(f"{server.url}/v1/live")
    assert refused.value.status == 401
    assert (await server.ask("GET", "/v1/live", server.reader)).status == 400


async def test_a_removed_device_is_hung_up_on(server: RunningOrigin) -> None:
    device, token = await server.pair()
    async with listener(server, token) as socket:
        await server.ask("DELETE", f"/v1/devices/{device}", server.writer)
        assert (await socket.receive(PATIENCE_S)).type is WSMsgType.CLOSE


async def test_a_key_revoked_by_another_process_is_hung_up_on(
    server: RunningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_hints, "RECHECK_POLLS", 1)
    async with listener(server, server.reader) as page:
        await server.origin.keys.remove("reader")
        assert (await page.receive(PATIENCE_S)).type is WSMsgType.CLOSE


async def test_what_a_client_sends_is_read_and_forgotten(server: RunningOrigin) -> None:
    device, _ = await server.pair()
    async with listener(server, server.reader) as page:
        await page.send_str("garbage {")
        await page.send_bytes(b"\x00" * 100)
        await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"name": "Door"})
        assert (await hint(page))["topic"] == "devices"
        await page.send_bytes(b"\x00" * (live_hints.LARGEST_MESSAGE_BYTES + 1))
        assert (await page.receive(PATIENCE_S)).type is WSMsgType.CLOSE


async def test_a_client_that_does_not_read_is_dropped_and_holds_up_nobody(server: RunningOrigin) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    lines = (
        "GET /v1/live HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {server.reader}", "Upgrade: websocket",
        "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", "",
    )  # fmt: skip
    writer.write("\r\n".join(lines).encode())
    await reader.readuntil(b"\r\n\r\n")
    clock = SystemClock()
    dropped = False
    async with asyncio.timeout(PATIENCE_S), listener(server, server.reader) as page:
        while not dropped:
            server.origin.live.changed("media", "x" * 60_000)
            assert (await hint(page))["topic"] == "media"
            await clock.sleep(0)
            dropped = server.origin.live.listeners()["page"] == 1
    writer.close()
    assert dropped


async def test_asking_as_if_it_were_a_page_is_told_what_it_is(server: RunningOrigin) -> None:
    answer = await server.ask("GET", "/v1/live", server.reader)
    assert (answer.status, "WebSocket" in answer.document["detail"]) == (400, True)
    assert "hdr" not in answer.text
