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

from player.display.outputs import Wanted
from player.display.pictures import RawPicture
from player.display.state import DisplayState, Power
from player.display.x_connection import XConnection
from player.platform.geometry import Area
from sync.errors import ScreenFailed
from sync.runtime.clock import Backoff, Clock

LOOK_EVERY_S = 2.0
_LISTEN_EVERY_S = 0.25
_TELL_FOR_S = 600.0  # of what covered the screen
_ANY = Wanted()
_LONGEST_WAIT_S = 0.5  # a new X server is black until we are there, and asking costs a millisecond

T = TypeVar("T")

log = logging.getLogger(__name__)


class Display:
    """The display of this device; made by `open_display`."""

    def __init__(self, name: str, clock: Clock, worker: ThreadPoolExecutor, wanted: Wanted) -> None:
        self._name = name
        self._clock = clock
        self._worker = worker
        self._server = XConnection(name)
        self._root: RawPicture | None = None
        self._wanted = wanted
        self._covered = ("", 0.0)  # by which window of another program, and when
        self._stale = False  # a look is due now
        self._move = asyncio.Event()
        self._state = DisplayState(False, None, Power.UNKNOWN, Area(width=1, height=1), 0)

    @property
    def name(self) -> str:
        """The X server, such as `:0`."""
        return self._name

    @property
    def area(self) -> Area:
        """What the stage fills: the chosen output, as last seen."""
        return self._state.area

    async def moved(self, seen: Area) -> Area:
        """Wait until the stage has another area than `seen` to fill; return it."""
        while self.area == seen:
            await self._move.wait()
        return self.area

    def want(self, wanted: Wanted) -> None:
        """Have the stage on another output, or turned, from now on; see `moved`."""
        self._stale = self._stale or wanted != self._wanted
        self._wanted = wanted

    @property
    def ceiling(self) -> int:
        """The id of the unseen window decks stay below and overlays above; another one after the server was lost.

        It is also in the property `player.protocol.screen.CEILING` of the root window. 0 while the server is away.
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
        await self._poll()
        if self._root:
            await self.show_root(self._root)

    async def show_root(self, picture: RawPicture) -> None:
        """Make `picture` the background of the root window; kept and set again after the X server was lost.

        Raises:
            ScreenFailed: the X server does not answer now (the picture is shown once it is back).
        """
        self._root = picture
        await self._call(self._server.paint, picture, self.area)

    async def grab(self) -> RawPicture:
        """Take what the display shows now, upright and at once (2 ms for 1920x1080; 15 ms if it has to be turned).

        Raises:
            ScreenFailed: the X server does not answer.
        """
        return await self._call(self._server.take, self.area)

    async def run(self) -> None:
        """Look after the connection (a service): notice its loss, come back, put the root picture up again."""
        while True:
            try:
                await self._news()
                await self._poll()
            except ScreenFailed as problem:
                log.warning("display=%s lost: %s", self._name, problem)
                self._state = replace(self._state, answers=False, connected=None, losses=self._state.losses + 1)
                await self._come_back()

    async def _news(self) -> None:
        """Wait until something changed, by what the server tells; a look is due after a while in any case."""
        by_s = self._clock.monotonic() + LOOK_EVERY_S
        while not self._stale and self._clock.monotonic() < by_s:
            await self._clock.sleep(_LISTEN_EVERY_S)
            self._stale = await self._call(self._server.stirred) or self._stale

    async def _poll(self) -> None:
        self._stale = False
        before, covered_by = self._state, await self._uncover()
        seen = await self._call(self._server.poll_state, self._wanted)
        self._state = replace(seen, losses=before.losses, covered_by=covered_by)
        if self._state.problem and self._state.problem != before.problem:
            log.warning("display=%s %s", self._name, self._state.problem)
        if self._state.connected != before.connected and self._state.output == before.output and before.answers:
            log.warning("display=%s monitor %s", self._name, "is back" if self._state.connected else "is unplugged")
        if self.area != before.area:
            log.info("display=%s stage=%s output=%s", self._name, self.area, self._state.output or "all")
            self._move.set()
            self._move = asyncio.Event()

    async def _uncover(self) -> str:
        """Put below our windows what other programs put over them, and say so once; return what did so lately."""
        name, now_s = await self._call(self._server.uncover), self._clock.monotonic()
        if name and name != self._covered[0]:
            log.warning("display=%s window=%r covered the screen and was put below", self._name, name)
        if name or now_s - self._covered[1] > _TELL_FOR_S:
            self._covered = (name, now_s)
        return self._covered[0]

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
            log.debug("display=%s %s", self._name, problem)
            raise ScreenFailed(f"X server {self._name!r} does not answer") from problem


@asynccontextmanager
async def open_display(name: str, clock: Clock, wanted: Wanted = _ANY) -> AsyncIterator[Display]:
    """Connect to the X server `name` (such as `:0`): saver and DPMS off, cursor hidden, outputs as `wanted`.

    Raises:
        ScreenFailed: there is no X server of that name, or it refuses us.
    """
    worker = ThreadPoolExecutor(1, thread_name_prefix="display")
    display = Display(name, clock, worker, wanted)
    try:
        await display.connect()
        yield display
    finally:
        try:
            await display.close()
        finally:
            worker.shutdown()
