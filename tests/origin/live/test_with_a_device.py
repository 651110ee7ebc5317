"""The live connection of a device, its own code, at a real origin."""

import asyncio
from random import Random

from sync.device.exchange.live_connection import LiveConnection
from sync.device.origin_client import open_client
from sync.runtime.clock import SystemClock
from sync.wire.device_reports import Heartbeat, OnAir, PlayKind
from sync.wire.live_messages import Exchange, Hint, OnAirMessage
from tests.origin.running_origin import RunningOrigin, play

PATIENCE_S = 60.0


async def test_a_device_hears_exchanges_and_tells_what_it_shows(server: RunningOrigin) -> None:
    device, token = await server.pair()
    clock, heard = SystemClock(), asyncio.Queue[Hint]()
    tea = OnAir(title="Iced mint tea", kind=PlayKind.AD)
    async with asyncio.timeout(PATIENCE_S), open_client(server.url, token) as client:
        connection = LiveConnection(client, clock, Random(1), heard.put)
        running = asyncio.create_task(connection.run())
        assert (await heard.get()).topic == "welcome"
        beat = Heartbeat(at=clock.now(), version="1")
        answer = await connection.exchange(Exchange(heartbeat=beat, plays=(play(device, 1),)))
        assert answer is not None and answer.plays is not None
        assert (answer.device, answer.plays.high_water) == (device, 1)
        connection.show(OnAirMessage(on_air=tea, next_title="Soup"))
        while (found := server.origin.live.screens.told(device)) is None or found["next_title"] != "Soup":
            await clock.sleep(0.01)
        assert found["on_air"] == tea.model_dump(mode="json")
        await server.make_channel("cafe")
        await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"channel": "cafe"})
        assert (await heard.get()).channel == "cafe"
        assert (await heard.get()).topic == "welcome"  # it came back
        running.cancel()
