"""Sockets of `/v1/live` in tests: an origin with the services that serve them, and what it says to a client."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientWebSocketResponse, WSMsgType
from sqlalchemy import insert, update

from sync.origin.persistence.database import open_origin_database
from sync.origin.store.changes.change_log import Subject, note
from sync.origin.tables.plans import channels
from sync.trust.signing import new_token, token_hash
from tests.origin.running_origin import RunningOrigin

PATIENCE_S = 60.0


@asynccontextmanager
async def running(server: RunningOrigin, *services: str) -> AsyncIterator[None]:
    """Run some services of an origin."""
    tasks = [asyncio.create_task(server.origin.services[name]()) for name in services]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@asynccontextmanager
async def listener(server: RunningOrigin, token: str) -> AsyncIterator[ClientWebSocketResponse]:
    """Listen as a page does, or as a device that has not been told anything."""
    headers = {"Authorization": f"Bearer {token}"}
    async with server.client.ws_connect(f"{server.url}/v1/live", headers=headers) as socket:
        yield socket


@asynccontextmanager
async def screen(server: RunningOrigin, token: str) -> AsyncIterator[ClientWebSocketResponse]:
    """Listen as a device that was welcomed."""
    async with listener(server, token) as socket:
        assert (await hint(socket))["topic"] == "welcome"
        yield socket


async def hint(socket: ClientWebSocketResponse) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(await socket.receive_str(timeout=PATIENCE_S))
    return document


async def end_of(socket: ClientWebSocketResponse) -> int | None:
    """Return the code with which a socket is closed, as the next thing that happens on it."""
    message = await socket.receive(PATIENCE_S)
    assert message.type is WSMsgType.CLOSE
    return int(message.data)


async def open_raw(server: RunningOrigin, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a WebSocket without a library: it answers nothing by itself, and reads at most 1 KiB ahead."""
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
    lines = (
        "GET /v1/live HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {token}", "Upgrade: websocket",
        "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", "",
    )  # fmt: skip
    writer.write("\r\n".join(lines).encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def add_devices(server: RunningOrigin, number: int, channel: str = "main") -> list[str]:
    """Add devices without pairing each; return their tokens."""
    tokens = [new_token() for _ in range(number)]
    for at, token in enumerate(tokens):
        device = {"id": f"{channel}-{at:04}", "name": f"Screen {at}", "channel_id": channel, "paired_ms": 0}
        await server.origin.devices._store.add(**device, token_hash=token_hash(token), channels=[channel])
    return tokens


async def publish_elsewhere(folder: Path, channel: str, sequence: int) -> None:
    """Move a channel's sequence as another process does: on a connection of its own."""
    async with open_origin_database(f"sqlite+aiosqlite:///{folder / 'origin.db'}") as other, other.writing() as held:
        if sequence == 1:
            await held.execute(insert(channels).values(id=channel, zone="UTC", version=1, sequence=1))
        else:
            await held.execute(update(channels).where(channels.c.id == channel).values(sequence=sequence))
        await note(held, Subject.CHANNEL, channel)
