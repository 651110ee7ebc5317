"""The director: keeps the right thing on the screen at all times, and has every take recorded.

One loop: decide what comes next, load and reserve it, cut to it when what is on ends, record both. Whatever changes
meanwhile (a release, settings, the clock, an order) sets one event, and the loop decides again.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from player.director.air_state import NextTake, Showing, describe_next, describe_now
from player.director.backoff import FailureBackoff, StreamBackoff
from player.director.idle_screen import IdleScreen
from player.director.operator_queue import OperatorQueue
from player.director.scene_loader import ReleaseSource, SceneLoader, scene_key
from player.director.take_recorder import TakeRecorder
from player.director.take_tracker import TakeTracker
from player.director.volume_control import VolumeControl
from player.evidence.ledger import Ledger
from player.evidence.take_states import TakeState
from player.programme.planned_shots import DeviceScene, PlannedShot, with_shot
from player.programme.proof_of_play import ScreenCondition
from player.protocol.now_playing import Now
from player.protocol.operator_command import Command
from player.protocol.problems import ProblemCode, problem_fields, problems_of
from player.protocol.stage_interface import Cut, Screen
from player.settings.model import Settings
from sync.errors import DeckLost, DeckMissing, MediaUnplayable, ScreenFailed
from sync.programme.next_take import Idle, plan_item, plan_next
from sync.runtime.clock import Clock
from sync.runtime.waiting import wait_unless

_DECIDE_AGAIN = timedelta(minutes=1)

log = logging.getLogger(__name__)


def _unknown(_since_s: float) -> ScreenCondition:
    return ScreenCondition()


class Director:
    """A service. `display` returns how the screen was since an instant. With `seed` each device has its own ads."""

    def __init__(
        self,
        screen: Screen,
        ledger: Ledger,
        content: ReleaseSource,
        clock: Clock,
        settings: Callable[[], Settings],
        seed: int,
        *,
        display: Callable[[float], ScreenCondition] = _unknown,
        budget_spent: Callable[[], bool] = lambda: False,
    ) -> None:
        self._screen = screen
        self._ledger = ledger
        self._clock = clock
        self._recorder = TakeRecorder(ledger, seed)
        self._streams = StreamBackoff(clock, seed)
        self._scenes = SceneLoader(content, clock, settings, ledger.quarantine, self._streams, budget_spent)
        self._failures = FailureBackoff(clock)
        self._air_changed = asyncio.Event()
        self._tracker = TakeTracker(
            screen.so_far,
            self._recorder,
            self._failures,
            clock,
            display,
            self._streams,
            content.suspect,
            self._air_changed.set,
        )
        self._queue = OperatorQueue()
        self._changed = asyncio.Event()
        self._idle_screen = IdleScreen(screen, self._tracker, self._queue, self._changed, clock)
        self._scene: DeviceScene | None = None
        self._next: NextTake | None = None
        self._volume = VolumeControl(screen, self._scenes, lambda: self._tracker.state, clock, self._changed.set)

    async def run(self) -> None:
        """Direct until cancelled; then what is on is taken off the screen, and recorded as stopped."""
        await self._recorder.recover()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._tracker.run(self._decide_again))
                group.create_task(self._volume.run())
                group.create_task(self._direct())
        finally:
            self._cancel_next()
            await self._tracker.stop(self._screen.clear)

    def wake(self) -> None:
        """Read release and settings again: they may have changed. Without a difference nothing happens."""
        self._scenes.refresh()
        self._failures.reset()
        self._changed.set()
        self._volume.wake()

    async def command(self, command: Command) -> None:
        """Carry out an operator's order.

        Raises:
            NotFound, Conflict: it cannot be carried out; nothing changed.
        """
        self._queue.accept(command, self._scene, self._clock.now(), self._clock.monotonic())
        log.info("command=%s item=%s", command.do, command.item)
        self._failures.reset()
        self._changed.set()

    def venue_time(self) -> tuple[ZoneInfo, bool] | None:
        """Return the time zone of the venue, and whether the clock is trusted; None while there is no content."""
        return (self._scene.zone, self._scene.timed) if self._scene else None

    async def wait_for_air_change(self) -> None:
        """Return when what is on the screen, or what comes next, is another one than at the last return. For one."""
        await self._air_changed.wait()
        self._air_changed.clear()

    def now(self) -> Now:
        """Return what is on the screen, why, and what comes next."""
        ready = self._next is not None and self._recorder.state(self._next.planned) is TakeState.RESERVED
        following = describe_next(self._next, ready=ready)
        now = describe_now(self._tracker.state, following, self._clock.now(), self._clock.monotonic())
        facts = {"release": self._scene.sha256, "timed": self._scene.timed} if self._scene else {}
        problems = (
            *problems_of(ProblemCode.LEDGER, self._ledger.problem, self._recorder.problem),
            *problems_of(ProblemCode.SCHEDULE, self._scenes.problem),
            *problems_of(ProblemCode.STREAM, *self._streams.problems()),
        )
        return now.model_copy(update=facts | problem_fields(problems))

    def _decide_again(self) -> None:
        self._queue.revision += 1
        self._changed.set()

    async def _direct(self) -> None:
        while True:
            self._changed.clear()
            self._scene = await self._scenes.load()
            if self._queue.hold is not None:
                await self._idle_screen.hold(self._queue.hold)
                continue
            await self._prepare_ads(self._scene)
            revision, following = self._queue.revision, self._decide(self._scene)
            if isinstance(following, Idle):
                await self._idle_screen.wait(following)
            elif self._queue.passes:
                self._recorder.skip(following)
                self._queue.passed()
            else:
                if await self._prepare(following, revision):
                    await self._play(following, revision)
                self._cancel_next()

    async def _prepare_ads(self, scene: DeviceScene | None) -> None:
        """Have what a choice among many ads needs computed before the decision, beside the loop."""
        if scene is not None and not self._recorder.problem:
            memory, at = self._recorder.memory, self._tracker.next_start(self._clock.now(), urgent=self._queue.urgent)
            state = await self._scenes.prepare_ads(scene, at, memory.ads)
            if self._recorder.memory is memory and state is not memory.ads:
                self._recorder.memory = replace(memory, ads=state)

    def _decide(self, scene: DeviceScene | None) -> PlannedShot | Idle:
        now = self._clock.now()
        if scene is None:
            return Idle(now + _DECIDE_AGAIN, "there is no content yet")
        if self._streams.outages():
            self._streams.forget_except(scene.streams_to_come(now))
        pause_s = self._failures.pause_s()
        if pause_s > 0:  # what failed waits; another playlist may be shown
            rest = scene.without(self._failures.playlists)
            if isinstance(plan_next(rest, None, self._recorder.memory, now, uuid4().hex), Idle):
                self._tracker.set_deadline(scene, now)
                why = f"{self._failures.failures} takes in a row could not be shown"
                return Idle(now + timedelta(seconds=pause_s), why)
            scene = rest
        self._tracker.set_deadline(scene, now)
        return self._plan(scene, now)

    def _plan(self, scene: DeviceScene, now: datetime) -> PlannedShot | Idle:
        item = self._queue.request.item
        if item is not None and not scene.contains(item.asset):  # another release since it was ordered
            log.warning("item=%s was ordered, but has left the release", item.id)
            self._queue.failed(item.id)
            item = None
        at, take = self._tracker.next_start(now, urgent=self._queue.urgent), uuid4().hex
        if item is not None:
            planned = plan_item(scene, item, self._recorder.memory, at, take)
            return with_shot(scene, planned, longest_ms=self._queue.request.longest_ms)
        ads = None if self._recorder.problem else self._scenes.eligible_ads(scene, at)
        following = plan_next(scene, ads, self._recorder.memory, at, take)
        self._scenes.report_missing()
        if isinstance(following, Idle):
            retry = now + timedelta(seconds=min(self._streams.next_retry_s(), _DECIDE_AGAIN.total_seconds()))
            return replace(following, until=min(following.until, retry))
        shot = with_shot(scene, following)
        at_once = self._queue.urgent or self._queue.passes
        return shot if at_once else self._tracker.too_early(shot, now) or shot

    async def _prepare(self, planned: PlannedShot, revision: int) -> bool:
        """Load a take on the hidden deck, then reserve it; False: it failed, or an order changed what is wanted."""
        self._next = NextTake(planned, self._clock.now())
        self._air_changed.set()
        try:
            if not planned.shot.path and planned.shot.url is None:
                raise MediaUnplayable(f"asset {planned.take.asset} is not on this device")
            urgent = self._queue.urgent
            if not await wait_unless(self._preroll(planned, urgent=urgent), self._overruled(revision, urgent=urgent)):
                return False
        except MediaUnplayable as error:
            self._fail(planned, error)
        except DeckMissing:
            await self._idle_screen.clear()
        except DeckLost as error:
            self._lose(planned, error)
        else:
            if await self._recorder.reserve(planned):
                self._next = NextTake(planned, self._clock.now())
                return True
        return False

    def _lose(self, planned: PlannedShot, error: DeckLost) -> None:
        second_time = bool(self._failures.failures % 2)
        self._failures.record_failure(planned.take.playlist)
        if second_time:  # at the first time the same take is tried again
            self._skip(planned, error)

    def _fail(self, planned: PlannedShot, error: MediaUnplayable) -> None:
        self._tracker.record_failure(planned, str(error))
        self._skip(planned, error)

    async def _preroll(self, planned: PlannedShot, *, urgent: bool) -> bool:
        await self._screen.preroll(planned.shot, at_once=urgent)
        return True

    async def _overruled(self, revision: int, *, urgent: bool) -> None:
        """Return once an order asks for something else, or for it at once."""
        while (revision, urgent) == (self._queue.revision, self._queue.urgent):
            await self._changed.wait()
            self._changed.clear()

    def _skip(self, planned: PlannedShot, error: ScreenFailed) -> None:
        if planned.shot.url is None or isinstance(error, DeckLost):  # the backoff of streams logs its own lines
            log.warning("take=%s title=%s skipped: %s", planned.take.take, planned.take.title, error)
        self._queue.failed(planned.take.item)
        self._recorder.skip(planned)
        self._next = None

    async def _play(self, planned: PlannedShot, revision: int) -> None:
        """Wait for the cut to the reserved take, and record it; return without one when it became the wrong take."""
        cut = None
        try:
            while cut is None and revision == self._queue.revision and await self._unchanged():
                urgent = self._queue.urgent
                cut = await wait_unless(self._cut(planned, urgent=urgent), self._differs(revision, urgent=urgent))
        except DeckLost as error:
            log.warning("take=%s title=%s lost before its cut: %s", planned.take.take, planned.take.title, error)
            self._failures.record_failure(planned.take.playlist)
        if cut is None:
            return
        ordered, self._next = self._queue.urgent, None
        self._queue.shown(planned)
        await self._tracker.take_started(planned, cut, ordered=ordered)
        self._volume.wake()

    async def _cut(self, planned: PlannedShot, *, urgent: bool) -> Cut:
        if urgent or not isinstance(self._tracker.state, Showing):
            return await self._screen.cut_now(planned.take.take)
        cut_s = self._tracker.cut_in_s(self._clock.now())
        deadline_s = None if cut_s is None else self._clock.monotonic() + cut_s
        return await self._screen.cut_at_end(planned.take.take, deadline_s=deadline_s)

    async def _differs(self, revision: int, *, urgent: bool) -> None:
        """Return once what was decided, or how to cut to it, no longer holds; the event alone changes nothing."""
        while (revision, urgent) == (self._queue.revision, self._queue.urgent) and await self._unchanged():
            await self._changed.wait()
            self._changed.clear()

    async def _unchanged(self) -> bool:
        scene = await self._scenes.load()
        return scene is not None and self._scene is not None and scene_key(scene) == scene_key(self._scene)

    def _cancel_next(self) -> None:
        if self._next is not None:
            self._recorder.cancel(self._next.planned)
        self._next = None
