"""The service that owns the X connection: notices its loss, comes back, and puts up again what stood there.

python-xlib blocks, so one worker thread has the connection. The root picture outlives decks and daemon (the server
needs `-noreset`), so that with everything else dead the screen shows the brand.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import TypeVar

from Xlib import error

from player.display.server import Server
from player.display.state import DisplayState, Power
from player.screen import Area
from player.still import Still
from sync import ScreenFailed
from sync.clock import Backoff, Clock

LOOK_EVERY_S = 2.0
_LONGEST_WAIT_S = 0.5  # a new X server is black until we are there, and asking costs a millisecond

T = TypeVar("T")

log = logging.getLogger(__name__)


class Display:
    """The display of this device; made by `open_display`."""

    def __init__(self, name: str, clock: Clock, worker: ThreadPoolExecutor) -> None:
        self._name = name
        self._clock = clock
        self._worker = worker
        self._server = Server(name)
        self._root: Still | None = None
        self._state = DisplayState(False, None, Power.UNKNOWN, Area(width=1, height=1), 0)

    @property
    def name(self) -> str:
        """The X server, such as `:0`."""
        return self._name

    @property
    def area(self) -> Area:
        """The whole display, as last seen."""
        return self._state.area

    @property
    def ceiling(self) -> int:
        """The id of the unseen window decks stay below and overlays above; another one after the server was lost.

        It is also in the property `player.screen.CEILING` of the root window. 0 while the server is away.
        """
        return self._server.ceiling

    def state(self) -> DisplayState:
        """Return the display as last seen, by `run` every two seconds."""
        return self._state

    async def connect(self) -> None:
        """Connect, or connect again: settings, and the root picture if there was one.

        Raises:
            ScreenFailed: there is no such X server, or it is not usable.
        """
        await self._call(self._server.open)
        self._state = replace(await self._call(self._server.look), losses=self._state.losses)
        if self._root:
            await self.show_root(self._root)

    async def show_root(self, picture: Still) -> None:
        """Make `picture` the background of the root window; kept and set again after the X server was lost.

        Raises:
            ScreenFailed: the X server does not answer now (the picture is shown once it is back).
        """
        self._root = picture
        await self._call(self._server.paint, picture)

    async def grab(self) -> Still:
        """Take what the display shows now, at once (2 ms for 1920x1080).

        Raises:
            ScreenFailed: the X server does not answer.
        """
        return await self._call(self._server.take)

    async def run(self) -> None:
        """Look after the connection (a service): notice its loss, come back, put the root picture up again."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            try:
                seen = await self._call(self._server.look)
            except ScreenFailed as problem:
                log.warning("display=%s lost: %s", self._name, problem)
                self._state = replace(self._state, answers=False, connected=None, losses=self._state.losses + 1)
                await self._come_back()
            else:
                self._state = replace(seen, losses=self._state.losses)

    async def close(self) -> None:
        """Leave the X server; the root picture stays."""
        await self._call(self._server.close)

    async def _come_back(self) -> None:
        backoff = Backoff(first_s=0.1, limit_s=_LONGEST_WAIT_S, rng=Random())
        while not self._state.answers:
            await self._clock.sleep(backoff.next_s())
            try:
                await self.connect()
            except ScreenFailed:
                continue  # said once, when it was lost
        log.info("display=%s is back", self._name)

    async def _call(self, work: Callable[..., T], *arguments: object) -> T:
        """Have the worker do it; what X raises becomes ScreenFailed."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, work, *arguments)
        except (error.DisplayError, error.ConnectionClosedError, error.XError, OSError) as problem:
            raise ScreenFailed(f"X server {self._name!r} does not answer: {problem}") from problem


@asynccontextmanager
async def open_display(name: str, clock: Clock) -> AsyncIterator[Display]:
    """Connect to the X server `name` (such as `:0`): saver and DPMS off, cursor hidden.

    Raises:
        ScreenFailed: there is no X server of that name, or it refuses us.
    """
    worker = ThreadPoolExecutor(1, thread_name_prefix="display")
    display = Display(name, clock, worker)
    try:
        await display.connect()
        yield display
    finally:
        try:
            await display.close()
        finally:
            worker.shutdown()
