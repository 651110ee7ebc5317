"""What operators asked for and is not done yet."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from player.command import Command
from player.lineup import Planned, Scene
from sync import Conflict, NotFound
from sync.release import Item

_HISTORY = 50


@dataclass(frozen=True, slots=True)
class Hold:
    """The programme is held until `until_s` (monotonic): the fallback or black shows."""

    kind: Literal["fallback", "blank"]
    why: str
    until: datetime
    until_s: float


class Orders:
    """At most one hold, one item to show at once, and whether what is on has to go now (`urgent`).

    `revision` grows with each order that makes the take standing by the wrong one.
    """

    def __init__(self) -> None:
        self.hold: Hold | None = None
        self.item: Item | None = None
        self.urgent = False
        self.revision = 0
        self._history: deque[str] = deque(maxlen=_HISTORY)

    def take(self, command: Command, scene: Scene | None, now: datetime, now_s: float) -> None:
        """Accept an order.

        Raises:
            NotFound: no playlist of the release has the item.
            Conflict: there is nothing before, or the screen is held.
        """
        match command.do:
            case "stop" | "blank":
                self._hold_for(command, now, now_s)
            case "play" if command.item is None:
                self.hold = None
            case "play":
                self._show(_item(scene, command.item or ""))
            case "previous":
                self._show(_item(scene, self._before()))
                for _ in range(2):
                    self._history.pop()  # what it was comes back when it is on again
            case _:
                if self.hold is not None:
                    raise Conflict(f"{self.hold.why}; send `play` first")
        self.revision += command.do != "skip"
        self.urgent = command.do in ("skip", "previous") or self.item is not None

    def _hold_for(self, command: Command, now: datetime, now_s: float) -> None:
        length = timedelta(milliseconds=command.for_ms)
        self.item = None
        if command.do == "blank":
            why = "blanked by an operator"
            self.hold = Hold("blank", why, now + length, now_s + length.total_seconds())
        else:
            why = "stopped by an operator"
            self.hold = Hold("fallback", why, now + length, now_s + length.total_seconds())

    def _show(self, item: Item) -> None:
        self.hold = None
        self.item = item

    def _before(self) -> str:
        if len(self._history) < 2:
            raise Conflict("nothing was on before this")
        return self._history[-2]

    def shown(self, planned: Planned) -> None:
        """Note that a take came on: what it was ordered for is done."""
        item = planned.take.item
        if item is not None:
            self._history.append(item)
        if self.item is None or self.item.id == item:
            self.drop()

    def failed(self, planned: Planned) -> None:
        """Note that a take could not be shown; if it was asked for, the programme goes on without."""
        if self.item is not None and self.item.id == planned.take.item:
            self.drop()

    def drop(self) -> None:
        """Give up the item that was asked for."""
        self.item = None
        self.urgent = False

    def expire(self, now_s: float) -> None:
        """End a hold whose time is over."""
        if self.hold is not None and self.hold.until_s <= now_s:
            self.hold = None


def _item(scene: Scene | None, wanted: str) -> Item:
    playlists = scene.release.playlists if scene else ()
    for item in (item for playlist in playlists for item in playlist.items):
        if item.id == wanted:
            return item
    raise NotFound(f"no playlist of the release on this screen has an item {wanted}")
