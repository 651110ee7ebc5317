"""The service behind overlays: what the release wants in front now, and the one process that shows it.

The process is there only while there is something to show. It is no deck's business and no deck is its: a cut never
touches it, and its end never touches what plays.
"""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Protocol

from pydantic import ValidationError

from player.platform.child_process import kill_process
from player.platform.geometry import Area
from player.programme.due_overlays import due_overlays
from player.protocol.overlay_messages import OVERLAY_EVENT, OverlaysShown, ShowOverlays
from sync.device.store.content_store import ContentStore
from sync.errors import NotFound
from sync.runtime.clock import Backoff, Clock
from sync.runtime.waiting import wait_unless
from sync.wire.overlay import Logo, Overlay

LOOK_EVERY_S = 0.5  # at the display's size and at whether an operator wants black
SILENCE_S = 5.0  # it sends a pulse every second
_SETTLED_AFTER_S = 10.0
_LONGEST_WAIT_S = 2.0

log = logging.getLogger(__name__)


class OverlayDisplay(Protocol):
    """What is asked of the display."""

    @property
    def name(self) -> str:
        """The X server."""

    @property
    def area(self) -> Area:
        """The part of it that is used."""


class OverlayHost:
    """A service; `black` tells whether an operator wants the screen black, `tell` takes what is wrong."""

    def __init__(
        self,
        glass: OverlayDisplay,
        cache: ContentStore,
        clock: Clock,
        black: Callable[[], bool],
        tell: Callable[[str], None],
    ) -> None:
        self.shown: tuple[str, ...] = ()
        self.due: tuple[Overlay, ...] = ()
        self.pid: int | None = None
        self._glass = glass
        self._cache = cache
        self._clock = clock
        self._black = black
        self._tell = tell
        self._woken = asyncio.Event()
        self._stale = True  # the release has to be read again
        self._all: tuple[Overlay, ...] = ()
        self._lost = False

    def wake(self) -> None:
        """Look at the release again: another one may be active."""
        self._stale = True
        self._woken.set()

    async def run(self) -> None:
        """Keep in front what should be there, until cancelled."""
        backoff = Backoff(first_s=0.2, limit_s=_LONGEST_WAIT_S, rng=Random())
        while True:
            put = await self._wanted()
            if put is None:
                backoff.reset()
                await self._wait()
                continue
            began_s = self._clock.monotonic()
            reason = await self._one_life(put)
            if not reason:
                continue
            if not self._lost:
                log.warning("overlays=lost: %s; starting again", reason)
            self._lost = True
            self._tell(f"Overlays are not shown: {reason}; see the log.")
            if self._clock.monotonic() - began_s > _SETTLED_AFTER_S:
                backoff.reset()
            else:
                await self._clock.sleep(backoff.next_s())

    # ── what should be there ───────────────────────────────────────────────────────────────────────────────────────

    async def _wanted(self) -> ShowOverlays | None:
        """Return what should stand in front now; None for nothing."""
        if self._stale:
            self._stale = False
            active = await asyncio.to_thread(self._cache.active)
            self._all = active.release.overlays if active else ()
        self.due = due_overlays(self._all, self._clock.now()).overlays
        if not self.due or self._black():
            return None
        return ShowOverlays(area=self._glass.area, overlays=self.due, files=self._files(self.due))

    def _files(self, overlays: tuple[Overlay, ...]) -> dict[str, str]:
        files: dict[str, str] = {}
        for overlay in overlays:
            if isinstance(overlay, Logo):
                with suppress(NotFound):  # the process tells of a logo without a file
                    files[overlay.asset] = str(self._cache.asset_path(overlay.asset))
        return files

    async def _wait(self) -> None:
        """Wait until something may have changed."""
        now = self._clock.now()
        until = due_overlays(self._all, now).until
        wait_s = LOOK_EVERY_S if until is None else min(LOOK_EVERY_S, (until - now).total_seconds())
        await wait_unless(self._woken.wait(), self._clock.sleep(wait_s))
        self._woken.clear()

    # ── one process ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _one_life(self, put: ShowOverlays) -> str:
        """Have a process show `put` and what is wanted after it; return why it ended, empty if nothing is wanted."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "player.overlay", "--parent", str(os.getpid()),
            stdin=PIPE, stdout=PIPE, env={**os.environ, "DISPLAY": self._glass.name},
        )  # fmt: skip
        self.pid = process.pid
        try:
            return await wait_unless(self._hear(process), self._follow(process, put)) or ""
        finally:
            self.shown, self.pid = (), None
            kill_process(process)
            await asyncio.shield(process.wait())

    async def _follow(self, process: Process, put: ShowOverlays) -> None:
        """Tell the process of every change; returns when nothing is wanted any more."""
        assert process.stdin is not None
        sent: ShowOverlays | None = None
        wanted: ShowOverlays | None = put
        while wanted is not None:
            if wanted != sent:
                process.stdin.write(wanted.model_dump_json().encode() + b"\n")
                sent = wanted
            await self._wait()
            wanted = await self._wanted()
        self._tell("")

    async def _hear(self, process: Process) -> str:
        """Hear the process until it ends or falls silent; return why."""
        assert process.stdout is not None
        while True:
            try:
                async with asyncio.timeout(SILENCE_S):
                    line = await process.stdout.readline()
            except TimeoutError:
                return f"no sign of life for {SILENCE_S:.0f} s"
            if not line:
                return f"it ended with code {await process.wait()}"
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            event = OVERLAY_EVENT.validate_json(line)
        except ValidationError:
            log.error("overlays said something unreadable: %r", line[:200])
            return
        if isinstance(event, OverlaysShown):
            self.shown = event.shown
            if self._lost:
                log.info("overlays=back")
            self._lost = False
            self._tell(" ".join(event.problems))
