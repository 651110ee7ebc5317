"""One shot on air, from the instant it is raised: its plan, the steps to its last frames, how it ended, what is seen.

It ends at its duration or at the media's end, whichever is first, and says so ahead; its last frame stays until the
cut. All its times count from the instant it was ordered for; only where a film that rolled in stands, and so its end,
counts from its first picture, which may have stood before.
"""

import logging
from enum import Enum, auto
from typing import Any

from player.deck.context import DeckContext
from player.deck.picture_watch import FAULTS, KICKS, PictureFault, PictureSample, PictureWatch, Subject
from player.deck.playback_plan import PlannedEnd, PlaybackPlan
from player.deck.vlc.vlc_player import VlcEvent
from player.protocol.deck_messages import Broken, DeckPulse, Ends, Finished, ShotShown
from player.protocol.screen import ON_TIME_S, Shot
from sync.wire.release import MediaKind
from sync.wire.stream_url import scrub

_LAST_WORDS_S = 0.1  # before the end
_SETTLED_AFTER_S = 1.0  # of a film that rolled in: by then its second picture and its sound have come
_SETTLES_EVERY_S = 0.005
_EARLY_FRAMES = 2  # libVLC stops so many before the end
_NEVER = float("inf")

log = logging.getLogger(__name__)


class PlaybackPhase(Enum):
    """Where a shot on air stands."""

    RUNNING = auto()
    ENDING = auto()  # libVLC stopped at the end, ahead of the last frame's time
    DONE = auto()  # the last frame stays


