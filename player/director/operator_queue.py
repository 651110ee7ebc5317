"""The operator's order that is not done yet: to stop or blank the screen, to show an item, or to step over takes.

An order that cannot be carried out is refused by an exception and never enters the queue. At most one is in it: the
next one takes its place, or adds a step to it.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from player.protocol.operator_command import HOLD_MS, Command
from sync.errors import Conflict, NotFound
from sync.programme.next_take import Planned, Scene
from sync.runtime.state_table import StateTable
from sync.wire.release import Item

_HISTORY = 50

log = logging.getLogger(__name__)


class OrderState(StrEnum):
    """The state of an order."""

    QUEUED = "queued"  # accepted; the screen does not show it yet
    IN_EFFECT = "in effect"  # a stop or blank: the screen is held
    DONE = "done"  # what was ordered came on the screen, or what was on ended before it could
    FAILED = "failed"  # the item cannot be shown; the programme goes on
    REPLACED = "replaced"  # the operator ordered something else, or took it back
    EXPIRED = "expired"  # the time of a stop or blank is over


ORDER_STATES = StateTable(
    "order",
    OrderState.QUEUED,
    {
        OrderState.QUEUED: {
            OrderState.IN_EFFECT: "the screen is held",
            OrderState.DONE: "its take is on, or nothing is on any more",
            OrderState.FAILED: "the item cannot be shown",
            OrderState.REPLACED: "another order",
            OrderState.EXPIRED: "time is over before the screen is held",
        },
        OrderState.IN_EFFECT: {
            OrderState.EXPIRED: "time is over",
            OrderState.REPLACED: "another order",
        },
        OrderState.DONE: {},
        OrderState.FAILED: {},
        OrderState.REPLACED: {},
        OrderState.EXPIRED: {},
    },
)


@dataclass(frozen=True, slots=True)
class ScreenHold:
    """Keep the programme off the screen until `until_s` (monotonic): the fallback or black shows."""

    kind: Literal["fallback", "blank"]
    why: str
    until: datetime
    until_s: float


@dataclass(frozen=True, slots=True)
class TakeRequest:
    """End what is on, and show `item`, or the take that is `steps` ahead.

    `steps` below 0: `item` was on so many steps ago. An item with no end of its own ends after `longest_ms`.
    """

    steps: int = 0
    item: Item | None = None
    longest_ms: int = HOLD_MS


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator asked for, and its state."""

    request: ScreenHold | TakeRequest
    state: OrderState = ORDER_STATES.start


