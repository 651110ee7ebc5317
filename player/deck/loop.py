"""The deck's one thread: takes commands and libVLC's signals in order, and says what came of them.

A shot is opened and played, muted, until libVLC has an output; then it is paused, rewound to its first frame, and
counts as loaded when that frame was painted. On air it ends at its duration or at the media's end, whichever is first.
"""

from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from player.deck.phase import LOADING, REPAINTS, Phase
from player.deck.plan import Plan
from player.deck.projector import Projector, Signal, What, libvlc_version
from player.deck.watch import Look, Subject, Verdict, Watch
from player.deck.window import Window
from player.screen import (
    Blank,
    Blanked,
    Broken,
    Command,
    DeckEvent,
    Finished,
    Hidden,
    Hide,
    Load,
    Loaded,
    Pulse,
    Quit,
    Ready,
    Shot,
    Show,
    Shown,
)
from sync.clock import SystemClock
from sync.release import Fit, MediaKind

PULSE_EVERY_S = 1.0
LOAD_WITHIN_S = 8.0
PAINT_WITHIN_S = 1.5  # libVLC shows nothing of a video under 0.2 s
STILL_REPAINTS = 9  # of the same picture: the film opens with a still one, the rewind is through
_LOOK_EVERY_S = 0.01  # for paint, while loading

Note = Command | Signal


