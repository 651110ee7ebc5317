"""Who listens: the open sockets by channel and by device, and how a message is written to many of them.

Frames are written to the transports themselves, between those of aiohttp, which sends one at a time and none in parts:
no socket has a task or a queue of its own for that. A listener that does not read is disconnected.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from aiohttp import WSCloseCode

from sync.origin.http.origin_memory import Caller
from sync.origin.live.frames import PING, close_frame
from sync.runtime.clock import Clock

MOST_UNSENT_BYTES = 64 * 1024
"""How much may wait for a listener, beyond what the kernel takes; with more it is disconnected."""

_AT_ONCE = 100  # writes between two turns of other work: some 5 ms, 10 ms on a slow machine


@dataclass(eq=False, slots=True)
class Listener:
    """An open socket."""

    caller: Caller
    transport: asyncio.Transport
    is_leaving: bool = False  # it was told that the connection ends
    is_busy: bool = False  # what it sent last is being worked on, and nothing more is read meanwhile
    was_heard: bool = True  # since the last check
    was_asked: bool = False  # by a ping, and has not answered since

    @property
    def is_device(self) -> bool:
        """Whether it is a device, not the page or script of a person."""
        return self.caller.is_device

    def send(self, frame: bytes) -> None:
        """Write a frame, unless the connection ends."""
        if self.is_leaving or self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            self.transport.abort()
        else:
            self.transport.write(frame)

    def heard(self) -> None:
        """Note that something came: the other side is there."""
        self.was_heard, self.was_asked = True, False

    def check(self) -> None:
        """Ask it for a sign of life if nothing came since the last check; cut the connection if none came to that."""
        if self.is_leaving or (self.was_asked and not self.is_busy):
            self.transport.abort()
        elif not self.was_heard and not self.is_busy:
            self.was_asked = True
            self.send(PING)
        self.was_heard = False

    def leave(self, code: WSCloseCode) -> None:
        """Tell it that the connection ends. If it does not answer, the next check cuts the connection."""
        self.send(close_frame(code))
        self.is_leaving = True


@dataclass(slots=True)
class Listeners:
    """All that listen to this origin."""

    _channels: dict[str, dict[Listener, None]] = field(default_factory=dict)
    _devices: dict[str, list[Listener]] = field(default_factory=dict)
    _pages: dict[Listener, None] = field(default_factory=dict)
    _none: asyncio.Event = field(default_factory=asyncio.Event)

    def __iter__(self) -> Iterator[Listener]:
        return chain(self._pages, *self._channels.values())

    @property
    def pages(self) -> Collection[Listener]:
        """Those that are no devices."""
        return self._pages.keys()

    def of_channel(self, channel: str) -> Collection[Listener]:
        """Return the devices of a channel."""
        return self._channels.get(channel, {}).keys()

    def of_device(self, device: str) -> Collection[Listener]:
        """Return the sockets of a device: one, but for a moment or for a second machine."""
        return tuple(self._devices.get(device, ()))

    def count(self) -> dict[str, int]:
        """Return how many devices and pages listen."""
        return {"device": sum(map(len, self._channels.values())), "page": len(self._pages)}

    def add(self, listener: Listener) -> None:
        """Have it hear what comes from now on."""
        caller = listener.caller
        self._none.clear()
        if caller.channel is None:
            self._pages[listener] = None
        else:
            self._channels.setdefault(caller.channel, {})[listener] = None
            self._devices.setdefault(caller.id, []).append(listener)

    def remove(self, listener: Listener) -> None:
        """Forget one whose socket ends."""
        if listener.caller.channel is None:
            del self._pages[listener]
        else:
            self._remove_device(listener, listener.caller.channel)
        if not self._pages and not self._channels:
            self._none.set()

    async def wait_until_none(self) -> None:
        """Wait until nobody listens."""
        if self._pages or self._channels:
            await self._none.wait()

    def _remove_device(self, listener: Listener, channel: str) -> None:
        of_channel, of_device = self._channels[channel], self._devices[listener.caller.id]
        del of_channel[listener]
        of_device.remove(listener)
        if not of_channel:
            del self._channels[channel]
        if not of_device:
            del self._devices[listener.caller.id]


async def in_turns(listeners: Iterable[Listener], clock: Clock) -> AsyncIterator[Listener]:
    """Yield those that listen now, some at a time: other work has its turn between them."""
    left = iter(tuple(listeners))
    while some := tuple(islice(left, _AT_ONCE)):
        for listener in some:
            yield listener
        await clock.sleep(0)
