"""One shot on air: shows it on time, watches its picture, and reports its end.

The shot ends at its duration or at the end of its media, whichever is first. The end is announced ahead. The last frame
stays until the cut. All times count from the instant the shot was ordered for. Only the position in a film that played
on while hidden, and so its end, counts from its first picture, which may have stood before.
"""

import logging
from dataclasses import asdict

from player.deck.context import DeckContext
from player.deck.picture_judgement import (
    BLAMED_FAULTS,
    MAX_RETRIES,
    PictureFault,
    PictureSample,
    WatchedMedia,
)
from player.deck.picture_watch import PictureWatch
from player.deck.playback_plan import PlannedEnd, PlaybackPlan
from player.deck.shot_loader import ShotLoader
from player.deck.shot_states import SHOT_STATES, ShotState
from player.deck.vlc.vlc_player import VlcEvent
from player.protocol.deck_messages import DeckPulse, EndAnnounced, PlaybackFacts, ShotFailed, ShotFinished, ShotShown
from player.protocol.stage_interface import ON_TIME_S
from sync.wire.stream_url import scrub
from sync.wire.value_types import MediaKind

_FINAL_REPORT_S = 0.1  # before the end
_START_WATCHED_S = 1.0  # of a film that played on: by then its second picture and its sound have come
_START_POLL_S = 0.005
_EARLY_FRAMES = 2  # libVLC stops so many frames before the end
_NEVER = float("inf")

log = logging.getLogger(__name__)


