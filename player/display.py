"""The daemon's one connection to the X server: root picture, screen saver, cursor, size, power and screenshots.

python-xlib blocks, so one worker thread owns the connection. The root picture outlives decks and daemon (the server
needs `-noreset`), so that with everything else dead the screen shows the brand.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Any, TypeVar

from Xlib import X, error
from Xlib.display import Display as XDisplay

from player.screen import Area
from player.still import Still, png
from sync import ScreenFailed
from sync.clock import Backoff, Clock

LOOK_EVERY_S = 2.0
_LONGEST_WAIT_S = 0.5  # a new X server is black until we are there, and asking costs a millisecond
_REQUEST_BYTES = 256_000  # an X request holds 262,140 bytes
_DEPTH = 24
_PLUGGED_IN = 0  # RandR's word for connected

T = TypeVar("T")

log = logging.getLogger(__name__)


class Power(StrEnum):
    """What DPMS says of the monitor; `unknown` where the server cannot tell (Xvfb)."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DisplayState:
    """The display as last seen: whether the X server answers, a monitor is plugged in, and its power."""

    answers: bool
    connected: bool | None
    power: Power
    area: Area
    losses: int


class Display:
    """The display of this device; made by `open_display`."""

    def __init__(self, name: str, clock: Clock, worker: ThreadPoolExecutor) -> None:
        self._name = name
        self._clock = clock
        self._worker = worker
        self._connection: Any = None  # the worker's
        self._root: Still | None = None
        self._state = DisplayState(False, None, Power.UNKNOWN, Area(width=1, height=1), 0)

    @property
    def area(self) -> Area:
        """The whole display, as last seen."""
        return self._state.area

    def state(self) -> DisplayState:
        """Return the display as last seen, by `run` every two seconds."""
        return self._state

    async def connect(self) -> None:
        """Connect, or connect again: settings, and the root picture if there was one.

        Raises:
            ScreenFailed: there is no such X server, or it is not usable.
        """
        await self._call(self._open)
        self._state = replace(await self._call(self._look), losses=self._state.losses)
        if self._root:
            await self.show_root(self._root)

    async def show_root(self, picture: Still) -> None:
        """Make `picture` the background of the root window; kept and set again after the X server was lost.

        Raises:
            ScreenFailed: the X server does not answer now (the picture is shown once it is back).
        """
        self._root = picture
        await self._call(self._paint, picture)

    async def grab(self) -> Still:
        """Take what the display shows now (20 ms for 1280x720).

        Raises:
            ScreenFailed: the X server does not answer.
        """
        return await self._call(self._take)

    async def grab_png(self) -> bytes:
        """Take what the display shows now, as PNG, encoded off the loop. Raises as `grab`."""
        return await asyncio.to_thread(png, await self.grab())

    async def run(self) -> None:
        """Look after the connection (a service): notice its loss, come back, put the root picture up again."""
        while True:
            await self._clock.sleep(LOOK_EVERY_S)
            try:
                seen = await self._call(self._look)
            except ScreenFailed as problem:
                log.warning("display=%s lost: %s", self._name, problem)
                self._state = replace(self._state, answers=False, connected=None, losses=self._state.losses + 1)
                await self._come_back()
            else:
                self._state = replace(seen, losses=self._state.losses)

    async def close(self) -> None:
        """Leave the X server; the root picture stays."""
        await self._call(self._shut)

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

    # ── on the worker ──────────────────────────────────────────────────────────────────────────────────────────────

    def _x(self) -> Any:
        if self._connection is None:
            raise ScreenFailed(f"X server {self._name!r} is not connected")
        return self._connection

    def _open(self) -> None:
        self._shut()
        connection = XDisplay(self._name)
        screen = connection.screen()
        if screen.root_depth != _DEPTH:
            connection.close()
            raise ScreenFailed(f"X server {self._name!r} has depth {screen.root_depth}; start it with depth {_DEPTH}")
        connection.set_screen_saver(0, 0, X.DontPreferBlanking, X.DontAllowExposures)
        if connection.has_extension("DPMS"):
            connection.dpms_disable()
        nothing = screen.root.create_pixmap(1, 1, 1)
        screen.root.change_attributes(cursor=nothing.create_cursor(nothing, (0, 0, 0), (0, 0, 0), 0, 0))
        nothing.free()
        connection.sync()
        self._connection = connection

    def _look(self) -> DisplayState:
        connection = self._x()
        size = connection.screen().root.get_geometry()
        area = Area(width=size.width, height=size.height)
        return DisplayState(True, _connected(connection), _power(connection), area, 0)

    def _paint(self, picture: Still) -> None:
        connection = self._x()
        root = connection.screen().root
        pixmap = root.create_pixmap(picture.width, picture.height, _DEPTH)
        pen = pixmap.create_gc()
        stride = picture.width * 4
        rows = max(1, _REQUEST_BYTES // stride)
        for y in range(0, picture.height, rows):
            strip = picture.bgrx[y * stride : (y + rows) * stride]
            pixmap.put_image(pen, 0, y, picture.width, len(strip) // stride, X.ZPixmap, _DEPTH, 0, strip)
        root.change_attributes(background_pixmap=pixmap)
        root.clear_area()
        pen.free()
        pixmap.free()  # the root window keeps its own hold of the pixels
        connection.sync()

    def _take(self) -> Still:
        root = self._x().screen().root
        size = root.get_geometry()
        image = root.get_image(0, 0, size.width, size.height, X.ZPixmap, 0xFFFFFFFF)
        return Still(size.width, size.height, bytes(image.data))

    def _shut(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except error.ConnectionClosedError:
                log.debug("display=%s was closed by the server", self._name)


def _connected(connection: Any) -> bool | None:
    """Tell whether any output has a monitor; None where the server has no RandR."""
    if not connection.has_extension("RANDR"):
        return None
    resources = connection.screen().root.xrandr_get_screen_resources_current()
    outputs = [connection.xrandr_get_output_info(name, resources.config_timestamp) for name in resources.outputs]
    return any(output.connection == _PLUGGED_IN for output in outputs)


def _power(connection: Any) -> Power:
    if not connection.has_extension("DPMS") or not connection.dpms_capable().capable:
        return Power.UNKNOWN
    info = connection.dpms_info()
    return Power.ON if not info.state or info.power_level == 0 else Power.OFF


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
