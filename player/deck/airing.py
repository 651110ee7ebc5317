"""One shot on air, from the instant it is raised: its plan, the steps to its last frames, how it ended, what is seen.

It ends at its duration or at the media's end, whichever is first; its last frame stays until the cut.
"""

from collections.abc import Callable
from enum import Enum, auto

from player.deck.plan import Plan
from player.deck.projector import Projector, What
from player.deck.watch import Look, Subject, Verdict, Watch
from player.deck.window import Window
from player.screen import Broken, DeckEvent, Finished, Pulse, Shot, Shown
from sync.clock import SystemClock
from sync.release import MediaKind

_NEVER = float("inf")


class Phase(Enum):
    """Where a shot on air stands."""

    RUNNING = auto()
    ENDING = auto()  # libVLC stopped at the end, ahead of the last frame's time
    DONE = auto()  # the last frame stays


class Airing:
    """Raises the shot at once; `tell` hears of `Shown`, then of `Finished` or `Broken`."""

    def __init__(
        self,
        shot: Shot,
        window: Window,
        projector: Projector,
        clock: SystemClock,
        tell: Callable[[DeckEvent], None],
    ) -> None:
        self.shot = shot
        self._window = window
        self._projector = projector
        self._clock = clock
        self._tell = tell
        self._phase = Phase.RUNNING
        self._step_s = _NEVER  # when a frame is to be shown by stepping
        self._began_s = self._raise()
        self._watch = Watch(Subject(shot.kind, projector.frame_s(), window.is_black()))

    def _raise(self) -> float:
        if self.shot.kind is MediaKind.VIDEO:
            self._projector.run(self.shot.volume)
        self._window.show()
        at_s = self._clock.monotonic()
        self._tell(Shown(take=self.shot.take, at_s=at_s))
        self._window.painted()
        return at_s

    def due_s(self) -> float:
        """Return when something is due by itself."""
        plan = self._plan()
        if self._phase is Phase.RUNNING:
            return min(plan.duration_ends_s(), plan.stalled_s())
        if self._phase is Phase.ENDING:
            return min(plan.duration_ends_s(), plan.media_ends_s(), self._step_s)
        return _NEVER

    def _plan(self) -> Plan:
        """Plan with what libVLC knows of the media by now."""
        duration_s = None if self.shot.duration_ms is None else self.shot.duration_ms / 1000
        if self.shot.kind is MediaKind.PICTURE:
            return Plan(self._began_s, duration_s)
        return Plan(self._began_s, duration_s, self._projector.length_ms() / 1000, self._projector.frame_s())

    # ── libVLC ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def signal(self, what: What) -> None:
        """Take note of what libVLC says."""
        match self._phase, what:
            case Phase.RUNNING, (What.PAUSED | What.ENDED):
                self._end_of_media()
            case Phase.RUNNING, What.FAILED:
                self._break(self._projector.words or "decoding failed")
            case _:
                pass

    def _end_of_media(self) -> None:
        """Tell an end from a break, and give the last frames their time."""
        now, plan = self._clock.monotonic(), self._plan()
        if plan.is_cut_short(now):
            self._break(f"it ended after {now - plan.began_s:.1f} s of {plan.length_s:.1f} s")
        elif plan.is_early(now):
            self._phase = Phase.ENDING
            self._step_s = plan.next_step_s(now)
        else:
            self._finish("eof")

    # ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def look(self, now: float) -> None:
        """Do what is due by itself."""
        if self._phase is Phase.DONE:
            return
        plan = self._plan()
        if now >= plan.duration_ends_s():
            self._finish("duration")
        elif self._phase is Phase.ENDING and now >= plan.media_ends_s():
            self._finish("eof")
        elif now >= plan.stalled_s():
            self._break("it stalled")
        elif now >= self._step_s:
            self._projector.step()
            self._step_s = plan.next_step_s(now)

    def pulse(self, now: float) -> None:
        """Say what is on air; break off what is seen to stand still or to be black."""
        if self._phase is not Phase.RUNNING:
            self._tell(Pulse(take=self.shot.take))
            return
        media_ms = self._projector.time_ms()
        seen = self._window.painted(), media_ms, self._window.is_black(), self._projector.pictures_shown()
        verdict = self._watch.look(Look(now, *seen))
        self._tell(
            Pulse(
                take=self.shot.take,
                media_ms=media_ms,
                frames_lost=self._projector.frames_lost(),
                still_ms=self._watch.still_ms,
                black_ms=self._watch.black_ms,
            )
        )
        if verdict is not Verdict.FINE:
            self._break(verdict.value, seen=True)

    def _finish(self, reason: str) -> None:
        at_s = self._clock.monotonic()
        self._phase = Phase.DONE
        lost = self._projector.frames_lost() if self.shot.kind is MediaKind.VIDEO else None
        self._tell(Finished(take=self.shot.take, at_s=at_s, reason=reason, frames_lost=lost))

    def _break(self, reason: str, *, seen: bool = False) -> None:
        self._tell(Broken(take=self.shot.take, reason=reason, seen=seen))
        self._phase = Phase.DONE