class Playback:
    """Waits until `at_s` and shows what `loader` loaded.

    Sends `ShotShown` and `EndAnnounced`, then `ShotFinished` or `ShotFailed`.
    """

    def __init__(self, loader: ShotLoader, context: DeckContext, at_s: float) -> None:
        self.shot = loader.shot
        self._frame_times = loader.frame_times
        self.state = loader.state
        self._context = context
        self._window = context.window
        self._player = context.player
        self._clock = context.clock
        self._next_frame_s = _NEVER  # when the next frame is to be shown on request
        self._announced_end: PlannedEnd | None = None
        self._final_report_sent = False
        self._paints = 0  # since the last sample
        self._frames_shown = 0  # painted on the display until then
        self._out_of_sight_s = 0.0  # its window was moved, unmapped or covered
        self._started_s = self._looked_s = self._show(at_s)
        self._played_hidden = loader.first_picture_s is not None
        self._media_started_s = self._started_s if loader.first_picture_s is None else loader.first_picture_s
        self._first_pixels = self._window.sample_pixels() if self._played_hidden else None  # until they change
        self._announce_end()
        self._watch = PictureWatch(self._watched_media(), loader.known_rhythm)
        self._watch_picture(self._clock.monotonic())

    def _show(self, at_s: float) -> float:
        """Bring the shot on air; return the instant its times count from."""
        if self.shot.kind is not MediaKind.PICTURE:
            self._player.play(self.shot.volume)
        self._clock.wait(at_s - self._clock.monotonic())
        self._window.show()
        raised_s = self._clock.monotonic()
        self._move(ShotState.ON_AIR)
        started_s = at_s if raised_s - at_s <= ON_TIME_S else raised_s
        self._context.send(ShotShown(take=self.shot.take, at_s=started_s, raised_s=raised_s))
        self._window.count_paints()
        return started_s

    def _move(self, state: ShotState) -> None:
        self.state = SHOT_STATES.move(self.state, state)

    @property
    def _over(self) -> bool:
        return SHOT_STATES.is_end(self.state)

    def due_s(self) -> float:
        """Return when `tick` is due."""
        if self._over:
            return _NEVER
        plan = self._plan()
        ends_s = self._expected_end(plan).at_s
        report_s = ends_s if self._final_report_sent else ends_s - _FINAL_REPORT_S
        now = self._clock.monotonic()
        poll_s = now + _START_POLL_S if self._start_is_watched(now) else _NEVER
        return min(report_s, plan.stalled_at_s(), self._next_frame_s, poll_s)

    # ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _plan(self) -> PlaybackPlan:
        """Plan with what libVLC knows about the media by now."""
        duration_s = None if self.shot.duration_ms is None else self.shot.duration_ms / 1000
        if self.shot.kind is not MediaKind.VIDEO or self.shot.loop:  # these have no end of their own
            return PlaybackPlan(self._started_s, duration_s)
        length_s = (self.shot.length_ms or self._player.length_ms()) / 1000
        measured, ahead_s = self.shot.length_ms is not None, self._started_s - self._media_started_s
        frame_s = self._player.frame_s()
        return PlaybackPlan(self._started_s, duration_s, length_s, frame_s, measured, ahead_s, self._frame_times)

    def _expected_end(self, plan: PlaybackPlan) -> PlannedEnd:
        """Return the end as far as it is known."""
        media_end = PlannedEnd(plan.media_ends_s() if self.state is ShotState.ENDING else _NEVER, "eof")
        return min(plan.end() or media_end, media_end, key=lambda end: end.at_s)

    def _announce_end(self) -> None:
        """Announce the planned end, if it is new."""
        end = self._plan().end()
        if end and end != self._announced_end:
            self._announced_end = end
            self._context.send(EndAnnounced(take=self.shot.take, **asdict(end)))

    def _send_final_report(self) -> None:
        self._final_report_sent = True
        if self._announced_end:
            end = asdict(self._announced_end)
            self._context.send(EndAnnounced(take=self.shot.take, **end, **self._frames()))

    def on_event(self, event: VlcEvent) -> None:
        """React to an event of libVLC."""
        match self.state, event:
            case ShotState.ON_AIR, VlcEvent.PAUSED if self.shot.kind is MediaKind.PICTURE:
                pass  # it was paused when it was loaded
            case ShotState.ON_AIR, (VlcEvent.PAUSED | VlcEvent.ENDED):
                self._on_media_end()
            case ShotState.ON_AIR, VlcEvent.FAILED:
                self._fail(scrub(self._player.last_error or "decoding failed", self.shot.url or ""))
            case ShotState.ON_AIR, VlcEvent.VOUT if self.shot.kind is MediaKind.STREAM:  # its size changed
                self._context.on_new_output(self.shot.fit)
            case _:
                pass

    def _on_media_end(self) -> None:
        """Tell an end from a failure, and give the last frames their time."""
        now, plan = self._clock.monotonic(), self._plan()
        if self.shot.loop and self._player.restart():
            return
        if plan.is_cut_short(now):
            self._fail(f"it ended after {plan.played_s(now):.1f} s of {plan.length_s:.1f} s")
        elif plan.has_frames_left(now):
            self._move(ShotState.ENDING)
            if self._played_hidden:  # its first picture may have come earlier than it was seen
                self._media_started_s -= max(0.0, plan.media_ends_s() - now - _EARLY_FRAMES * plan.frame_s)
            self._next_frame_s = self._plan().next_frame_s(now)
        else:
            self._finish(PlannedEnd(plan.media_ends_s() if plan.measured else now, "eof"), now)

    def _finish(self, end: PlannedEnd, now: float) -> None:
        self._move(ShotState.FINISHED)
        at_s = end.at_s if now - end.at_s <= ON_TIME_S else now
        self._context.send(ShotFinished(take=self.shot.take, at_s=at_s, reason=end.reason, **self._frames()))

    def _frames(self) -> dict[str, int | None]:
        """Return how many frames came too late and how many were painted; a picture has none."""
        if self.shot.kind is MediaKind.PICTURE:
            return {}
        self._paints += self._window.count_paints()
        return {"frames_lost": self._player.frames_lost(), "frames_shown": self._frames_shown + self._paints}

    def _fail(self, reason: str, *, seen_on_screen: bool = False) -> None:
        self._context.send(ShotFailed(take=self.shot.take, reason=reason, seen_on_screen=seen_on_screen))
        self._move(ShotState.FAILED)

    # ── while it is on air ─────────────────────────────────────────────────────────────────────────────────────────

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self._over:
            return
        if self._start_is_watched(now):
            self._watch_start(now)
        plan = self._plan()
        end = self._expected_end(plan)
        self._announce_end()
        if now >= end.at_s - _FINAL_REPORT_S and not self._final_report_sent:
            self._send_final_report()
        if now >= end.at_s:
            self._finish(end, now)
        elif now >= plan.stalled_at_s():
            self._fail("it stalled")
        elif now >= self._next_frame_s:
            self._player.show_next_frame()
            self._next_frame_s = plan.next_frame_s(now)

    def _start_is_watched(self, now: float) -> bool:
        return self._played_hidden and now - self._started_s < _START_WATCHED_S

    def _watch_start(self, now: float) -> None:
        """Find when the media began: one frame before its second picture, which libVLC may show half a second late."""
        self._player.audio.retry_fade_in()
        paints = self._window.count_paints()
        self._paints += paints
        if self._first_pixels is not None and paints and self._window.sample_pixels() != self._first_pixels:
            self._first_pixels = None
            self._media_started_s = max(self._media_started_s, now - self._player.frame_s())

    def send_pulse(self, now: float) -> None:
        """Report what is on air; break off media whose picture is black or does not change."""
        if self.state is not ShotState.ON_AIR:
            self._context.send(DeckPulse(at_s=now, take=self.shot.take))
            return
        fault = self._watch_picture(now)
        self._context.follow_shape(self.shot.fit)
        video = self.shot.kind is MediaKind.VIDEO
        self._context.send(
            DeckPulse(
                at_s=now,
                take=self.shot.take,
                media_ms=self._player.media_ms(),
                **self._frames(),
                still_ms=self._watch.still_ms + round(self._out_of_sight_s * 1000),
                covered=self._out_of_sight_s > 0,
                black_ms=self._watch.black_ms,
                seems_frozen=video and fault is PictureFault.SUSPECTED,  # a stream may pause
                **self._facts().model_dump(),
            )
        )
        if video and fault is PictureFault.STUCK_AT_START:
            self._retry_play(now)
        elif fault is PictureFault.STUCK_AFTER_STOP:
            self._go_on(now)
        elif fault in BLAMED_FAULTS:
            self._fail(fault.value, seen_on_screen=self.shot.kind is not MediaKind.STREAM)  # a stream's line may fail

    def _watched_media(self) -> WatchedMedia:
        frame_s, black = self._player.frame_s(), self._window.is_black()
        return WatchedMedia(self.shot.kind, frame_s, black, self._frame_times, self.shot.loop)

    def _watch_picture(self, now: float) -> PictureFault:
        self._out_of_sight_s += 0.0 if self._window.is_in_sight() else now - self._looked_s
        self._looked_s = now
        paints, self._paints = self._paints + self._window.count_paints(), 0
        self._frames_shown += paints
        moving = self.shot.kind is not MediaKind.PICTURE
        pixels = self._window.sample_pixels() if moving and self._watch.needs_pixels(now, paints) else None
        player, planned_s = self._player, now - self._media_started_s
        decoded, lost = (player.decoded(), player.frames_lost()) if moving else (None, None)
        black, suspended_s = self._window.is_black(), self._clock.suspended()
        sample = PictureSample(
            now, paints, player.media_ms(), black, decoded, lost, pixels, planned_s, suspended_s, player.given()
        )
        return self._watch.add(sample)

    def _retry_play(self, now: float) -> None:
        log.warning("take %s does not move from its first frame; libVLC is asked again to play", self.shot.take)
        last_retry = self._watch.retries == MAX_RETRIES
        self._player.retry_play(round((now - self._media_started_s) * 1000) if last_retry else None)

    def _go_on(self, now: float) -> None:
        """Have a film go on from where it should be."""
        log.warning("take %s does not go on since the machine stood; libVLC is asked again to play", self.shot.take)
        place_ms, length_ms = round((now - self._media_started_s) * 1000), self._player.length_ms()
        self._player.retry_play(place_ms % length_ms if length_ms else None)

    def _facts(self) -> PlaybackFacts:
        if self.shot.kind is MediaKind.PICTURE:
            return PlaybackFacts()
        decoder = self._player.decoder_log
        return PlaybackFacts(
            fps=self._player.fps(),
            painted_fps=self._watch.painted_fps,
            codec=decoder.codec,
            hardware=decoder.hardware,
            sound=self._player.audio.device,
        )
