"""An origin on loopback that takes exchanges, over HTTP and the live connection, or only what an older one takes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any

from aiohttp import WSMsgType, web

from sync.device.exchange.exchange_ways import ExchangeWays
from sync.device.exchange.gathering_plays import GatheringPlays
from sync.device.exchange.live_connection import LiveConnection
from sync.device.exchange.origin_exchange import OriginExchange
from sync.device.origin_client import OriginClient, open_client
from sync.device.queue_delivery import Queue, QueueDelivery
from sync.runtime.clock import SystemClock
from sync.wire.device_reports import Heartbeat
from sync.wire.live_messages import Exchange, ExchangeAnswer, Hint
from tests.fakes import FakeClock
from tests.player.director.venue import DEVICE

HELD = "a" * 64
PERIOD_S = 60.0

Fault = Callable[[dict[str, Any]], web.Response | None]
"""Answers an exchange instead of the origin, or returns None."""


class ExchangeOrigin:
    """Stores each play once, and says by which way each thing came."""

    def __init__(self) -> None:
        self.exchanges: list[tuple[str, dict[str, Any]]] = []  # the way, `http` or `live`, and the exchange
        self.older: list[str] = []  # which older operations were used
        self.held: dict[tuple[str, int], str] = {}
        self.order: list[int] = []
        self.on_air: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"device": DEVICE, "channel": "main", "timestamp": HELD}
        self.fault: Fault = lambda asked: None
        self.faults: Random | None = None
        self.knows_exchanges = True
        self.welcomes: list[dict[str, Any]] = []  # the first messages of each connection
        self.answers_live = True
        self.live: set[web.WebSocketResponse] = set()
        self.channel = "main"  # as an older origin tells it
        self.largest_bytes = 10**9
        self.nonsense = False  # it answers this to heartbeats, and who asks for the channel

    def routes(self, app: web.Application) -> None:
        app.router.add_get("/v1/live", self._open_live)
        app.router.add_get("/v1/device", self._device)
        app.router.add_post("/v1/plays", self._plays)
        app.router.add_post("/v1/heartbeats", self._heartbeats)
        app.router.add_post("/v1/exchange", self._exchange)

    async def say(self, **hint: object) -> None:
        for socket in self.live:
            await socket.send_str(json.dumps(hint))

    def ways(self) -> list[str]:
        return [way for way, _ in self.exchanges]

    def reports(self) -> int:
        return sum(asked.get("heartbeat") is not None for _, asked in self.exchanges)

    async def _exchange(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if not self.knows_exchanges:
            return web.Response(status=404)
        self.exchanges.append(("http", asked))
        if (response := self.fault(asked)) is not None:
            return response
        if request.content_length is not None and request.content_length > self.largest_bytes:
            return web.Response(status=413)
        answer = self._take(asked)
        if self.faults is not None and self.faults.random() < 0.4:  # taken, and nobody hears of it
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(answer)

    def _take(self, asked: dict[str, Any]) -> dict[str, Any]:
        plays = asked.get("plays")
        return {**self.answer, **({"plays": self._receipts(plays)} if plays else {})}

    def _receipts(self, plays: list[dict[str, Any]]) -> dict[str, Any]:
        return {"receipts": [self._store(play) for play in plays], "log_epoch": plays[-1].get("log_epoch")}

    def _store(self, play: dict[str, Any]) -> dict[str, Any]:
        key, body = (play.get("log_epoch", ""), play["sequence"]), json.dumps(play, sort_keys=True)
        if key in self.held:
            return {"sequence": key[1], "status": "duplicate" if self.held[key] == body else "conflict"}
        self.held[key] = body
        self.order.append(key[1])
        return {"sequence": key[1], "status": "accepted"}

    async def _plays(self, request: web.Request) -> web.Response:
        self.older.append("plays")
        return web.json_response(self._receipts((await request.json())["plays"]))

    async def _heartbeats(self, request: web.Request) -> web.Response:
        self.older.append("heartbeats")
        if self.nonsense:
            return web.Response(body=b" " * 2_000_000)
        return web.json_response({"doubts": ["another machine says the same"]})

    async def _device(self, request: web.Request) -> web.Response:
        self.older.append("device")
        if self.nonsense:
            return web.Response(text="<html>", content_type="text/html")
        return web.json_response({"device": DEVICE, "channel": self.channel})

    async def _open_live(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=1024 * 1024)
        await socket.prepare(request)
        self.live.add(socket)
        for hint in self.welcomes:
            await socket.send_str(json.dumps(hint))
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._hear(socket, json.loads(message.data))
        self.live.discard(socket)
        return socket

    async def _hear(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        if message["topic"] == "on_air":
            self.on_air.append(message)
        elif message["topic"] == "exchange":
            self.exchanges.append(("live", message["exchange"]))
            if self.answers_live:
                answer = {"topic": "exchange", "number": message["number"], "answer": self._take(message["exchange"])}
                await socket.send_str(json.dumps(answer))


@asynccontextmanager
async def serving(origin: ExchangeOrigin) -> AsyncIterator[str]:
    """Serve it; yield its address."""
    app = web.Application(client_max_size=8 * 1024 * 1024)
    origin.routes(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        for socket in set(origin.live):
            await socket.close()
        await runner.cleanup()


class Contact:
    """The services of one device that talk with the origin, and what they were told."""

    def __init__(self, client: OriginClient, queue: Queue, clock: FakeClock, gather_s: float, rng: Random) -> None:
        self.clock = clock
        self.period_s = PERIOD_S
        self.told: list[tuple[Exchange, ExchangeAnswer]] = []
        self.hints: list[Hint] = []
        self.new_logs = 0
        self.live = LiveConnection(client, clock, rng, self._heard, self._opening)
        self.ways = ExchangeWays(self.live, client, clock, rng, DEVICE, lambda: "main")
        plays = GatheringPlays(QueueDelivery(queue, clock, rng, self._begin_anew), clock, gather_s)
        self.exchange = OriginExchange(self.ways, plays, self.report, self._tell, lambda: self.period_s, clock, rng)

    async def report(self) -> Heartbeat:
        return Heartbeat(at=datetime(2026, 3, 2, tzinfo=UTC), version="1")

    async def until(self, condition: Callable[[], object], *, pass_s: float = 0.0) -> None:
        """Wait until `condition` is true; let so much time of the device pass before each look."""
        async with asyncio.timeout(30):
            while not condition():
                if pass_s:
                    await self.clock.advance(pass_s)
                await SystemClock().sleep(0.005)

    async def pass_time(self, seconds: float) -> None:
        """Let time pass in steps of two seconds, with what each causes."""
        for _ in range(round(seconds / 2)):
            await self.clock.advance(2)
            await SystemClock().sleep(0.001)

    async def _tell(self, asked: Exchange, answer: ExchangeAnswer) -> None:
        self.told.append((asked, answer))

    async def _heard(self, hint: Hint) -> None:
        self.hints.append(hint)
        if hint.topic == "welcome":
            self.ways.welcomed()

    def _opening(self) -> None:
        self.ways.reopened()
        if self.ways.asks_older:
            self.exchange.ask()

    async def _begin_anew(self) -> None:
        self.new_logs += 1


@asynccontextmanager
async def in_contact(
    origin: ExchangeOrigin, queue: Queue, clock: FakeClock, *, gather_s: float = PERIOD_S, live: bool = False
) -> AsyncIterator[Contact]:
    """Run a device that exchanges with `origin`; without `live` over HTTP alone."""
    async with serving(origin) as url, open_client(url, "token") as client:
        contact = Contact(client, queue, clock, gather_s, Random(5))
        tasks = [asyncio.create_task(contact.exchange.run())]
        if live:
            tasks.append(asyncio.create_task(contact.live.run()))
        try:
            yield contact
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
