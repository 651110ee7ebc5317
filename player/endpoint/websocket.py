"""Sends the documents `now` and `status` to open pages over `/v1/live` when they change."""

import asyncio
import weakref
from http import HTTPStatus

from aiohttp import WSCloseCode, web

from player.status.collector import StatusCollector
from sync.errors import Conflict
from sync.http.operations import Access, Operation
from sync.runtime.clock import Clock

_POLL_S = 0.5
_STATUS_EVERY = 4  # polls
_MOST_LISTENERS = 32
_CLOSE_TIMEOUT_S = 0.5  # a page that is suspended does not answer


class LiveSocket:
    """The WebSocket of the device. A page gets both documents once, then each change."""

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
        """Close all connections, because the endpoint closes."""
        sockets = tuple(self._sockets)
        await asyncio.gather(*(s.close(code=WSCloseCode.GOING_AWAY, message=b"the player stops") for s in sockets))

    async def _listen(self, request: web.Request) -> web.WebSocketResponse:
        if len(self._sockets) >= _MOST_LISTENERS:
            raise Conflict(f"{_MOST_LISTENERS} pages are open already: close one")
        socket = web.WebSocketResponse(compress=False, heartbeat=20, max_msg_size=4096, timeout=_CLOSE_TIMEOUT_S)
        await socket.prepare(request)
        self._sockets.add(socket)
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(self._send_changes(socket))
            async for _ in socket:  # messages of the page are ignored; the loop ends when the page closes
                pass
            sending.cancel()
        self._sockets.discard(socket)
        return socket

    async def _send_changes(self, socket: web.WebSocketResponse) -> None:
        sent: dict[str, str] = {}
        polls = 0
        try:
            while not socket.closed:
                await self._send(socket, sent, "now", self._collector.now().model_dump_json())
                if polls % _STATUS_EVERY == 0:
                    await self._send(socket, sent, "status", (await self._collector.status()).model_dump_json())
                polls += 1
                await self._clock.sleep(_POLL_S)
        except ConnectionError:  # the page closed during a message; the reading loop ends too
            return

    async def _send(self, socket: web.WebSocketResponse, sent: dict[str, str], topic: str, document: str) -> None:
        if sent.get(topic) != document:
            await socket.send_str(f'{{"topic":"{topic}","document":{document}}}')
            sent[topic] = document
