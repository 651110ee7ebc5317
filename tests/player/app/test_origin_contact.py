"""A device and a whole origin: state, plays, moves and news, over the live connection and without one."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sync.device.exchange.live_connection import LiveConnection
from sync.device.origin_client import OriginClient
from sync.device.sync_state import SyncFacts
from sync.errors import OriginRefused
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import ScheduleDraft
from sync.wire.live_messages import Exchange, ExchangeAnswer
from tests.fakes import FakeClock
from tests.origin.planning_origin import open_planning_origin
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in
from tests.player.app.test_session_runner import Device, running
from tests.player.evidence.plays import closed


async def publish(folder: Path, *channels: str) -> list[str]:
    """Publish a release with the same media on each channel; return their hashes."""
    folder.mkdir(exist_ok=True)
    async with open_planning_origin(folder, FakeClock()) as origin:
        await origin.make_media("film", data=b"film" * 1000)
        playlist = await origin.playlists.create(PlaylistDraft(name="Lobby", items=(PlaylistItem(media="film"),)))
        for channel in channels:
            await origin.schedules.create(channel, ScheduleDraft(default_playlist=playlist.id))
        return [(await origin.publisher.publish(channel)).record.sha256 for channel in channels]


@asynccontextmanager
async def no_websockets(client: OriginClient) -> AsyncIterator[None]:
    raise OriginRefused("a proxy lets no WebSocket through", status=403)
    yield


async def requests(origin: RunningOrigin) -> dict[str, int]:
    """Return how many requests of devices came over HTTP, by operation."""
    text = (await origin.ask("GET", "/metrics", origin.reader)).text
    found = re.findall(r'signage_origin_operations_total\{operation="([^"]+)",status="200"\} (\d+)', text)
    return {operation: int(count) for operation, count in found}


def facts(device: Device) -> SyncFacts:
    session = device.current()
    return session.connection.syncer.facts() if session and session.connection else SyncFacts()


async def seen(origin: RunningOrigin, name: str) -> dict[str, Any]:
    return dict((await origin.ask("GET", f"/v1/devices/{name}", origin.reader)).document)


@pytest.mark.parametrize("way", ["live", "http"])
async def test_state_plays_and_moves_reach_each_other(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNAGE_PLAYER__STORAGE__STATE_DIR", str(tmp_path / "device"))
    if way == "http":
        monkeypatch.setattr(OriginClient, "live", no_websockets)
    over_live, exchange = list[ExchangeAnswer](), LiveConnection.exchange

    async def counted(live: LiveConnection, asked: Exchange) -> ExchangeAnswer | None:
        answer = await exchange(live, asked)
        over_live.extend([answer] if answer is not None else [])
        return answer

    monkeypatch.setattr(LiveConnection, "exchange", counted)
    here, there = await publish(tmp_path / "origin", "main", "other")
    async with (
        running_origin(settings_in(tmp_path / "origin"), FakeClock()) as origin,
        running(tmp_path / "device") as device,
    ):
        await device.set_origin(url=origin.url)
        name = await device.pair(origin)
        await device.until(lambda: facts(device).release == here)
        session = device.current()
        assert session is not None and session.connection is not None
        live, before = session.connection.contact.live, await requests(origin)
        await device.until(lambda: (live._socket is not None) == (way == "live"))
        for step in range(4):
            await session.ledger.write([closed(f"take-{step}")])
            async with asyncio.timeout(30):
                while await session.ledger.outbox.depth():
                    await device.pass_time(2)
        plays = (await origin.ask("GET", "/v1/plays", origin.reader)).document["plays"]
        assert sorted(play["sequence"] for play in plays) == [1, 2, 3, 4]
        async with asyncio.timeout(30):
            while (view := await seen(origin, name))["heartbeat"]["release"] != here:
                await device.pass_time(5)
        assert view["online"]
        moved = await origin.ask("PATCH", f"/v1/devices/{name}", origin.writer, {"channel": "other"})
        assert moved.status == 200
        await device.until(lambda: facts(device).release == there)
        assert facts(device).channel == "other"
        after = await requests(origin)
    more = {operation: after[operation] - before.get(operation, 0) for operation in after}
    assert (len(over_live) >= 4) == (way == "live")
    assert way == "live" or more["POST /v1/exchange"] >= 4
    older = ("POST /v1/heartbeats", "POST /v1/plays", "GET /v1/device")
    assert not [operation for operation in older if more.get(operation)]