class Playback:
    """Raises the shot at `at_s`, waiting for it; `tell` hears of `Shown` and `Ends`, then of `Finished` or `Broken`.

    `since_s` is when its first picture stood, if it is a film that runs since.
    """

    def __init__(self, shot: Shot, booth: DeckContext, at_s: float, since_s: float | None) -> None:
        self.shot = shot
        self._booth = booth
        self._window = booth.window
        self._projector = booth.projector
        self._clock = booth.clock
        self._tell = booth.tell
        self._phase = PlaybackPhase.RUNNING
        self._step_s = _NEVER  # when a frame is to be shown by stepping
        self._end: PlannedEnd | None = None  # as told
        self._last_words = False
        self._paints = 0  # counted since the last look
        self._began_s = self._raise(at_s)
        self._rolled = since_s is not None
        self._zero_s = self._began_s if since_s is None else since_s  # when its media began
        self._first = self._window.glance() if self._rolled else None  # its first picture, until it changes
        self._tell_end()
        self._watch = PictureWatch(Subject(shot.kind, self._projector.frame_s(), self._window.is_black()))
        self._look(self._clock.monotonic())

    def _raise(self, at_s: float) -> float:
        """Bring the shot on air; return the instant its times count from."""
        if self.shot.kind is not MediaKind.PICTURE:
            self._projector.run(self.shot.volume)
        self._clock.wait(at_s - self._clock.monotonic())
        self._window.show()
        raised_s = self._clock.monotonic()
        began_s = at_s if raised_s - at_s <= ON_TIME_S else raised_s
        self._tell(ShotShown(take=self.shot.take, at_s=began_s, raised_s=raised_s))
        self._window.painted()
        return began_s

    def due_s(self) -> float:
        """Return when something is due by itself."""
        if self._phase is PlaybackPhase.DONE:
            return _NEVER
        plan = self._plan()
        ends_s = self._over(plan).at_s
        told_s = ends_s if self._last_words else ends_s - _LAST_WORDS_S
        now = self._clock.monotonic()
        return min(told_s, plan.stalled_s(), self._step_s, now + _SETTLES_EVERY_S if self._settles(now) else _NEVER)

    def _over(self, plan: PlaybackPlan) -> PlannedEnd:
        """Return when it is over, as far as is known."""
        ending = (
            PlannedEnd(plan.media_ends_s(), "eof") if self._phase is PlaybackPhase.ENDING else PlannedEnd(_NEVER, "eof")
        )
        return min(plan.end() or ending, ending, key=lambda end: end.at_s)

    def _plan(self) -> PlaybackPlan:
        """Plan with what libVLC knows of the media by now."""
        duration_s = None if self.shot.duration_ms is None else self.shot.duration_ms / 1000
        if self.shot.kind is not MediaKind.VIDEO or self.shot.loop:  # a stream was joined somewhere in the middle
            return PlaybackPlan(self._began_s, duration_s)
        length_s = (self.shot.length_ms or self._projector.length_ms()) / 1000
        measured, ahead_s = self.shot.length_ms is not None, self._began_s - self._zero_s
        return PlaybackPlan(self._began_s, duration_s, length_s, self._projector.frame_s(), measured, ahead_s)

    def _tell_end(self) -> None:
        """Say when it will be over, if that is not what was said before."""
        end = self._plan().end()
        if end and end != self._end:
            self._end = end
            self._tell(Ends(take=self.shot.take, at_s=end.at_s, reason=end.reason))

    def _tell_last_words(self) -> None:
        self._last_words = True
        if self._end:
            lost = self._frames_lost()
            self._tell(Ends(take=self.shot.take, at_s=self._end.at_s, reason=self._end.reason, frames_lost=lost))

    # ── libVLC ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def signal(self, what: VlcEvent) -> None:
        """Take note of what libVLC says."""
        match self._phase, what:
            case PlaybackPhase.RUNNING, VlcEvent.PAUSED if self.shot.kind is MediaKind.PICTURE:
                pass  # it was told to when it was loaded
            case PlaybackPhase.RUNNING, (VlcEvent.PAUSED | VlcEvent.ENDED):
                self._end_of_media()
            case PlaybackPhase.RUNNING, VlcEvent.FAILED:
                self._break(scrub(self._projector.words or "decoding failed", self.shot.url or ""))
            case PlaybackPhase.RUNNING, VlcEvent.VOUT if self.shot.kind is MediaKind.STREAM:  # its shape changed
                self._booth.lay_out(self.shot.fit)
            case _:
                pass

    def _end_of_media(self) -> None:
        """Tell an end from a break, and give the last frames their time."""
        now, plan = self._clock.monotonic(), self._plan()
        if self.shot.loop and self._projector.again():
            return
        if plan.is_cut_short(now):
            self._break(f"it ended after {plan.played_s(now):.1f} s of {plan.length_s:.1f} s")
        elif plan.is_early(now):
            self._phase = PlaybackPhase.ENDING
            if self._rolled:  # its beginning may have been taken for later than it was
                self._zero_s -= max(0.0, plan.media_ends_s() - now - _EARLY_FRAMES * plan.frame_s)
            self._step_s = self._plan().next_step_s(now)
        else:
            self._finish(PlannedEnd(plan.media_ends_s() if plan.measured else now, "eof"), now)

    # ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def tick(self, now: float) -> None:
        """Do what is due by itself."""
        if self._phase is PlaybackPhase.DONE:
            return
        if self._settles(now):
            self._confirm_running(now)
        plan = self._plan()
        end = self._over(plan)
        self._tell_end()
        if now >= end.at_s - _LAST_WORDS_S and not self._last_words:
            self._tell_last_words()
        if now >= end.at_s:
            self._finish(end, now)
        elif now >= plan.stalled_s():
            self._break("it stalled")
        elif now >= self._step_s:
            self._projector.step()
            self._step_s = plan.next_step_s(now)

    def _settles(self, now: float) -> bool:
        return self._rolled and now - self._began_s < _SETTLED_AFTER_S

    def _confirm_running(self, now: float) -> None:
        """Find when its media began: a frame before its second picture, which libVLC may show half a second late."""
        self._projector.voice.retry_rise()
        paints = self._window.painted()
        self._paints += paints
        if self._first is not None and paints and self._window.glance() != self._first:
            self._first = None
            self._zero_s = max(self._zero_s, now - self._projector.frame_s())

    def pulse(self, now: float) -> None:
        """Say what is on air; break off what is seen to stand still or to be black."""
        if self._phase is not PlaybackPhase.RUNNING:
            self._tell(DeckPulse(take=self.shot.take))
            return
        verdict = self._look(now)
        self._tell(
            DeckPulse(
                take=self.shot.take,
                media_ms=self._projector.time_ms(),
                frames_lost=self._projector.frames_lost(),
                still_ms=self._watch.still_ms,
                black_ms=self._watch.black_ms,
                # Not for a stream, which may well pause.
                seems_frozen=verdict is PictureFault.STANDS and self.shot.kind is MediaKind.VIDEO,
                **self._decoded(),
            )
        )
        if verdict is PictureFault.STUCK and self.shot.kind is MediaKind.VIDEO:
            self._kick(now)
        elif verdict in FAULTS:
            self._break(verdict.value, seen=self.shot.kind is not MediaKind.STREAM)  # there it is the line's fault

    def _look(self, now: float) -> PictureFault:
        paints, self._paints = self._paints + self._window.painted(), 0
        moves = self.shot.kind is not MediaKind.PICTURE
        picture = self._window.glance() if moves and self._watch.wants_picture(now, paints) else None
        shown, media_ms = self._projector.pictures_shown(), self._projector.time_ms()
        return self._watch.observe(PictureSample(now, paints, media_ms, self._window.is_black(), shown, picture))

    def _kick(self, now: float) -> None:
        log.warning("take=%s stands on its first frame; libVLC is told to go on again", self.shot.take)
        self._projector.kick(round((now - self._zero_s) * 1000) if self._watch.kicks == KICKS else None)

    def _decoded(self) -> dict[str, Any]:
        """Return what a pulse says of a video alone."""
        if self.shot.kind is MediaKind.PICTURE:
            return {}
        decoding, painted = self._projector.decoding, self._watch.painted_fps
        known = {"codec": decoding.codec, "hardware": decoding.hardware}
        fps, sound = self._projector.fps(), self._projector.voice.device
        return {"fps": fps, "painted_fps": painted, "sound": sound, **known}

    def _finish(self, end: PlannedEnd, now: float) -> None:
        self._phase, at_s = PlaybackPhase.DONE, end.at_s if now - end.at_s <= ON_TIME_S else now
        self._tell(Finished(take=self.shot.take, at_s=at_s, reason=end.reason, frames_lost=self._frames_lost()))

    def _frames_lost(self) -> int | None:
        return None if self.shot.kind is MediaKind.PICTURE else self._projector.frames_lost()

    def _break(self, reason: str, *, seen: bool = False) -> None:
        self._tell(Broken(take=self.shot.take, reason=reason, seen_on_screen=seen))
        self._phase = PlaybackPhase.DONE
