"""What is on air: each take as it starts and ends, its progress, and steps of the wall clock."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from player import __version__
from player.director.air_state import AirState, OffAir, Showing, how_it_ended, may_be_damaged, with_deadline
from player.director.backoff import FailureBackoff, StreamBackoff
from player.director.record_clock import TakeStart
from player.director.take_recorder import TakeRecorder
from player.programme.planned_shots import PlannedShot
from player.programme.proof_of_play import ScreenCondition, StartFacts
from player.protocol.stage_interface import STAGE_CLOSED, Cut, Ended
from sync.programme.next_take import Idle, Scene, stays_until
from sync.runtime.clock import Clock, ClockState, ClockTrust, boot_id, clock_state
from sync.wire.device_reports import PlayKind

_TICK_S = 5.0  # how often progress and clock are checked
_STREAM_WORKS_S = 30.0  # a stream that has been on for so long works
_STREAM_LEAD = timedelta(seconds=12)  # opening a stream takes some seconds
_DECIDE_AGAIN = timedelta(minutes=1)
_STEP = timedelta(seconds=1)  # a larger move of the wall clock against the monotonic one changes decisions

log = logging.getLogger(__name__)


class TakeTracker:
    """Owns the state of the air.

    `display` returns how the screen was since an instant; `so_far` is `Screen.so_far`. `suspect` is called with
    an asset that did not play as it should, `air_changed` when the state is another one.
    """

    def __init__(
        self,
        so_far: Callable[[str], Ended | None],
        recorder: TakeRecorder,
        failures: FailureBackoff,
        clock: Clock,
        display: Callable[[float], ScreenCondition],
        streams: StreamBackoff,
        suspect: Callable[[str], None],
        air_changed: Callable[[], None],
    ) -> None:
        self._state: AirState = None
        self._air_changed = air_changed
        self._progress = ("", 0.0)  # a take, and for how many seconds of it the screen vouched
        self._written_s = 0.0  # of them
        self._so_far = so_far
        self._recorder = recorder
        self._failures = failures
        self._clock = clock
        self._display = display
        self._streams = streams
        self._suspect = suspect

    @property
    def state(self) -> AirState:
        """What is on the screen."""
        return self._state

    @state.setter
    def state(self, state: AirState) -> None:
        self._state = state
        self._air_changed()

    async def run(self, clock_changed: Callable[[], None]) -> None:
        """Write progress while a take is on, and call `clock_changed` when the wall clock steps or gains trust."""
        before = self._clock_facts()
        while True:
            await self._clock.sleep(_TICK_S)
            after = self._clock_facts()
            if after[1] != before[1] or abs(after[0] - before[0]) > _STEP:
                log.info("clock=%s stepped by %s", after[1].value, after[0] - before[0])
                clock_changed()
            before = after
            await self._recorder.retry()
            if isinstance(self.state, Showing):
                await self._write_progress(self.state)

    async def _write_progress(self, showing: Showing) -> None:
        """Write how long a take is on: an ad at every tick, an item each time that doubled, to spare the disk."""
        take, so_far = showing.planned.take, self._so_far(showing.planned.take.take)
        if so_far is None or so_far.deck_lost:
            return
        shown_s = max(0.0, so_far.ended_s - showing.start.at_s - so_far.still_ms / 1000)
        if shown_s >= _STREAM_WORKS_S:
            self._streams.record_success(take.asset)
        if take.take != self._progress[0]:
            self._written_s = 0.0
        self._progress = (take.take, shown_s)
        if shown_s > self._written_s and (take.kind is PlayKind.AD or shown_s >= 2 * self._written_s):
            self._written_s = shown_s
            await self._recorder.write_progress(take.take, timedelta(seconds=shown_s))

    def set_deadline(self, scene: Scene, now: datetime) -> None:
        """Decide again until when the take on air may stay."""
        if isinstance(self.state, Showing):
            self.state = with_deadline(self.state, stays_until(scene, self.state.planned, now), scene)

    def next_start(self, now: datetime, *, urgent: bool) -> datetime:
        """Return when the next take comes on, as far as that is known."""
        if urgent or not isinstance(self.state, Showing):
            return now
        return self.state.expected_end(now, self._clock.monotonic())

    def too_early(self, planned: PlannedShot, now: datetime) -> Idle | None:
        """Return the wait before a stream is opened; it plays hidden from then on. None: load it now."""
        if planned.shot.url is None or not isinstance(self.state, Showing) or self.state.over:
            return None
        ends = self.state.cut_at or now + _STREAM_LEAD + _DECIDE_AGAIN
        if self.state.planned.take.expected_ms is not None:
            ends = self.state.expected_end(now, self._clock.monotonic())
        opens = ends - _STREAM_LEAD
        why = f"the stream {planned.take.title} is opened shortly before its turn"
        return Idle(opens, why) if opens > now else None

    def cut_in_s(self, now: datetime) -> float | None:
        """Return in how many seconds the take on air is cut, None if it plays to its own end."""
        if not isinstance(self.state, Showing) or self.state.cut_at is None:
            return None
        return max(0.0, (self.state.cut_at - now).total_seconds())

    async def take_started(self, planned: PlannedShot, cut: Cut, *, ordered: bool) -> None:
        """Record a cut after it was made: the take before it is judged, its own take starts at the same instant."""
        now, now_s = self._clock.now(), self._clock.monotonic()
        if isinstance(self.state, OffAir):
            log.info("screen=on air again after %s", now - self.state.since)
        self._judge(cut.previous, cut.at_s, ordered=ordered)
        start = self._recorder.start(planned.take, cut.at_s, now, now_s)
        facts = start_facts(start, planned.take.zone, self._clock, self._display(cut.at_s))
        self.state = showing = Showing(planned, start, facts)
        showing = await self._avoid_used_time(showing)
        await self._recorder.write_start(planned.take, showing.start, facts)

    async def take_over(self, ended: Ended) -> None:
        """Record that what is on air is over; if its last picture stays, the take goes on until that leaves."""
        if ended.left_s is not None:
            await self.take_ended(ended)
        elif isinstance(self.state, Showing):
            self._learn(self.state, self._how_it_ended(self.state, ended, ended.ended_s, ordered=False))
            self.state = replace(self.state, over=True)
            await self._write_progress(self.state)

    async def take_ended(self, ended: Ended | None, *, ordered: bool = False) -> None:
        """Record that the picture of what was on air left the display, and no take followed."""
        self._judge(ended, self._clock.monotonic(), ordered=ordered)
        await self._recorder.save()

    def set_off_air(self, kind: Literal["fallback", "blank"], why: str, until: datetime | None) -> None:
        """Record that no take is on, and why."""
        if not isinstance(self.state, OffAir) or self.state.kind != kind:
            log.warning("screen=%s %s", kind, why)
            self.state = OffAir(kind, why, self._clock.now(), until)
        elif (self.state.why, self.state.until) != (why, until):
            self.state = OffAir(kind, why, self.state.since, until)

    async def stop(self, clear: Callable[[], Awaitable[object]]) -> None:
        """Record that the director stops: what is on is taken off the screen, for nobody records it any more."""
        if isinstance(self.state, Showing):
            showing = await self._avoid_used_time(self.state)
            take = showing.planned.take.take
            ended = self._so_far(take)
            await clear()
            left = self._so_far(take)  # what was cleared may be the next take, which came at the last moment
            if ended and ended.reason in ("cut", STAGE_CLOSED):  # the stage stops at the same time
                ended = ended.model_copy(update={"reason": "stopped", "failed": False, "deck_lost": False})
            if ended and left:
                ended = ended.model_copy(update={"left_s": left.left_s})
            self._judge(ended, self._clock.monotonic(), ordered=False)
        await self._recorder.retry()  # the last chance for what could not be written
        await self._recorder.save()

    async def _avoid_used_time(self, showing: Showing) -> Showing:
        self.state = replace(showing, start=await self._recorder.avoid_used_time(showing.start))
        return self.state

    def _judge(self, ended: Ended | None, at_s: float, *, ordered: bool) -> None:
        showing, self.state = self.state, None
        if not isinstance(showing, Showing):
            return
        ended = self._how_it_ended(showing, ended, at_s, ordered=ordered)
        screen = self._display(showing.start.at_s)
        self._recorder.end(showing.planned.take, ended, showing.start, facts=showing.facts, screen=screen)
        if not showing.over:
            self._learn(showing, ended)

    def _how_it_ended(self, showing: Showing, ended: Ended | None, at_s: float, *, ordered: bool) -> Ended:
        seen_s = showing.start.at_s + (self._progress[1] if self._progress[0] == showing.planned.take.take else 0.0)
        return how_it_ended(showing, ended, at_s, seen_s, ordered=ordered)

    def _learn(self, showing: Showing, ended: Ended) -> None:
        """Draw the consequences of how a take ended, for its media and for what comes next."""
        take = showing.planned.take
        if showing.planned.shot.url is None and may_be_damaged(showing.planned.shot, ended):
            self._suspect(take.asset)
        if ended.failed and not ended.deck_lost:
            log.warning("take=%s title=%s failed on air: %s", take.take, take.title, ended.reason)
            self.record_failure(showing.planned, ended.reason)
        elif not ended.failed and ended.gone_s > showing.start.at_s:
            self._failures.reset()
            self._recorder.record_success(take.asset)
            self._streams.record_success(take.asset)

    def record_failure(self, planned: PlannedShot, reason: str) -> None:
        """Count a failure of the media itself; a stream waits for itself and costs nothing else a pause."""
        if planned.shot.url is not None:
            self._streams.record_failure(planned.take.asset, planned.take.title, reason)
        else:
            self._suspect(planned.take.asset)
            if planned.shot.path:  # a file that is not here says nothing about the media
                self._recorder.record_failure(planned.take.asset, reason, self._clock.now())
            self._failures.record_failure(planned.take.playlist)

    def _clock_facts(self) -> tuple[timedelta, ClockTrust]:
        offset = self._clock.now() - datetime.fromtimestamp(self._clock.monotonic(), UTC)
        return offset, self._clock.trust()


def start_facts(start: TakeStart, zone: str, clock: Clock, screen: ScreenCondition) -> StartFacts:
    """Return what is known of the moment in which a take came on."""
    trust, age_s = clock.trust(), clock.set_ago_s()
    state, offset = clock_state(trust, age_s), start.at.astimezone(ZoneInfo(zone)).utcoffset()
    return StartFacts(
        clock=trust,
        clock_state=state.value if state is ClockState.HELD_OVER else None,  # what `clock` says is not said twice
        clock_age_s=None if age_s is None else round(age_s),
        offset_min=None if offset is None else offset // timedelta(minutes=1),
        boot_id=boot_id() or None,
        mono_start_ms=start.monotonic_ms,
        output=screen.output,
        resolution=screen.resolution,
        player=__version__,
    )
