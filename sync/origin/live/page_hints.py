"""What pages are told: what changed, by topic, and the state of the screens that they have in view.

A page that says which screens it has in view (`watch`) is told of those alone when their state changes, and how many
others there are. One that says nothing (a script, a console from before) hears of every heartbeat, as far as there are
few.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from sync.errors import TooLarge
from sync.origin.live.frames import hint_frame
from sync.origin.live.listeners import Listener, Listeners
from sync.origin.live.screens import Screens
from sync.runtime.clock import Clock
from sync.wire.input.input_messages import rejected
from sync.wire.value_types import Identifier, Wire

TELL_S = 0.25
"""How long what changes gathers before it is told."""

FEW = 8
"""So many of one topic are told by their ids; of more only that there are some."""

AGAIN_S = 5.0
"""After more than `FEW` so much time passes before the same topic is told again."""

MOST_IN_VIEW = 100


class GatheredHints:
    """Hints that gather until they are told, as values of time."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[str, None]] = {}  # by topic; at most one more than `FEW`
        self._not_before_s: dict[str, float] = {}

    def add(self, topic: str, id: str) -> None:
        """Gather one."""
        ids = self._ids.setdefault(topic, {})
        if len(ids) <= FEW:
            ids[id] = None

    def clear(self) -> None:
        """Drop what has gathered: nobody listens."""
        self._ids.clear()

    def take(self, now_s: float) -> list[dict[str, str]]:
        """Return the hints to tell now. One without an id stands for many, of which each may have changed."""
        due = [topic for topic in self._ids if self._not_before_s.get(topic, now_s) <= now_s]
        hints = list[dict[str, str]]()
        for topic in due:
            ids = self._ids.pop(topic)
            if len(ids) > FEW:
                hints.append({"topic": topic})
                self._not_before_s[topic] = now_s + AGAIN_S
            else:
                hints += [{"topic": topic, "id": id} for id in ids]
        return hints


class Watch(Wire):
    """What a page says: these screens are in view from now on, and no others."""

    screens: tuple[Identifier, ...]


class PageHints:
    """Gathers what pages are told; a service tells it."""

    def __init__(self, listeners: Listeners, screens: Screens, clock: Clock) -> None:
        self._listeners = listeners
        self._screens = screens
        self._clock = clock
        self._for_all = GatheredHints()
        self._for_others = GatheredHints()  # pages that watch nothing
        self._views: dict[Listener, frozenset[str]] = {}
        self._watchers: dict[str, set[Listener]] = {}
        self._counts: dict[Listener, bytes] = {}  # what each page was told last

    @property
    def is_watched(self) -> bool:
        """Whether a page is there that watches screens, and wants counts of the others."""
        return bool(self._views)

    def changed(self, topic: str, id: str) -> None:
        """Have all pages told that something of `topic` changed."""
        if self._listeners.pages:
            self._for_all.add(topic, id)

    def watch(self, page: Listener, message: Mapping[str, Any]) -> None:
        """Take a `Watch`, and tell the page what is known of its screens.

        Raises:
            Rejected: it is none.
            TooLarge: it names more than `MOST_IN_VIEW`; what the page watched before stays.
        """
        try:
            wanted = frozenset(Watch.model_validate(message).screens)
        except ValidationError as error:
            raise rejected(error, Watch) from error
        if len(wanted) > MOST_IN_VIEW:
            raise TooLarge(f"{len(wanted)} screens are too many: name those in view, {MOST_IN_VIEW} at most")
        new = wanted - self._views.get(page, frozenset())
        self.leave(page)
        self._views[page] = wanted
        for device in wanted:
            self._watchers.setdefault(device, set()).add(page)
        self._tell_screens(page, (self._screens.told(device) for device in sorted(new)))

    def leave(self, page: Listener) -> None:
        """Forget what a page watches."""
        for device in self._views.pop(page, ()):
            self._watchers[device].discard(page)
            if not self._watchers[device]:
                del self._watchers[device]

    def tell_counts(self, counts: Mapping[str, Any]) -> None:
        """Tell pages that watch screens how many there are in all, if that is not what they know."""
        frame = hint_frame({"topic": "counts", **counts})
        for page in self._views:
            if self._counts.get(page) != frame:
                page.send(frame)
        self._counts = dict.fromkeys(self._views, frame)

    async def run(self) -> None:
        """Tell what has gathered, until cancelled."""
        while True:
            await self._clock.sleep(TELL_S)
            changes = self._screens.take_changes()
            if not self._listeners.pages:
                self._for_all.clear()
                continue
            now_s = self._clock.monotonic()
            _send(self._listeners.pages, self._for_all.take(now_s))
            self._tell_watchers(changes)
            others = [page for page in self._listeners.pages if page not in self._views]
            for device, is_reported in changes.items():
                if others and is_reported:
                    self._for_others.add("devices", device)
            _send(others, self._for_others.take(now_s))

    def _tell_watchers(self, changes: Mapping[str, bool]) -> None:
        told: dict[Listener, list[dict[str, Any] | None]] = {}
        for device, is_reported in changes.items():
            for page in self._watchers.get(device, ()):
                told.setdefault(page, []).append(self._screens.told(device, reported=is_reported))
        for page, screens in told.items():
            self._tell_screens(page, screens)

    def _tell_screens(self, page: Listener, screens: Iterable[dict[str, Any] | None]) -> None:
        known = [screen for screen in screens if screen is not None]
        if known:
            page.send(hint_frame({"topic": "screens", "screens": known}))


def _send(pages: Iterable[Listener], hints: Iterable[Mapping[str, Any]]) -> None:
    frames = [hint_frame(hint) for hint in hints]
    for page in pages:
        for frame in frames:
            page.send(frame)
