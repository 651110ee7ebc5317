"""Notices that a file changed on disk: the one door to watchdog, from its thread into the event loop.

It watches the folder, not the file: editors write a new file and rename it over the old one, and configuration
managers swap a symbolic link. Whatever the event, the bytes decide.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from watchdog.events import (
    DirModifiedEvent,
    FileClosedNoWriteEvent,
    FileModifiedEvent,
    FileOpenedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from sync.runtime.clock import Clock

_NO_CHANGE = (FileOpenedEvent, FileClosedNoWriteEvent, FileModifiedEvent, DirModifiedEvent)
_DEBOUNCE_S = 0.2
_MISSING_RETRY_S = 30.0

log = logging.getLogger(__name__)


class FileWatcher:
    """Calls `changed` in the event loop each time the bytes of `path` are others than before.

    A file that vanishes is not a change: what it said stays in force until it says something else.
    """

    def __init__(self, path: Path, changed: Callable[[], None], clock: Clock) -> None:
        self._path = path.absolute()
        self._changed = changed
        self._clock = clock
        self._seen = _fingerprint(self._path)

    async def run(self) -> None:
        """Watch until cancelled; a folder that is not there is looked for every 30 s."""
        while not self._path.parent.is_dir():
            await self._clock.sleep(_MISSING_RETRY_S)
        touched = asyncio.Event()
        observer = Observer()
        observer.schedule(_EventHandler(asyncio.get_running_loop(), touched), str(self._path.parent))
        observer.start()
        try:
            await self._compare_after_events(touched)
        finally:
            observer.stop()
            await asyncio.to_thread(observer.join)

    async def _compare_after_events(self, touched: asyncio.Event) -> None:
        while True:
            self._compare()  # first: the file may have changed before the watch stood
            await touched.wait()
            await self._clock.sleep(_DEBOUNCE_S)  # one save is several events
            touched.clear()

    def _compare(self) -> None:
        found = _fingerprint(self._path)
        if found is None or found == self._seen:
            return
        self._seen = found
        log.info("file=%s changed", self._path)
        self._changed()


class _EventHandler(FileSystemEventHandler):
    """Carries events from the watchdog thread into the loop.

    Reading is no event, and a write counts when the file is closed: half a file would be taken for a whole one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, touched: asyncio.Event) -> None:
        self._loop = loop
        self._touched = touched

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Wake the loop for anything that can have changed bytes."""
        if not isinstance(event, _NO_CHANGE):
            self._loop.call_soon_threadsafe(self._touched.set)


def _fingerprint(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:  # gone for the moment, or not ours to read: nothing to compare
        return None
