"""Hints over WebSocket: devices hear of new releases, pages hear what changed. A lost hint does no harm.

A listener that does not read its hints in time is disconnected, so that it never delays another one. Sequences are read
from the database every second, because another process (the command line, a second origin) may have published.
"""

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, web

from sync.http.operations import Access, Operation
from sync.origin.http.auth import Caller, Gatekeeper, caller_of
from sync.origin.store.devices import DeviceStore
from sync.runtime.clock import Clock

POLL_S = 1.0
RECHECK_POLLS = 10  # a token revoked elsewhere closes its sockets within ten seconds
PING_S = 20.0
BACKLOG = 256
GOODBYE_S = 1.0
LARGEST_MESSAGE_BYTES = 4096

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Listener:
    caller: Caller
    socket: web.WebSocketResponse
    queue: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(BACKLOG))
    closing: asyncio.Event = field(default_factory=asyncio.Event)  # too slow, locked out, or the origin stops

    def queue_hint(self, hint: dict[str, Any]) -> None:
        try:
            self.queue.put_nowait(json.dumps(hint))
        except asyncio.QueueFull:
            self.closing.set()


class LiveHints:
    """Knows who listens, and sends the hints."""

    def __init__(self, devices: DeviceStore, gatekeeper: Gatekeeper, clock: Clock) -> None:
        self._devices = devices
        self._gatekeeper = gatekeeper
        self._clock = clock
        self._listeners: set[_Listener] = set()
        self._sequences: dict[str, int] = {}

    def operations(self) -> tuple[Operation, ...]:
        """Return the one WebSocket."""
        return (Operation("GET", "/v1/live", self._open_socket, "Hints over WebSocket", Access.ANY_TOKEN, status=101),)

    def changed(self, topic: str, id: str) -> None:
        """Tell every page that something of `topic` (media, uploads, devices, playlists …) changed."""
        for listener in self._listeners:
            if listener.caller.access is not Access.DEVICE:
                listener.queue_hint({"topic": topic, "id": id})

    def moved(self, device: str, channel: str) -> None:
        """Tell a device that it belongs to another channel now."""
        for listener in self._listeners:
            if listener.caller.access is Access.DEVICE and listener.caller.id == device:
                listener.queue_hint({"topic": "channel", "channel": channel})
                listener.closing.set()  # it connects again as a device of its new channel

    def locked_out(self, device: str) -> None:
        """Close the sockets of a device whose token is no longer valid."""
        for listener in self._listeners:
            if listener.caller.access is Access.DEVICE and listener.caller.id == device:
                listener.closing.set()

    def listeners(self) -> dict[str, int]:
        """Return how many devices and pages listen."""
        devices = sum(listener.caller.access is Access.DEVICE for listener in self._listeners)
        return {"device": devices, "page": len(self._listeners) - devices}

    async def run(self) -> None:
        """Poll the channels' sequences for ever, and close the sockets of callers that another process locked out."""
        polls = 0
        while True:
            await self._poll_sequences()
            polls += 1
            if polls % RECHECK_POLLS == 0:
                await self._close_revoked()
            await self._clock.sleep(POLL_S)

    async def close(self) -> None:
        """Close all sockets: the origin stops."""
        for listener in self._listeners:
            listener.closing.set()

    async def _poll_sequences(self) -> None:
        found = await self._devices.channel_sequences()
        for channel, sequence in found.items():
            if sequence and sequence != self._sequences.get(channel, 0):
                self._announce_release(channel, sequence)
        self._sequences = found

    def _announce_release(self, channel: str, sequence: int) -> None:
        for listener in self._listeners:
            if listener.caller.channel in (channel, None):
                listener.queue_hint({"topic": "release", "channel": channel, "sequence": sequence})

    async def _close_revoked(self) -> None:
        for listener in tuple(self._listeners):
            if await self._gatekeeper.caller_by_hash(listener.caller.proof) is None:
                listener.closing.set()

    async def _open_socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False, heartbeat=PING_S, max_msg_size=LARGEST_MESSAGE_BYTES)
        if not socket.can_prepare(request).ok:
            raise web.HTTPBadRequest(text="this address is a WebSocket: open it as one, version 13")
        await socket.prepare(request)
        listener = _Listener(caller_of(request), socket)
        self._send_current(listener)
        self._listeners.add(listener)
        try:
            await _serve(listener)
        finally:
            self._listeners.discard(listener)
        await _close_socket(listener, request)
        return socket

    def _send_current(self, listener: _Listener) -> None:
        channel = listener.caller.channel
        if channel is not None and (sequence := self._sequences.get(channel, 0)):
            listener.queue_hint({"topic": "release", "channel": channel, "sequence": sequence})


async def _serve(listener: _Listener) -> None:
    tasks = [asyncio.create_task(work) for work in (_read(listener), _write(listener), _wait_for_closing(listener))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _close_socket(listener: _Listener, request: web.Request) -> None:
    """Close the WebSocket; cut the connection if the listener does not answer that either."""
    try:
        async with asyncio.timeout(GOODBYE_S):
            await listener.socket.close(code=WSCloseCode.GOING_AWAY)
    except (TimeoutError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()


async def _wait_for_closing(listener: _Listener) -> None:
    await listener.closing.wait()


async def _read(listener: _Listener) -> None:
    async for _ in listener.socket:
        pass  # messages are ignored; reading answers pings and notices the end


async def _write(listener: _Listener) -> None:
    with suppress(ConnectionError):
        while True:
            await listener.socket.send_str(await listener.queue.get())
