"""What operators asked for and is not done yet: a hold, or where to go from what is on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from player.programme.planner import Planned, Scene
from player.protocol.operator import HOLD_MS, Command
from sync.errors import Conflict, NotFound
from sync.wire.release import Item

_HISTORY = 50


@dataclass(frozen=True, slots=True)
class ScreenHold:
    """The programme is held until `until_s` (monotonic): the fallback or black shows."""

    kind: Literal["fallback", "blank"]
    why: str
    until: datetime
    until_s: float


class OperatorQueue:
    """At most one hold, and either one `item` to show at once or a number of steps to go on; each press counts.

    `revision` grows with each order that makes the take standing by, or being prerolled, the wrong one.
    """

    def __init__(self) -> None:
        self.hold: ScreenHold | None = None
        self.item: Item | None = None
        self.longest_ms = HOLD_MS  # of an item that has no end of its own
        self.revision = 0
        self._steps = 0  # from what is on: forwards, or back to `item`
        self._history: list[str] = []  # items that were on, the latest last
        self._item_is_on = False  # what is on is the last of these; else an ad, or nothing

    @property
    def urgent(self) -> bool:
        """Whether what is on has to go now."""
        return self._steps > 0 or self.item is not None

    @property
    def passes(self) -> int:
        """How many takes are to be passed over before the next one that is shown."""
        return max(0, self._steps - 1)

    def accept(self, command: Command, scene: Scene | None, now: datetime, now_s: float) -> None:
        """Accept an order.

        Raises:
            NotFound: no playlist of the release has the item.
            Conflict: there is nothing before, or the screen is held.
        """
        before = self.hold, self.item, self.passes
        self.longest_ms = command.for_ms
        match command.do:
            case "stop" | "blank":
                self._hold_for(command, now, now_s)
            case "play" if command.item is None:
                self.hold = None
            case "play":
                self._show(_item(scene, command.item or ""), 0)
            case "previous":
                self._step(self._steps - 1, scene)
            case _:
                if self.hold is not None:
                    raise Conflict(f"{self.hold.why}; send `play` first")
                self._step(self._steps + 1, scene)
        self.revision += (self.hold, self.item, self.passes) != before

    def _hold_for(self, command: Command, now: datetime, now_s: float) -> None:
        length = timedelta(milliseconds=command.for_ms)
        self.drop()
        if command.do == "blank":
            why = "blanked by an operator"
            self.hold = ScreenHold("blank", why, now + length, now_s + length.total_seconds())
        else:
            why = "stopped by an operator"
            self.hold = ScreenHold("fallback", why, now + length, now_s + length.total_seconds())

    def _step(self, steps: int, scene: Scene | None) -> None:
        self._show(_item(scene, self._before(-steps)) if steps < 0 else None, steps)

    def _show(self, item: Item | None, steps: int) -> None:
        self.hold = None
        self.item = item
        self._steps = steps

    def _before(self, steps: int) -> str:
        back = steps + self._item_is_on
        if back > len(self._history):
            raise Conflict("nothing was on before this")
        return self._history[-back]

    def passed(self) -> None:
        """Note that a take was passed over."""
        self._steps -= 1

    def shown(self, planned: Planned) -> None:
        """Note that a take came on: what it was ordered for is done."""
        item = planned.take.item
        if self.item is None:
            self._steps = max(0, self._steps - 1)
        elif self.item.id == item:
            if self._steps < 0:
                self._go_back(self.item.id)
            self.drop()
        self._item_is_on = item is not None
        if item is not None:
            self._history = [*self._history, item][-_HISTORY:]

    def _go_back(self, item: str) -> None:
        """Forget an item and what was on after it: it comes on again."""
        while self._history and self._history.pop() != item:
            continue

    def failed(self, planned: Planned) -> None:
        """Note that a take could not be shown; if it was asked for, the programme goes on without."""
        if self.item is not None and self.item.id == planned.take.item:
            self.drop()

    def drop(self) -> None:
        """Give up the item or the steps that were asked for."""
        self.item = None
        self._steps = 0

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
