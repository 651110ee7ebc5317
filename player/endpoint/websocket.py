"""Pushes what changes to open pages over `/v1/live`: what is on (`now`) and how things stand (`status`)."""

import asyncio
import weakref
from http import HTTPStatus

from aiohttp import WSCloseCode, web

from player.status.collector import StatusCollector
from sync.errors import Conflict
from sync.http.operations import Access, Operation
from sync.runtime.clock import Clock

_TICK_S = 0.5
_STATUS_EVERY = 4  # ticks
_MOST_LISTENERS = 32
_GOODBYE_S = 0.5  # a page that fell asleep answers no farewell


class LiveSocket:
    """The WebSocket of the device; each listener gets everything once, then changes."""

    def __init__(self, collector: StatusCollector, clock: Clock) -> None:
        self._collector = collector
        self._clock = clock
        self._sockets: weakref.WeakSet[web.WebSocketResponse] = weakref.WeakSet()

    def operations(self) -> tuple[Operation, ...]:
        """Return what is served here."""
        summary = "WebSocket: messages {topic: now|status, document} when they change"
        status = int(HTTPStatus.SWITCHING_PROTOCOLS)
        return (Operation("GET", "/v1/live", self._listen, summary, Access.READ, status=status),)

    async def close(self, app: web.Application) -> None:
        """Send the listeners away: the endpoint is closing."""
        goodbye = (s.close(code=WSCloseCode.GOING_AWAY, message=b"the player stops") for s in tuple(self._sockets))
        await asyncio.gather(*goodbye)

    async def _listen(self, request: web.Request) -> web.WebSocketResponse:
        if len(self._sockets) >= _MOST_LISTENERS:
            raise Conflict(f"{_MOST_LISTENERS} pages listen already; close one")
        socket = web.WebSocketResponse(heartbeat=20, max_msg_size=4096, timeout=_GOODBYE_S)
        await socket.prepare(request)
        self._sockets.add(socket)
        async with asyncio.TaskGroup() as group:
            pushing = group.create_task(self._push(socket))
            async for _ in socket:  # what a page says is no business of ours; the loop ends when it leaves
                pass
            pushing.cancel()
        self._sockets.discard(socket)
        return socket

    async def _push(self, socket: web.WebSocketResponse) -> None:
        sent: dict[str, str] = {}
        tick = 0
        try:
            while not socket.closed:
                await self._send(socket, sent, "now", self._collector.now().model_dump_json())
                if tick % _STATUS_EVERY == 0:
                    await self._send(socket, sent, "status", (await self._collector.status()).model_dump_json())
                tick += 1
                await self._clock.sleep(_TICK_S)
        except ConnectionError:  # the page left in the middle of a message; the loop that reads ends by itself
            return

    async def _send(self, socket: web.WebSocketResponse, sent: dict[str, str], topic: str, document: str) -> None:
        if sent.get(topic) != document:
            await socket.send_str(f'{{"topic":"{topic}","document":{document}}}')
            sent[topic] = document