class Deck:
    """One deck; `tell` sends an event to the stage."""

    def __init__(
        self,
        window: Window,
        projector: Projector,
        clock: SystemClock,
        inbox: "SimpleQueue[Note]",
        tell: Callable[[DeckEvent], None],
    ) -> None:
        self._window = window
        self._projector = projector
        self._clock = clock
        self._inbox = inbox
        self._tell = tell
        self._phase = Phase.IDLE
        self._shot: Shot | None = None
        self._began_s = 0.0  # of loading, then of showing
        self._repaints = 0
        self._since_s = 0.0  # this phase
        self._again = False  # whether the loading may be tried once more
        self._early = b""  # the picture before the rewind
        self._step_s = float("inf")  # when a frame is to be shown by stepping
        self._pulse_s = 0.0
        self._watch: Watch | None = None  # of the shot on air

    def run(self) -> None:
        """Work until told to quit."""
        self._tell(Ready(window=self._window.canvas, libvlc=libvlc_version()))
        while True:
            note = self._next()
            if isinstance(note, Quit):
                return
            if isinstance(note, Signal):
                if note.opening == self._projector.opening:
                    self._signal(note.what)
            elif note is not None:
                self._obey(note)
            self._look()

    def _next(self) -> Note | None:
        """Wait for a note until something is due by itself."""
        now = self._clock.monotonic()
        due_s = min(self._due_s(), self._pulse_s)
        try:
            return self._inbox.get(timeout=max(0.0, due_s - now))
        except Empty:
            return None

    def _due_s(self) -> float:
        if self._phase in LOADING:
            return self._clock.monotonic() + _LOOK_EVERY_S
        if self._phase is Phase.ON_AIR and self._shot:
            plan = self._plan(self._shot)
            return min(plan.duration_ends_s(), plan.stalled_s())
        if self._phase is Phase.ENDING and self._shot:
            plan = self._plan(self._shot)
            return min(plan.duration_ends_s(), plan.media_ends_s(), self._step_s)
        return float("inf")

    def _plan(self, shot: Shot) -> Plan:
        """Plan the shot on air with what libVLC knows of its media by now."""
        duration_s = None if shot.duration_ms is None else shot.duration_ms / 1000
        if shot.kind is MediaKind.PICTURE:
            return Plan(self._began_s, duration_s)
        return Plan(self._began_s, duration_s, self._projector.length_ms() / 1000, self._projector.frame_s())

    # ── commands ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _obey(self, command: Command) -> None:
        match command:
            case Load(shot=shot):
                self._load(shot)
            case Show(take=take) if self._phase is Phase.LOADED and self._shot and self._shot.take == take:
                self._show(self._shot)
            case Show(take=take):
                self._tell(Broken(take=take, reason="it was not loaded"))
            case Hide(take=take) if take is None or (self._shot and self._shot.take == take):
                self._hide()
            case Blank():
                self._forget()
                self._window.blank()
                self._tell(Blanked(at_s=self._clock.monotonic()))
            case _:
                pass  # a hide for a shot already replaced

    def _load(self, shot: Shot) -> None:
        self._forget()
        self._shot = shot
        self._began_s = self._clock.monotonic()
        if not Path(shot.path).is_file():
            self._break("the file is missing")
            return
        self._window.prepare(shot.background)
        self._again = True
        self._open(shot)

    def _open(self, shot: Shot) -> None:
        self._phase = Phase.OPENING
        whole = (self._window.area.width, self._window.area.height)
        self._projector.open(shot.path, shot.kind, whole if shot.fit is Fit.FILL else None)

    def _show(self, shot: Shot) -> None:
        if shot.kind is MediaKind.VIDEO:
            self._projector.run(shot.volume)
        self._window.show()
        self._began_s = self._clock.monotonic()
        self._phase = Phase.ON_AIR
        self._tell(Shown(take=shot.take, at_s=self._began_s))
        self._window.painted()
        self._watch = Watch(Subject(shot.kind, self._projector.frame_s(), self._window.is_black()))

    def _hide(self) -> None:
        take = self._shot.take if self._shot else None
        self._window.lower()
        self._tell(Hidden(take=take))
        self._forget()

    def _forget(self) -> None:
        self._phase = Phase.IDLE
        self._shot = None
        self._step_s = float("inf")
        self._projector.stop()

    # ── libVLC ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _signal(self, what: What) -> None:
        match self._phase, what:
            case ((Phase.OPENING | Phase.ROLLING), What.VOUT) if self._shot:  # again for each output libVLC tries
                self._window.fit(*(self._projector.size() or self._window.output_size()), self._shot.fit)
                self._projector.forget_words()
                self._await_paint(Phase.ROLLING)
            case ((Phase.ROLLING | Phase.PAUSING), What.PAUSED):
                self._await_paint(Phase.SETTLING)
            case ((Phase.OPENING | Phase.PAUSING | Phase.PAINTING), (What.ENDED | What.FAILED | What.PAUSED)):
                self._break(self._projector.words or "there is no picture in it")
            case Phase.ON_AIR, (What.PAUSED | What.ENDED) if self._shot:
                self._end_of_media(self._shot)
            case Phase.ON_AIR, What.FAILED:
                self._break(self._projector.words or "decoding failed")
            case _:
                pass

    def _end_of_media(self, shot: Shot) -> None:
        """Tell an end from a break, and give the last frames their time."""
        now, plan = self._clock.monotonic(), self._plan(shot)
        if plan.is_cut_short(now):
            self._break(f"it ended after {now - plan.began_s:.1f} s of {plan.length_s:.1f} s")
        elif plan.is_early(now):
            self._phase = Phase.ENDING
            self._step_s = plan.next_step_s(now)
        else:
            self._finish("eof")

    # ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _look(self) -> None:
        """Do what is due by itself."""
        now = self._clock.monotonic()
        if self._phase in REPAINTS:
            self._repaints += self._window.painted()
            if self._repaints >= REPAINTS[self._phase]:
                self._repainted(now)
        if self._phase in LOADING:
            self._give_up(now)
        if self._phase in (Phase.ON_AIR, Phase.ENDING) and self._shot:
            self._look_on_air(self._shot, now)
        if now >= self._pulse_s:
            self._pulse_s = now + PULSE_EVERY_S
            self._pulse(now)

    def _give_up(self, now: float) -> None:
        """Try a loading that leads nowhere once more, then end it."""
        unpainted = self._phase in REPAINTS and now - self._since_s > PAINT_WITHIN_S
        if unpainted and self._again and self._shot:
            self._again = False
            self._open(self._shot)
        elif unpainted or now - self._began_s > LOAD_WITHIN_S:
            self._break(self._projector.words or "libVLC paints none of it: too short, or damaged")

    def _repainted(self, now: float) -> None:
        if self._phase is Phase.ROLLING:
            self._projector.hold()
            self._phase = Phase.PAUSING
        elif self._phase is Phase.SETTLING and self._rewind():
            self._await_paint(Phase.PAINTING)
        elif not self._is_rewinding(now):
            self._loaded(now)

    def _rewind(self) -> bool:
        self._early = self._window.glance()
        return self._projector.rewind()

    def _is_rewinding(self, now: float) -> bool:
        """Tell whether the early frame may stand there still: libVLC does not say when a rewind is through."""
        soon = self._repaints < STILL_REPAINTS and now - self._since_s < PAINT_WITHIN_S / 2
        return self._phase is Phase.PAINTING and soon and self._window.glance() == self._early

    def _await_paint(self, phase: Phase) -> None:
        self._window.painted()
        self._repaints = 0
        self._since_s = self._clock.monotonic()
        self._phase = phase

    def _loaded(self, now: float) -> None:
        assert self._shot is not None
        self._phase = Phase.LOADED
        self._tell(Loaded(take=self._shot.take, took_ms=round((now - self._began_s) * 1000)))

    def _look_on_air(self, shot: Shot, now: float) -> None:
        plan = self._plan(shot)
        if now >= plan.duration_ends_s():
            self._finish("duration")
        elif self._phase is Phase.ENDING and now >= plan.media_ends_s():
            self._finish("eof")
        elif now >= plan.stalled_s():
            self._break("it stalled")
        elif now >= self._step_s:
            self._projector.step()
            self._step_s = plan.next_step_s(now)

    def _finish(self, reason: str) -> None:
        assert self._shot is not None
        at_s = self._clock.monotonic()
        self._phase = Phase.DONE
        lost = self._projector.frames_lost() if self._shot.kind is MediaKind.VIDEO else None
        self._tell(Finished(take=self._shot.take, at_s=at_s, reason=reason, frames_lost=lost))

    def _break(self, reason: str, *, seen: bool = False) -> None:
        assert self._shot is not None
        self._tell(Broken(take=self._shot.take, reason=reason, seen=seen))
        if self._phase is Phase.ON_AIR:
            self._phase = Phase.DONE  # its last picture stays until the cut
        else:
            self._forget()

    def _pulse(self, now: float) -> None:
        """Say that the loop turns and what is on air; break off what is seen to stand still or to be black."""
        watch = self._watch if self._phase is Phase.ON_AIR else None
        media_ms = self._projector.time_ms() if watch else None
        verdict = Verdict.FINE
        if watch:
            verdict = watch.look(Look(now, self._window.painted(), media_ms or 0, self._window.is_black()))
        self._tell(
            Pulse(
                take=self._shot.take if self._shot else None,
                media_ms=media_ms,
                frames_lost=self._projector.frames_lost() if watch else None,
                still_ms=watch.still_ms if watch else None,
                black_ms=watch.black_ms if watch else None,
            )
        )
        if verdict:
            self._break(verdict.value, seen=True)
