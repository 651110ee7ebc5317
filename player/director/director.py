"""The director: keeps something on the screen, always the right thing, and has every take written down.

One loop. Decide what comes next, stand it by (preroll, then reserve), cut to it when what is on ends, note both.
Whatever changes meanwhile (a release, settings, the clock, an order) is a nudge, after which it decides again.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from player.director.air_state import Coming, Showing, describe_now
from player.director.backoff import FailureBackoff, StreamBackoff
from player.director.idle_screen import IdleScreen
from player.director.operator_queue import OperatorQueue
from player.director.scene_loader import ReleaseSource, SceneLoader, scene_key
from player.director.take_recorder import TakeRecorder
from player.director.take_tracker import TakeTracker
from player.director.volume_control import VolumeControl
from player.evidence.ledger import Ledger
from player.programme.planner import Idle, Planned, Scene, decide, insert
from player.protocol.operator import Command, Now
from player.protocol.screen import Cut, Screen
from player.settings.model import Settings
from sync.errors import DeckLost, MediaUnplayable, ScreenFailed
from sync.runtime.clock import Clock
from sync.runtime.waiting import wait_unless
from sync.wire.report import ScreenState

_LOOK_AGAIN = timedelta(minutes=1)

log = logging.getLogger(__name__)


def _unknown() -> ScreenState:
    return ScreenState.UNKNOWN


class Director:
    """A service. `display` tells what is known of the screen's power; `seed` makes the ads of this device its own."""

    def __init__(
        self,
        screen: Screen,
        ledger: Ledger,
        content: ReleaseSource,
        clock: Clock,
        settings: Callable[[], Settings],
        seed: int,
        *,
        display: Callable[[], ScreenState] = _unknown,
    ) -> None:
        self._screen = screen
        self._ledger = ledger
        self._clock = clock
        self._recorder = TakeRecorder(ledger, seed)
        self._away = StreamBackoff(clock, seed)
        self._scenery = SceneLoader(content, clock, settings, ledger.quarantine, self._away)
        self._patience = FailureBackoff(clock)
        self._air = TakeTracker(self._recorder, self._patience, clock, display, self._away)
        self._orders = OperatorQueue()
        self._nudge = asyncio.Event()
        self._interlude = IdleScreen(screen, self._air, self._orders, self._nudge, clock)
        self._scene: Scene | None = None
        self._next: Planned | None = None  # reserved, and prerolled below
        self._coming: Coming | None = None  # for people
        self._tuning = VolumeControl(screen, self._scenery, lambda: self._air.state, clock, self._nudge.set)

    async def run(self) -> None:
        """Direct until cancelled; then what is on is written down as stopped."""
        await self._recorder.recover()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._air.run(self._rethink))
                group.create_task(self._tuning.run())
                group.create_task(self._direct())
        finally:
            self._give_up_next()
            await self._air.stop()

    def wake(self) -> None:
        """Look again: another release is active, or the settings changed. Without a difference nothing happens."""
        self._scenery.refresh()
        self._patience.reset()
        self._nudge.set()
        self._tuning.wake()

    async def command(self, command: Command) -> None:
        """Follow an operator's order.

        Raises:
            NotFound, Conflict: it cannot be followed; nothing changed.
        """
        self._orders.accept(command, self._scene, self._clock.now(), self._clock.monotonic())
        log.info("command=%s item=%s", command.do, command.item)
        self._nudge.set()

    def now(self) -> Now:
        """Return what is on the screen, why, and what comes next."""
        told = describe_now(self._air.state, self._coming, self._clock.now(), self._clock.monotonic())
        facts = {"release": self._scene.sha256, "timed": self._scene.timed} if self._scene else {}
        problems = (self._ledger.problem, self._recorder.problem, self._scenery.problem, *self._away.problems())
        return told.model_copy(update={**facts, "problems": tuple(filter(None, problems))})

    def _rethink(self) -> None:
        self._orders.revision += 1
        self._nudge.set()

    async def _direct(self) -> None:
        while True:
            self._nudge.clear()
            self._coming = None
            self._scene = await self._scenery.load()
            if self._orders.hold is not None:
                await self._interlude.hold(self._orders.hold)
                continue
            revision, following = self._orders.revision, self._decide(self._scene)
            if isinstance(following, Idle):
                await self._interlude.idle(following)
            elif self._orders.passes:
                self._recorder.skip(following)
                self._orders.passed()
            elif await self._stand_by(following, revision):
                await self._take_turn(following, revision)

    def _decide(self, scene: Scene | None) -> Planned | Idle:
        now = self._clock.now()
        if scene is None:
            return Idle(now + _LOOK_AGAIN, "there is no content yet")
        self._air.bind(scene, now)
        breath_s = self._patience.left_s()
        if breath_s > 0:
            why = f"{self._patience.misses} takes in a row could not be shown"
            return Idle(now + timedelta(seconds=breath_s), why)
        at, take = self._air.next_start(now, urgent=self._orders.urgent), uuid4().hex
        if self._orders.item is not None:
            return insert(scene, self._orders.item, self._recorder.memory, at, take, self._orders.longest_ms)
        ads = None if self._recorder.problem else self._scenery.slate(scene, at)
        following = decide(scene, ads, self._recorder.memory, at, take)
        if isinstance(following, Idle):
            back = now + timedelta(seconds=min(self._away.left_s(), _LOOK_AGAIN.total_seconds()))
            return replace(following, until=min(following.until, back))
        in_haste = self._orders.urgent or self._orders.passes
        return following if in_haste else self._air.too_early(following, now) or following

    async def _stand_by(self, planned: Planned, revision: int) -> bool:
        """Preroll, then reserve; False: decide again, for it failed, or an order wants another one, or it at once."""
        self._coming = Coming(planned, ready=False, since=self._clock.now())
        try:
            if not planned.shot.path and planned.shot.url is None:
                raise MediaUnplayable(f"asset {planned.take.asset} is not on this device")
            urgent = self._orders.urgent
            if not await wait_unless(self._prerolled(planned, urgent=urgent), self._overruled(revision, urgent=urgent)):
                return False
        except MediaUnplayable as error:
            self._air.failed(planned, str(error))
            self._pass_over(planned, error)
        except DeckLost as error:
            twice = bool(self._patience.misses % 2)
            self._patience.missed()
            self._pass_over(planned if twice else None, error)  # try it once more, then the next one
        else:
            if await self._recorder.reserve(planned):
                self._next, self._coming = planned, Coming(planned, ready=True, since=self._clock.now())
                return True
        return False

    async def _prerolled(self, planned: Planned, *, urgent: bool) -> bool:
        await self._screen.preroll(planned.shot, at_once=urgent)
        return True

    async def _overruled(self, revision: int, *, urgent: bool) -> None:
        """Return once an order asks for something else, or for it at once."""
        while (revision, urgent) == (self._orders.revision, self._orders.urgent):
            await self._nudge.wait()
            self._nudge.clear()

    def _pass_over(self, planned: Planned | None, error: ScreenFailed) -> None:
        if planned is None:
            return
        if planned.shot.url is None or isinstance(error, DeckLost):  # of a stream's absence its own lines tell
            log.warning("take=%s title=%s skipped: %s", planned.take.take, planned.take.title, error)
        self._orders.failed(planned)
        self._recorder.skip(planned)

    async def _take_turn(self, planned: Planned, revision: int) -> None:
        """Wait for the cut to what stands by, and note it; return without one when that became the wrong thing."""
        cut = None
        try:
            while cut is None and revision == self._orders.revision and await self._unchanged():
                urgent = self._orders.urgent
                cut = await wait_unless(self._cut(planned, urgent=urgent), self._changed(revision, urgent=urgent))
        except DeckLost as error:
            log.warning("take=%s title=%s lost while standing by: %s", planned.take.take, planned.take.title, error)
            self._patience.missed()
        if cut is None:
            self._give_up_next()
            return
        ordered, self._next, self._coming = self._orders.urgent, None, None
        self._orders.shown(planned)
        await self._air.take_started(planned, cut, ordered=ordered)
        self._tuning.wake()

    async def _cut(self, planned: Planned, *, urgent: bool) -> Cut:
        if urgent or not isinstance(self._air.state, Showing):
            return await self._screen.cut_now(planned.take.take)
        leaves_s = self._air.leaves_in_s(self._clock.now())
        deadline_s = None if leaves_s is None else self._clock.monotonic() + leaves_s
        return await self._screen.cut_at_end(planned.take.take, deadline_s=deadline_s)

    async def _changed(self, revision: int, *, urgent: bool) -> None:
        """Return once what was decided, or how to cut to it, no longer holds; a nudge alone changes nothing."""
        while (revision, urgent) == (self._orders.revision, self._orders.urgent) and await self._unchanged():
            await self._nudge.wait()
            self._nudge.clear()

    async def _unchanged(self) -> bool:
        scene = await self._scenery.load()
        return scene is not None and self._scene is not None and scene_key(scene) == scene_key(self._scene)

    def _give_up_next(self) -> None:
        if self._next is not None:
            self._recorder.abandon(self._next)
        self._next = None
