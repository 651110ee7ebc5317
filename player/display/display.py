"""The service that owns the X connection: it polls the display, connects again after a loss, shows the root picture.

python-xlib blocks, so all its calls run in one worker thread. The root picture stays when decks and daemon have ended
(the server needs `-noreset`): even then the screen shows the brand.
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

from player.display.backdrop_pictures import RawPicture
from player.display.display_state import DisplayState, Power
from player.display.outputs import WantedOutput
from player.display.x_connection import XConnection
from player.platform.geometry import Area
from sync.errors import ScreenFailed
from sync.runtime.clock import Backoff, Clock

POLL_EVERY_S = 2.0
_CHECK_EVENTS_EVERY_S = 0.25
_REPORT_COVERED_FOR_S = 600.0
_ANY = WantedOutput()
_HANGS_S = 0.5  # without an answer: a round trip takes less than a millisecond, a picture of the whole screen some 20
_MAY_HANG_S = 0.2  # without an answer: less than it takes until a deck that waits for the same server is suspected
_RECOVERS_S = 2.0  # so long others may need to go on after it
_LONGEST_WAIT_S = 0.5  # a new X server is black until we connect; a try costs a millisecond

T = TypeVar("T")

log = logging.getLogger(__name__)


class Display:
    """The display of this device; made by `open_display`."""

    def __init__(self, name: str, clock: Clock, worker: ThreadPoolExecutor, wanted: WantedOutput) -> None:
        self._name = name
        self._clock = clock
        self._worker = worker
        self._x = XConnection(name)
        self._root_picture: RawPicture | None = None
        self._wanted = wanted
        self._last_covered = ("", 0.0)  # the name of a window of another program, and when it covered ours
        self._poll_due = False  # before its time
        self._dark_s = self._unplugged_s = float("-inf")  # the last poll that found no light, or no monitor
        self._overdue, self._recovered_s = 0, float("-inf")  # calls that wait for a server that hangs; the last end
        self._asked_s = list[float]()  # when each call began that has no answer
        self._area_changed = asyncio.Event()
        self._state = DisplayState(False, None, Power.UNKNOWN, Area(width=1, height=1), 0)

    @property
    def name(self) -> str:
        """The X server, such as `:0`."""
        return self._name

    @property
    def area(self) -> Area:
        """What the stage fills: the chosen output at the last poll."""
        return self._state.area

    async def area_change(self, known: Area) -> Area:
        """Wait until the stage has to fill another area than `known`; return it."""
        while self.area == known:
            await self._area_changed.wait()
        return self.area

    def choose_output(self, wanted: WantedOutput) -> None:
        """Set the output and rotation of the stage; `area_change` tells the effect."""
        self._poll_due = self._poll_due or wanted != self._wanted
        self._wanted = wanted

    @property
    def ceiling(self) -> int:
        """The id of an invisible window: decks stay below it, overlays above. It changes when the server was lost.

        The property `player.platform.x11.CEILING` of the root window has it too. 0 while there is no connection.
        """
        return self._x.ceiling

    def state(self) -> DisplayState:
        """Return the state at the last poll; `run` polls every two seconds."""
        return replace(self._state, answers=False) if self._overdue else self._state

    def hangs(self) -> bool:
        """Return whether the X server may hang: it takes requests and answers none, or did so a moment ago.

        It is asked four times a second.
        """
        now_s = self._clock.monotonic()
        return now_s - min(self._asked_s, default=now_s) > _MAY_HANG_S or now_s - self._recovered_s < _RECOVERS_S

    async def connect(self) -> None:
        """Connect, or connect again, with all settings; show the root picture if there was one.

        Raises:
            ScreenFailed: there is no such X server, or it is not usable.
        """
        await self._run_in_worker(self._x.open)
        await self._poll()
        if self._root_picture:
            await self.show_root(self._root_picture)

    async def show_root(self, picture: RawPicture) -> None:
        """Make `picture` the background of the root window; it is shown again after the X server was lost.

        Raises:
            ScreenFailed: the X server does not answer now; the picture is shown once it does.
        """
        self._root_picture = picture
        await self._run_in_worker(self._x.paint_root, picture, self.area)

    async def grab(self) -> RawPicture:
        """Return what the display shows now, upright (2 ms for 1920x1080, 15 ms if it must be turned).

        Raises:
            ScreenFailed: the X server does not answer.
        """
        return await self._run_in_worker(self._x.capture, self.area)

    async def run(self) -> None:
        """Poll the display (a service); connect again when the connection was lost."""
        while True:
            try:
                await self._wait_for_poll()
                await self._poll()
            except ScreenFailed as failure:
                log.warning("display=%s lost: %s", self._name, failure)
                self._state = replace(self._state, answers=False, connected=None, losses=self._state.losses + 1)
                await self._reconnect()

    async def _wait_for_poll(self) -> None:
        """Wait until the server reports a change, and for two seconds at most."""
        until_s = self._clock.monotonic() + POLL_EVERY_S
        while not self._poll_due and self._clock.monotonic() < until_s:
            await self._clock.sleep(_CHECK_EVENTS_EVERY_S)
            await self._lower_foreign_windows()
            self._poll_due = await self._run_in_worker(self._x.has_events) or self._poll_due

    async def _poll(self) -> None:
        self._poll_due = False
        await self._lower_foreign_windows()
        before, state = self._state, await self._run_in_worker(self._x.poll_state, self._wanted)
        self._state = replace(state, losses=before.losses, covered_by=before.covered_by)
        left_dark = before.output and before.output not in state.plugged  # and another one is filled from now on
        if state.connected is False or left_dark:
            self._unplugged_s = self._clock.monotonic()
        if state.dark or left_dark or (state.was_off and state.output == before.output):
            self._dark_s = self._clock.monotonic()
        if self._state.problem and self._state.problem != before.problem:
            log.warning("display=%s %s", self._name, self._state.problem)
        if self._state.connected != before.connected and self._state.output == before.output and before.answers:
            log.warning("display=%s monitor %s", self._name, "plugged in" if self._state.connected else "unplugged")
        if self.area != before.area:
            log.info("display=%s stage=%s output=%s", self._name, self.area, self._state.output or "all")
            self._area_changed.set()
            self._area_changed = asyncio.Event()

    def was_dark_since(self, at_s: float) -> bool:
        """Tell whether the last poll, or any other one since this instant, found the monitor off or unplugged."""
        return self._state.dark or self._dark_s >= at_s

    def was_unplugged_since(self, at_s: float) -> bool:
        """Tell whether the last poll, or any other one since this instant, found no monitor at the output."""
        return self._state.connected is False or self._unplugged_s >= at_s

    async def _lower_foreign_windows(self) -> None:
        """Put windows of other programs below ours and log it once; the state names the latest of ten minutes."""
        name, now_s = await self._run_in_worker(self._x.lower_foreign_windows), self._clock.monotonic()
        if name and name != self._last_covered[0]:
            log.warning("display=%s window=%r covered the screen and was put below", self._name, name)
        if name or now_s - self._last_covered[1] > _REPORT_COVERED_FOR_S:
            self._last_covered = (name, now_s)
        self._state = replace(self._state, covered_by=self._last_covered[0])

    async def close(self) -> None:
        """Disconnect; the root picture stays. A server that hangs is not waited for."""
        closing = asyncio.ensure_future(self._run_in_worker(self._x.close))
        if not (await asyncio.wait({closing}, timeout=_HANGS_S))[0]:
            self._x.abandon()
        await closing

    async def _reconnect(self) -> None:
        backoff = Backoff(first_s=0.1, limit_s=_LONGEST_WAIT_S, rng=Random())
        while not self._state.answers:
            await self._clock.sleep(backoff.next_s())
            try:
                await self.connect()
            except ScreenFailed:
                continue  # the loss was logged
        log.info("display=%s is back", self._name)

    async def _run_in_worker(self, work: Callable[..., T], *arguments: object) -> T:
        """Run `work` in the worker thread; errors of python-xlib become ScreenFailed."""
        asked_s = self._clock.monotonic()
        self._asked_s.append(asked_s)
        try:
            answer = asyncio.get_running_loop().run_in_executor(self._worker, work, *arguments)
            try:
                if not (await asyncio.wait({answer}, timeout=_HANGS_S))[0]:
                    await self._outlast(answer)
                return await answer
            finally:
                answer.cancel()  # nobody waits any more: what the worker has not begun, it leaves
        except (error.DisplayError, error.ConnectionClosedError, error.XError, OSError) as failure:
            log.debug("display=%s %s", self._name, failure)
            raise ScreenFailed(f"X server {self._name!r} does not answer") from failure
        finally:
            self._asked_s.remove(asked_s)

    async def _outlast(self, answer: "asyncio.Future[T]") -> None:
        """Wait for the answer of a server that hangs."""
        since_s = self._clock.monotonic()
        if not self._overdue:
            log.warning("display=%s the X server does not answer; what is on the screen stays", self._name)
        self._overdue += 1
        try:
            await asyncio.wait({answer})
        finally:
            self._overdue -= 1
            self._recovered_s = self._clock.monotonic()
            if not self._overdue:
                log.info("display=%s the X server answers again after %.1f s", self._name, self._recovered_s - since_s)


@asynccontextmanager
async def open_display(name: str, clock: Clock, wanted: WantedOutput = _ANY) -> AsyncIterator[Display]:
    """Connect to the X server `name` (such as `:0`): no screen saver, no DPMS, no cursor, outputs as `wanted`.

    Raises:
        ScreenFailed: there is no X server of that name, or it refuses the connection.
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
