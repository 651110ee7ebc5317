"""What is on air, and the record of it: each take as it comes and goes, its progress, and steps of the clock."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

from player.director.air_state import Dark, Showing, State, how_it_ended, with_deadline
from player.director.backoff import FailureBackoff, StreamBackoff
from player.director.take_recorder import TakeRecorder
from player.programme.planner import Idle, Planned, Scene, stays_until
from player.programme.proof_of_play import TakeFacts
from player.protocol.screen import Cut, Ended
from sync.runtime.clock import Clock, ClockTrust
from sync.wire.report import PlayKind, ScreenState

_TICK_S = 5.0  # how often we look
_SETTLED_S = 30.0  # a stream on for so long is back
_STREAM_LEAD = timedelta(seconds=12)  # opening one takes some seconds
_LOOK_AGAIN = timedelta(minutes=1)
_STEP = timedelta(seconds=1)  # the wall clock moved against the monotonic one by more

log = logging.getLogger(__name__)


class TakeTracker:
    """Holds the state of the air; `display` tells what is known of the screen's power."""

    def __init__(
        self,
        recorder: TakeRecorder,
        patience: FailureBackoff,
        clock: Clock,
        display: Callable[[], ScreenState],
        away: StreamBackoff,
    ) -> None:
        self.state: State = None
        self._touched = ("", 0.0)  # a take, and how many seconds of it are written down
        self._recorder = recorder
        self._patience = patience
        self._clock = clock
        self._display = display
        self._away = away

    async def run(self, changed: Callable[[], None]) -> None:
        """Write down progress while a take is on, and call `changed` when the clock steps or gains trust."""
        before = self._clock_facts()
        while True:
            await self._clock.sleep(_TICK_S)
            after = self._clock_facts()
            if after[1] != before[1] or abs(after[0] - before[0]) > _STEP:
                log.info("clock=%s stepped by %s", after[1].value, after[0] - before[0])
                changed()
            before = after
            await self._recorder.retry()
            if isinstance(self.state, Showing):
                await self._touch(self.state)

    async def _touch(self, showing: Showing) -> None:
        """Write down how long a take is on: an ad every tick, an item each time that doubled, to spare the disk."""
        shown_s, take = self._clock.monotonic() - showing.started_s, showing.planned.take
        if shown_s >= _SETTLED_S:
            self._away.note_success(take.asset)
        if take.take != self._touched[0]:
            self._touched = (take.take, 0.0)
        if take.kind is PlayKind.AD or shown_s >= 2 * self._touched[1]:
            self._touched = (take.take, shown_s)
            await self._recorder.touch(take.take, timedelta(seconds=shown_s))

    def bind(self, scene: Scene, now: datetime) -> None:
        """Work out anew until when the take on air may stay."""
        if isinstance(self.state, Showing):
            self.state = with_deadline(self.state, stays_until(scene, self.state.planned, now), scene)

    def next_start(self, now: datetime, *, urgent: bool) -> datetime:
        """Return when the next take will come on, as far as one can tell."""
        if urgent or not isinstance(self.state, Showing):
            return now
        return self.state.expected_end(now, self._clock.monotonic())

    def too_early(self, planned: Planned, now: datetime) -> Idle | None:
        """Return what to do instead of opening a stream long before its turn: it would run aside all the while."""
        if planned.shot.url is None or not isinstance(self.state, Showing):
            return None
        ends = self.state.leaves_at or now + _STREAM_LEAD + _LOOK_AGAIN
        if self.state.planned.take.expected_ms is not None:
            ends = self.state.expected_end(now, self._clock.monotonic())
        opens = ends - _STREAM_LEAD
        why = f"the stream {planned.take.title} is opened shortly before its turn"
        return Idle(opens, why) if opens > now else None

    def leaves_in_s(self, now: datetime) -> float | None:
        """Return in how many seconds what is on has to go, None if it runs to its own end."""
        if not isinstance(self.state, Showing) or self.state.leaves_at is None:
            return None
        return max(0.0, (self.state.leaves_at - now).total_seconds())

    async def take_started(self, planned: Planned, cut: Cut, *, ordered: bool) -> None:
        """Note a cut, right after it and off its path: what left is judged, what came is started."""
        now, trust = self._clock.now(), self._clock.trust()
        started_at = now - timedelta(seconds=self._clock.monotonic() - cut.at_s)
        if isinstance(self.state, Dark):
            log.info("screen=on air again after %s", now - self.state.since)
        self._judge(cut.previous, cut.at_s, ordered=ordered)
        self._recorder.start(planned.take, started_at, trust)
        self.state = Showing(planned, started_at, cut.at_s, trust)
        await self._recorder.save()

    async def take_ended(self, ended: Ended | None, *, ordered: bool = False) -> None:
        """Note that what was on is over and nothing followed; its last picture may still stand."""
        self._judge(ended, self._clock.monotonic(), ordered=ordered)
        await self._recorder.save()

    def set_dark(self, kind: Literal["fallback", "blank"], why: str, until: datetime | None) -> None:
        """Note that no take is on, and why."""
        if not isinstance(self.state, Dark) or self.state.kind != kind:
            log.warning("screen=%s %s", kind, why)
            self.state = Dark(kind, why, self._clock.now(), until)
        elif (self.state.why, self.state.until) != (why, until):
            self.state = Dark(kind, why, self.state.since, until)

    async def stop(self) -> None:
        """Note that the player stops under what is on."""
        if isinstance(self.state, Showing):
            take, now_s = self.state.planned.take.take, self._clock.monotonic()
            ended = Ended(take=take, started_s=self.state.started_s, ended_s=now_s, reason="stopped")
            self._judge(ended, now_s, ordered=False)
        await self._recorder.retry()  # the last chance of what the disk would not take
        await self._recorder.save()

    def _judge(self, ended: Ended | None, at_s: float, *, ordered: bool) -> None:
        showing, self.state = self.state, None
        if not isinstance(showing, Showing):
            return
        take = showing.planned.take
        ended = how_it_ended(showing, ended, at_s, ordered=ordered)
        facts = self._recorder.end(take, ended, showing.started_at, clock=showing.clock, screen=self._display())
        if ended.failed and not ended.deck_lost:
            log.warning("take=%s title=%s failed on air: %s", take.take, take.title, ended.reason)
            self.failed(showing.planned, ended.reason)
        elif isinstance(facts, TakeFacts) and not ended.failed:
            self._patience.reset()
            self._recorder.played(take.asset)
            self._away.note_success(take.asset)

    def failed(self, planned: Planned, reason: str) -> None:
        """Count a failure that was the media's own; a stream has waits of its own, and costs nobody else any."""
        if planned.shot.url is not None:
            self._away.note_failure(planned.take.asset, planned.take.title, reason)
        else:
            self._recorder.failed(planned.take.asset, reason, self._clock.now())
            self._patience.missed()

    def _clock_facts(self) -> tuple[timedelta, ClockTrust]:
        offset = self._clock.now() - datetime.fromtimestamp(self._clock.monotonic(), UTC)
        return offset, self._clock.trust()
