"""Hints over WebSocket: devices hear of new releases, pages of what changed. Nobody depends on one: all can be polled.

A client that does not take its hints in time is dropped, so that it never holds up another. Sequences are read from
the database every second, because another process (the command line, a second origin) may have published.
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
class _Client:
    caller: Caller
    socket: web.WebSocketResponse
    waiting: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(BACKLOG))
    lost: asyncio.Event = field(default_factory=asyncio.Event)  # too slow, locked out, or the origin is ending

    def tell(self, hint: dict[str, Any]) -> None:
        try:
            self.waiting.put_nowait(json.dumps(hint))
        except asyncio.QueueFull:
            self.lost.set()


class LiveHints:
    """Knows who listens, and tells them."""

    def __init__(self, devices: DeviceStore, gatekeeper: Gatekeeper, clock: Clock) -> None:
        self._devices = devices
        self._gatekeeper = gatekeeper
        self._clock = clock
        self._clients: set[_Client] = set()
        self._sequences: dict[str, int] = {}

    def operations(self) -> tuple[Operation, ...]:
        """Return the one WebSocket."""
        return (Operation("GET", "/v1/live", self._listen, "Hints over WebSocket", Access.KNOWN, status=101),)

    def changed(self, topic: str, id: str) -> None:
        """Tell every page that something of `topic` (media, uploads, devices, playlists …) changed."""
        for client in self._clients:
            if client.caller.access is not Access.DEVICE:
                client.tell({"topic": topic, "id": id})

    def moved(self, device: str, channel: str) -> None:
        """Tell a device that it belongs to another channel now."""
        for client in self._clients:
            if client.caller.access is Access.DEVICE and client.caller.id == device:
                client.tell({"topic": "channel", "channel": channel})
                client.lost.set()  # it comes back as a device of its new channel

    def locked_out(self, device: str) -> None:
        """Close the sockets of a device whose token is worth nothing any more."""
        for client in self._clients:
            if client.caller.access is Access.DEVICE and client.caller.id == device:
                client.lost.set()

    def listeners(self) -> dict[str, int]:
        """Return how many devices and pages listen."""
        devices = sum(client.caller.access is Access.DEVICE for client in self._clients)
        return {"device": devices, "page": len(self._clients) - devices}

    async def run(self) -> None:
        """Watch the channels' sequences for ever, and close what was locked out by another process."""
        polls = 0
        while True:
            await self._poll_sequences()
            polls += 1
            if polls % RECHECK_POLLS == 0:
                await self._recheck()
            await self._clock.sleep(POLL_S)

    async def close(self) -> None:
        """Send everybody away: the origin ends."""
        for client in self._clients:
            client.lost.set()

    async def _poll_sequences(self) -> None:
        found = await self._devices.channel_sequences()
        for channel, sequence in found.items():
            if sequence and sequence != self._sequences.get(channel, 0):
                self._released(channel, sequence)
        self._sequences = found

    def _released(self, channel: str, sequence: int) -> None:
        for client in self._clients:
            if client.caller.channel in (channel, None):
                client.tell({"topic": "release", "channel": channel, "sequence": sequence})

    async def _recheck(self) -> None:
        for client in tuple(self._clients):
            if await self._gatekeeper.recall(client.caller.proof) is None:
                client.lost.set()

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=PING_S, max_msg_size=LARGEST_MESSAGE_BYTES)
        if not socket.can_prepare(request).ok:
            raise web.HTTPBadRequest(text="this address is a WebSocket: open it as one, version 13")
        await socket.prepare(request)
        client = _Client(caller_of(request), socket)
        self._greet(client)
        self._clients.add(client)
        try:
            await _serve(client)
        finally:
            self._clients.discard(client)
        await _part(client, request)
        return socket

    def _greet(self, client: _Client) -> None:
        channel = client.caller.channel
        if channel is not None and (sequence := self._sequences.get(channel, 0)):
            client.tell({"topic": "release", "channel": channel, "sequence": sequence})


async def _serve(client: _Client) -> None:
    tasks = [asyncio.create_task(work) for work in (_read(client), _write(client), _lost(client))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _part(client: _Client, request: web.Request) -> None:
    """Say goodbye; whoever does not even take that is hung up on."""
    try:
        async with asyncio.timeout(GOODBYE_S):
            await client.socket.close(code=WSCloseCode.GOING_AWAY)
    except (TimeoutError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()


async def _lost(client: _Client) -> None:
    await client.lost.wait()


async def _read(client: _Client) -> None:
    async for _ in client.socket:
        pass  # nobody is asked anything; reading answers pings and notices the end


async def _write(client: _Client) -> None:
    with suppress(ConnectionError):
        while True:
            await client.socket.send_str(await client.waiting.get())
