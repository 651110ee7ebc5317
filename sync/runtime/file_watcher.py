"""Reports in the event loop that the content of a file has changed; the only user of the library watchdog.

It watches the folder, not the file: editors rename a new file over the old one, and configuration managers replace a
symbolic link. After each event it compares the content.
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
    """Calls `changed` in the event loop each time the content of `path` is different.

    A deleted file is not a change: its last content counts until there is other content.
    """

    def __init__(self, path: Path, changed: Callable[[], None], clock: Clock) -> None:
        self._path = path.absolute()
        self._changed = changed
        self._clock = clock
        self._last_hash = _content_hash(self._path)

    async def run(self) -> None:
        """Watch until cancelled; while the folder does not exist, try again every 30 s."""
        while not self._path.parent.is_dir():
            await self._clock.sleep(_MISSING_RETRY_S)
        event_seen = asyncio.Event()
        observer = Observer()
        observer.schedule(_EventHandler(asyncio.get_running_loop(), event_seen), str(self._path.parent))
        observer.start()
        try:
            await self._compare_after_events(event_seen)
        finally:
            observer.stop()
            await asyncio.to_thread(observer.join)

    async def _compare_after_events(self, event_seen: asyncio.Event) -> None:
        while True:
            self._compare()  # first: the file may have changed before the watch started
            await event_seen.wait()
            await self._clock.sleep(_DEBOUNCE_S)  # saving a file causes several events
            event_seen.clear()

    def _compare(self) -> None:
        content_hash = _content_hash(self._path)
        if content_hash is None or content_hash == self._last_hash:
            return
        self._last_hash = content_hash
        log.info("file=%s changed", self._path)
        self._changed()


class _EventHandler(FileSystemEventHandler):
    """Passes events from the watchdog thread to the event loop.

    Reading is ignored. A write counts when the file is closed, so that an incomplete file is not read.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, event_seen: asyncio.Event) -> None:
        self._loop = loop
        self._event_seen = event_seen

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Wake the loop after any event that can change the content."""
        if not isinstance(event, _NO_CHANGE):
            self._loop.call_soon_threadsafe(self._event_seen.set)


def _content_hash(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:  # missing at the moment, or not readable: nothing to compare
        return None
