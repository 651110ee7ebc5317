"""Hints: who hears what, another process that publishes, and the windows that devices are given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import WSServerHandshakeError
from sqlalchemy import insert

from sync.origin.http import origin_memory
from sync.origin.live import page_hints
from sync.origin.live.waves import fetch_window_s, return_window_s
from sync.origin.persistence.lists import named
from sync.origin.tables.devices import devices
from sync.runtime.clock import SystemClock
from tests.origin.live.sockets import add_devices, end_of, hint, listener, publish_elsewhere, running, screen
from tests.origin.running_origin import RunningOrigin, play, running_origin, settings_in


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningOrigin]:
    """An origin that looks at its database all the time."""
    monkeypatch.setattr(origin_memory, "FOLLOW_S", 0.05)
    monkeypatch.setattr(page_hints, "TELL_S", 0.01)
    services = ("memory", "live", "page_hints")
    async with running_origin(settings_in(tmp_path), SystemClock()) as server, running(server, *services):
        yield server


async def test_a_device_hears_of_releases_of_its_channel_whoever_published_them(
    server: RunningOrigin, tmp_path: Path
) -> None:
    _, token = await server.pair(channel="main")
    async with screen(server, token) as socket:
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
        assert await hint(socket) == {"topic": "welcome", "within_s": 1.0}
        assert await hint(socket) == {"topic": "release", "channel": "main", "sequence": 1}


async def test_many_devices_hear_at_once_and_fetch_over_a_window(server: RunningOrigin, tmp_path: Path) -> None:
    tokens = await add_devices(server, 60)
    async with AsyncExitStack() as stack:
        page = await stack.enter_async_context(listener(server, server.reader))
        sockets = [await stack.enter_async_context(screen(server, token)) for token in tokens]
        await publish_elsewhere(tmp_path, "main", 1)
        for socket in sockets:
            assert await hint(socket) == {"topic": "release", "channel": "main", "sequence": 1, "within_s": 0.3}
        assert "within_s" not in await hint(page)


async def test_the_first_that_come_after_a_start_know_how_many_will_come(server: RunningOrigin) -> None:
    [token] = await add_devices(server, 1)
    row = {"channel_id": "main", "paired_ms": 0, "seen_ms": 1, "version": 1}
    async with server.database.writing() as connection:
        rows = [{**row, "id": str(one), "token_hash": str(one), **named(f"S{one}")} for one in range(600)]
        await connection.execute(insert(devices), rows)
    async with running(server, "screen_counts"), asyncio.timeout(60):
        while not server.origin.live.online:
            await SystemClock().sleep(0.001)
    async with listener(server, token) as socket:
        assert await hint(socket) == {"topic": "welcome", "within_s": 2.0}


@pytest.mark.parametrize(
    ("number", "fetch_s", "return_s"),
    [(0, 0, 1), (1, 0, 1), (40, 0, 1), (60, 0.3, 1), (1_000, 5, 3.3), (10_000, 50, 33.3), (1_000_000, 600, 600)],
)
def test_windows_follow_from_how_many_there_are(number: int, fetch_s: float, return_s: float) -> None:
    assert (fetch_window_s(number), return_window_s(number)) == (fetch_s, return_s)


async def test_a_page_hears_what_changed_and_a_device_does_not(server: RunningOrigin) -> None:
    device, token = await server.pair()
    async with listener(server, server.reader) as page, screen(server, token) as socket:
        await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"name": "Door"})
        assert await hint(page) == {"topic": "devices", "id": device}
        await server.ask("POST", "/v1/plays", token, {"plays": [play(device, 1)]})
        assert await hint(page) == {"topic": "plays", "id": device}
        await server.make_channel("cafe")
        await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"channel": "cafe"})
        assert await hint(socket) == {"topic": "channel", "channel": "cafe"}
        assert await end_of(socket) == 1001


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


async def test_nobody_waits_with_what_is_urgent(server: RunningOrigin, tmp_path: Path) -> None:
    async def is_urgent(channel: str, within_s: float) -> bool:
        return (channel, within_s) == ("main", 0.3)

    live = server.origin.live
    live._is_urgent = is_urgent
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(screen(server, token)) for token in await add_devices(server, 60)]
        assert live.fetch_within_s("main") == 0.3
        await publish_elsewhere(tmp_path, "main", 1)
        assert await hint(sockets[-1]) == {"topic": "release", "channel": "main", "sequence": 1}
        assert live.fetch_within_s("main") == 0
