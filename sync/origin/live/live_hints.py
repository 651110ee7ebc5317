"""Hints: devices hear of new releases, pages hear what changed. A lost hint does no harm.

What others change too (the command line, a second origin) is known from `OriginMemory`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import WSCloseCode

from sync.errors import StorageBroken
from sync.origin.http.origin_memory import Changed, OriginMemory
from sync.origin.live.frames import hint_frame
from sync.origin.live.listeners import Listener, Listeners, in_turns
from sync.origin.live.page_hints import PageHints
from sync.origin.live.screens import Screens
from sync.origin.live.waves import fetch_window_s, return_window_s
from sync.origin.store.spaces.seeing_spaces import SeeingSpaces
from sync.runtime.clock import Clock
from sync.wire.live_messages import Hint

GOODBYE_S = 1.0

IsUrgent = Callable[[str, float], Awaitable[bool]]
"""Tells whether the newest release of a channel is to be fetched at once, and not over so many seconds."""

log = logging.getLogger(__name__)


class LiveHints:
    """Sends the hints to those who listen."""

    def __init__(self, memory: OriginMemory, is_urgent: IsUrgent, seeing: SeeingSpaces, clock: Clock) -> None:
        self.listeners = Listeners()
        self.screens = Screens(clock)
        self.pages = PageHints(self.listeners, self.screens, seeing, clock)
        self.online = 0  # devices that were heard lately, by this origin or others; after a start: before it
        self._memory = memory
        self._is_urgent = is_urgent
        self._urgent = set[str]()  # channels whose newest release is
        self._clock = clock
        self._released: dict[str, int] = {}  # sequences that are to be announced, by channel
        self._has_news = asyncio.Event()

    def changed(self, topic: str, id: str) -> None:
        """Tell every page that something of `topic` (media, uploads, devices, playlists …) changed."""
        self.pages.changed(topic, id)

    def moved(self, device: str, channel: str) -> None:
        """Tell a device that it belongs to another channel now: it connects again as a device of that one."""
        for listener in self.listeners.of_device(device):
            listener.send(hint_frame(Hint(topic="channel", channel=channel)))
            listener.leave(WSCloseCode.GOING_AWAY)

    def follow(self, changed: Changed) -> None:
        """Tell devices what changed for them, and close the sockets of those that are locked out."""
        for device, channel in changed.moved:
            self.moved(device, channel)
        for device in changed.locked_out:
            self.screens.forget(device)
            for listener in self.listeners.of_device(device):
                listener.leave(WSCloseCode.POLICY_VIOLATION)
        self._released.update(changed.released)
        if self._released:
            self._has_news.set()

    def fetch_within_s(self, channel: str) -> float:
        """Return over how long the devices of a channel spread it to fetch what is new."""
        return 0.0 if channel in self._urgent else fetch_window_s(len(self.listeners.of_channel(channel)))

    def greet(self, listener: Listener) -> None:
        """Tell a device that has connected when to come back, and where its channel is."""
        channel = listener.caller.channel
        if channel is None:
            return
        devices = max(self.online, self.listeners.count()["device"])
        listener.send(hint_frame(Hint(topic="welcome", within_s=return_window_s(devices))))
        if sequence := self._memory.sequences.get(channel, 0):
            listener.send(hint_frame(Hint(topic="release", channel=channel, sequence=sequence)))

    async def run(self) -> None:
        """Announce new releases until cancelled."""
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            released, self._released = self._released, {}
            for channel, sequence in released.items():
                await self._announce(channel, sequence)

    async def close(self) -> None:
        """Close all sockets: the origin stops."""
        async for listener in in_turns(self.listeners, self._clock):
            listener.leave(WSCloseCode.GOING_AWAY)
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await self.listeners.wait_until_none()
        for listener in tuple(self.listeners):
            listener.transport.abort()

    async def _announce(self, channel: str, sequence: int) -> None:
        hint = Hint(topic="release", channel=channel, sequence=sequence)
        frame = hint_frame(hint)
        await self.pages.tell_seen("releases", channel, frame)
        await self._judge(channel)
        frame = hint_frame(hint.model_copy(update={"within_s": self.fetch_within_s(channel)}))
        async for listener in in_turns(self.listeners.of_channel(channel), self._clock):
            listener.send(frame)

    async def _judge(self, channel: str) -> None:
        """Find out whether the newest release of a channel is urgent, if screens would wait with it at all."""
        self._urgent.discard(channel)
        within_s = self.fetch_within_s(channel)
        try:
            if within_s and await self._is_urgent(channel, within_s):
                self._urgent.add(channel)
        except StorageBroken as error:
            log.warning("channel=%s is told without knowing whether its release is urgent: %s", channel, error)
