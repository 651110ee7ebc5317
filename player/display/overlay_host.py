"""The service for overlays: which ones the release wants now, and the process that shows them.

The process runs only while there is something to show. It is independent of the decks: a cut does not change it, and
its end does not change what plays.
"""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Protocol

from pydantic import ValidationError

from player.platform.child_process import kill_process, start_child
from player.platform.code_version import CODE, OTHER_CODE
from player.platform.geometry import Area
from player.programme.due_overlays import due_overlays
from player.protocol.overlay_messages import OVERLAY_EVENT, OverlaysShown, ShowOverlays
from sync.device.store.content_store import ContentStore
from sync.errors import NotFound
from sync.runtime.clock import Backoff, Clock
from sync.runtime.os_messages import os_reason
from sync.runtime.waiting import wait_unless
from sync.wire.overlay import Logo, Overlay

CHECK_EVERY_S = 0.5  # of the display's size, and of whether an operator blanked the screen
SILENCE_S = 5.0  # it sends a pulse every second
_STABLE_AFTER_S = 10.0
_LONGEST_WAIT_S = 2.0

log = logging.getLogger(__name__)


class OverlayDisplay(Protocol):
    """What `OverlayHost` needs of the display."""

    @property
    def name(self) -> str:
        """The X server."""

    @property
    def area(self) -> Area:
        """The part of it that the stage fills."""


class OverlayHost:
    """A service. `is_blank`: whether an operator blanked the screen; `report_problem` gets each problem, or ""."""

    def __init__(
        self,
        display: OverlayDisplay,
        cache: ContentStore,
        clock: Clock,
        is_blank: Callable[[], bool],
        report_problem: Callable[[str], None],
    ) -> None:
        self.shown: tuple[str, ...] = ()
        self.due: tuple[Overlay, ...] = ()
        self.pid: int | None = None
        self._display = display
        self._cache = cache
        self._clock = clock
        self._is_blank = is_blank
        self._report_problem = report_problem
        self._woken = asyncio.Event()
        self._release_changed = True
        self._overlays: tuple[Overlay, ...] = ()
        self._lost = False

    def wake(self) -> None:
        """Read the release again: another one may be active."""
        self._release_changed = True
        self._woken.set()

    async def run(self) -> None:
        """Show what is due, until cancelled."""
        backoff = Backoff(first_s=0.2, limit_s=_LONGEST_WAIT_S, rng=Random())
        while True:
            wanted = await self._wanted_overlays()
            if wanted is None:
                self._report_problem("")
                backoff.reset()
                await self._wait()
                continue
            began_s = self._clock.monotonic()
            reason = await self._run_process(wanted)
            if not reason:
                continue
            if not self._lost:
                log.warning("overlays=lost: %s; starting another process", reason)
            self._lost = True
            self._report_problem(f"Overlays are not shown: {reason}; see the log.")
            if self._clock.monotonic() - began_s > _STABLE_AFTER_S:
                backoff.reset()
            else:
                await self._clock.sleep(backoff.next_s())

    async def _wanted_overlays(self) -> ShowOverlays | None:
        """Return what to show now; None for nothing."""
        if self._release_changed:
            self._release_changed = False
            active = await asyncio.to_thread(self._cache.active)
            self._overlays = active.release.overlays if active else ()
        self.due = due_overlays(self._overlays, self._clock.now()).overlays
        if not self.due or self._is_blank():
            return None
        return ShowOverlays(area=self._display.area, overlays=self.due, files=self._files(self.due))

    def _files(self, overlays: tuple[Overlay, ...]) -> dict[str, str]:
        files: dict[str, str] = {}
        for overlay in overlays:
            if isinstance(overlay, Logo):
                with suppress(NotFound):  # the process reports a logo without a file
                    files[overlay.asset] = str(self._cache.asset_path(overlay.asset))
        return files

    async def _wait(self) -> None:
        """Wait until what is due may have changed."""
        now = self._clock.now()
        until = due_overlays(self._overlays, now).until
        wait_s = CHECK_EVERY_S if until is None else min(CHECK_EVERY_S, (until - now).total_seconds())
        await wait_unless(self._woken.wait(), self._clock.sleep(wait_s))
        self._woken.clear()

    async def _run_process(self, wanted: ShowOverlays) -> str:
        """Have a process show `wanted` and what is wanted later; return why it ended, empty if nothing is wanted."""
        command = sys.executable, "-m", "player.overlay", "--parent", str(os.getpid())
        try:
            process = await start_child(self._display.name, *command, "--state-dir", str(self._cache.store.parent))
        except OSError as error:
            return f"their process cannot be run: {os_reason(error)}"
        self.pid = process.pid
        try:
            return await wait_unless(self._read_events(process), self._send_changes(process, wanted)) or ""
        finally:
            self.shown, self.pid = (), None
            kill_process(process)
            await asyncio.shield(process.wait())

    async def _send_changes(self, process: Process, wanted: ShowOverlays | None) -> None:
        """Send the process every change; return when nothing is wanted any more."""
        assert process.stdin is not None
        sent: ShowOverlays | None = None
        while wanted is not None:
            if wanted != sent:
                process.stdin.write(wanted.model_dump_json().encode() + b"\n")
                sent = wanted
            await self._wait()
            wanted = await self._wanted_overlays()
        self._report_problem("")

    async def _read_events(self, process: Process) -> str:
        """Read events until the process ends or is silent; return which."""
        assert process.stdout is not None
        while True:
            try:
                async with asyncio.timeout(SILENCE_S):
                    line = await process.stdout.readline()
            except TimeoutError:
                return f"no sign of life for {SILENCE_S:.0f} s"
            if not line:
                return f"it ended with code {await process.wait()}"
            if why := self._receive(line):
                return why

    def _receive(self, line: bytes) -> str:
        """Note what an event tells; return why the process may not go on, empty if it may."""
        try:
            event = OVERLAY_EVENT.validate_json(line)
        except ValidationError:
            log.error("overlays sent an unreadable line: %r", line[:200])
            return ""
        if isinstance(event, OverlaysShown):
            if event.code != CODE:
                return OTHER_CODE
            self.shown = event.shown
            if self._lost:
                log.info("overlays=shown again")
            self._lost = False
            self._report_problem(" ".join(event.problems))
        return ""