class OperatorQueue:
    """Holds the order, and the history that a step back needs.

    `revision` grows with each order that makes the next take, loaded or being loaded, the wrong one.
    """

    def __init__(self) -> None:
        self.order: Order | None = None
        self.revision = 0
        self._history: list[str] = []  # items that were on, the latest last
        self._item_is_on = False  # what is on is the last of these; else an ad, or nothing

    @property
    def hold(self) -> ScreenHold | None:
        """The stop or blank that holds the screen, or is about to."""
        return self.order.request if self.order and isinstance(self.order.request, ScreenHold) else None

    @property
    def request(self) -> TakeRequest:
        """The take to show at once; its default values if no such order is queued."""
        return self.order.request if self.order and isinstance(self.order.request, TakeRequest) else TakeRequest()

    @property
    def urgent(self) -> bool:
        """Whether what is on has to go now."""
        return self.request.steps > 0 or self.request.item is not None

    @property
    def passes(self) -> int:
        """How many takes are to be passed over before the next one that is shown."""
        return max(0, self.request.steps - 1)

    def accept(self, command: Command, scene: Scene | None, now: datetime, now_s: float) -> None:
        """Accept an order; each press counts.

        Raises:
            NotFound: no playlist of the release has the item.
            Conflict: nothing was on before, or the screen is held.
        """
        before = self.hold, self.request.item, self.passes
        match command.do:
            case "stop" | "blank":
                self._replace(_hold(command, now, now_s))
            case "play" if command.item is None:
                if self.hold is not None:
                    self._replace(None)
            case "play":
                self._replace(TakeRequest(0, _item(scene, command.item or ""), command.for_ms))
            case "previous":
                self._step(self.request.steps - 1, scene, command.for_ms)
            case _:
                if self.hold is not None:
                    raise Conflict(f"{self.hold.why}; send `play` first")
                self._step(self.request.steps + 1, scene)
        self.revision += (self.hold, self.request.item, self.passes) != before

    def in_effect(self, hold: ScreenHold) -> None:
        """Record that the screen is held; nothing happens if another order has come since."""
        if self.order == Order(hold):
            self._move(OrderState.IN_EFFECT)

    def passed(self) -> None:
        """Record that a take was passed over."""
        self._step(self.request.steps - 1, None)

    def shown(self, planned: Planned) -> None:
        """Record that a take came on: what it was ordered for is done."""
        item, wanted = planned.take.item, self.request
        if wanted.steps > 1:
            self._step(wanted.steps - 1, None)
        elif wanted.steps == 1:
            self._move(OrderState.DONE)
        elif wanted.item is not None and wanted.item.id == item:
            if wanted.steps < 0:
                self._forget_since(wanted.item.id)
            self._move(OrderState.DONE)
        self._item_is_on = item is not None
        if item is not None:
            self._history = [*self._history, item][-_HISTORY:]

    def failed(self, item: str | None) -> None:
        """Record that an item cannot be shown; if an operator asked for it, the programme goes on without it."""
        if self.request.item is not None and self.request.item.id == item:
            self._move(OrderState.FAILED)

    def ended(self, order: Order | None) -> None:
        """Record that what was on has ended and nothing follows `order`: it has nothing to end any more."""
        if self.urgent and self.order is order:
            self._move(OrderState.DONE)

    def nothing_follows(self) -> None:
        """Record that nothing is on and nothing follows: steps forwards would pass over what comes hours later."""
        if self.request.steps > 0:
            self._move(OrderState.DONE)

    def expire(self, now_s: float) -> None:
        """End a stop or blank whose time is over."""
        if self.hold is not None and self.hold.until_s <= now_s:
            self._move(OrderState.EXPIRED)

    def _step(self, steps: int, scene: Scene | None, longest_ms: int = HOLD_MS) -> None:
        """Change the ordered steps; the order stays the same one while it goes forwards."""
        if steps <= 0:
            self._replace(TakeRequest(steps, _item(scene, self._before(-steps)), longest_ms) if steps else None)
        elif self.order is not None and self.request.steps > 0:
            self.order = replace(self.order, request=TakeRequest(steps))
        else:
            self._replace(TakeRequest(steps))

    def _replace(self, request: ScreenHold | TakeRequest | None) -> None:
        if self.order is not None:
            self._move(OrderState.REPLACED)
        self.order = None if request is None else Order(request)

    def _move(self, after: OrderState) -> None:
        if self.order is None:
            return
        order = replace(self.order, state=ORDER_STATES.move(self.order.state, after))
        kind = order.request.kind if isinstance(order.request, ScreenHold) else "show"
        log.info("order=%s state=%s", kind, after.value)
        self.order = None if ORDER_STATES.is_end(after) else order

    def _before(self, steps: int) -> str:
        back = steps + self._item_is_on
        if back > len(self._history):
            raise Conflict("nothing was on before this")
        return self._history[-back]

    def _forget_since(self, item: str) -> None:
        """Remove an item and what was on after it from the history: it comes on again."""
        while self._history and self._history.pop() != item:
            continue


def _hold(command: Command, now: datetime, now_s: float) -> ScreenHold:
    length_s = command.for_ms / 1000
    until, until_s = now + timedelta(seconds=length_s), now_s + length_s
    if command.do == "blank":
        return ScreenHold("blank", "blanked by an operator", until, until_s)
    return ScreenHold("fallback", "stopped by an operator", until, until_s)


def _item(scene: Scene | None, wanted: str) -> Item:
    playlists = scene.release.playlists if scene else ()
    for item in (item for playlist in playlists for item in playlist.items):
        if item.id == wanted:
            return item
    raise NotFound(f"no playlist of the release on this screen has an item {wanted}")
