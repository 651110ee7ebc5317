"""What pages are told: what changed, by topic, and the state of the screens that they have in view.

A page that says which screens it has in view (`watch`) is told of those alone when their state changes, and how many
others there are. One that says nothing (a script, a console from before) hears of every heartbeat, as far as there are
few. Who has roles in spaces only hears of what is seen there.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from sync.errors import StorageBroken, TooLarge
from sync.origin.live.frames import hint_frame
from sync.origin.live.listeners import Listener, Listeners
from sync.origin.live.screens import Screens
from sync.origin.store.spaces.seeing_spaces import SeeingSpaces, Told
from sync.roles import Rights, Role
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

log = logging.getLogger(__name__)


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

    def __init__(self, listeners: Listeners, screens: Screens, seeing: SeeingSpaces, clock: Clock) -> None:
        self._listeners = listeners
        self._screens = screens
        self._seeing = seeing
        self._clock = clock
        self._for_all = GatheredHints()
        self._for_others = GatheredHints()  # pages that watch nothing
        self._views: dict[Listener, frozenset[str]] = {}
        self._watchers: dict[str, set[Listener]] = {}
        self._counts: dict[Listener, bytes] = {}  # what each page was told last

    @property
    def watching(self) -> frozenset[Rights]:
        """The rights of the pages that watch screens, and want counts of the others."""
        return frozenset(page.caller.rights for page in self._views)

    def changed(self, topic: str, id: str) -> None:
        """Have all pages told that something of `topic` changed."""
        if self._listeners.pages:
            self._for_all.add(topic, id)

    async def watch(self, page: Listener, message: Mapping[str, Any]) -> None:
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
        seen = await self._seen([page], {("devices", device) for device in new})
        told = (self._screens.told(device) for device in sorted(new) if seen(page, "devices", device))
        self._tell_screens(page, told)

    def leave(self, page: Listener) -> None:
        """Forget what a page watches."""
        for device in self._views.pop(page, ()):
            self._watchers[device].discard(page)
            if not self._watchers[device]:
                del self._watchers[device]

    def tell_counts(self, counts: Mapping[Rights, Mapping[str, Any]]) -> None:
        """Tell pages that watch screens how many there are that their rights show, if that is not what they know."""
        frames = {rights: hint_frame({"topic": "counts", **those}) for rights, those in counts.items()}
        told = {page: frames[page.caller.rights] for page in self._views if page.caller.rights in frames}
        for page, frame in told.items():
            if self._counts.get(page) != frame:
                page.send(frame)
        self._counts = told

    async def tell_seen(self, topic: str, id: str, frame: bytes) -> None:
        """Send a frame about a thing to all pages that may know of it."""
        pages = tuple(self._listeners.pages)
        seen = await self._seen(pages, {(topic, id)})
        for page in pages:
            if seen(page, topic, id):
                page.send(frame)

    async def run(self) -> None:
        """Tell what has gathered, until cancelled."""
        while True:
            await self._clock.sleep(TELL_S)
            changes = self._screens.take_changes()
            if not self._listeners.pages:
                self._for_all.clear()
                continue
            await self._tell(changes, self._clock.monotonic())

    async def _tell(self, changes: Mapping[str, bool], now_s: float) -> None:
        pages, hints = tuple(self._listeners.pages), self._for_all.take(now_s)
        others = [page for page in pages if page not in self._views]
        for device, is_reported in changes.items():
            if others and is_reported:
                self._for_others.add("devices", device)
        reported = self._for_others.take(now_s)
        named = {(hint["topic"], hint["id"]) for hint in (*hints, *reported) if "id" in hint}
        seen = await self._seen(pages, named | {("devices", device) for device in changes if device in self._watchers})
        _send(pages, hints, seen)
        self._tell_watchers(changes, seen)
        _send(others, reported, seen)

    def _tell_watchers(self, changes: Mapping[str, bool], seen: "Seen") -> None:
        told: dict[Listener, list[dict[str, Any] | None]] = {}
        for device, is_reported in changes.items():
            for page in self._watchers.get(device, ()):
                if seen(page, "devices", device):
                    told.setdefault(page, []).append(self._screens.told(device, reported=is_reported))
        for page, screens in told.items():
            self._tell_screens(page, screens)

    async def _seen(self, pages: Iterable[Listener], things: Collection[Told]) -> "Seen":
        """Return which of these things which of these pages may know of."""
        if not things or all(_sees_everything(page) for page in pages):
            return Seen({})
        try:
            return Seen(await self._seeing.of(things))
        except StorageBroken as error:  # a hint that is lost does no harm
            log.debug("who has roles in spaces is not told what changed: %s", error)
            return Seen(dict.fromkeys(things, frozenset()))

    def _tell_screens(self, page: Listener, screens: Iterable[dict[str, Any] | None]) -> None:
        known = [screen for screen in screens if screen is not None]
        if known:
            page.send(hint_frame({"topic": "screens", "screens": known}))


class Seen:
    """Which pages may know of a thing, by the spaces in which it is seen; of one that is gone there is no space."""

    def __init__(self, spaces: Mapping[Told, frozenset[str]]) -> None:
        self._spaces = spaces

    def __call__(self, page: Listener, topic: str, id: str) -> bool:
        """Return whether a page may know of a thing."""
        rights = page.caller.rights
        return _sees_everything(page) or any(
            rights.allow(Role.VIEWER, space) for space in self._spaces.get((topic, id), ())
        )

    def is_gone(self, topic: str, id: str) -> bool:
        """Return whether a thing is not there (any more)."""
        return (topic, id) not in self._spaces


def _sees_everything(page: Listener) -> bool:
    return page.caller.rights.allow(Role.VIEWER)


def _send(pages: Iterable[Listener], hints: Iterable[Mapping[str, str]], seen: Seen) -> None:
    """Tell pages what changed; to who does not see everything, what is gone is told without its id."""
    for hint in hints:
        topic, id = hint["topic"], hint.get("id")
        frame, nameless = hint_frame(hint), hint_frame({"topic": topic})
        for page in pages:
            if id is None or seen(page, topic, id):
                page.send(frame)
            elif seen.is_gone(topic, id):
                page.send(nameless)
