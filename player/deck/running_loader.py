"""One shot from the command to load it until its first picture stands, and running on: what is to be shown at once.

Of a resized output libVLC paints black first; then come the pictures of the media. The first paint that is not black at
its edges is the beginning, and only media that are black there have to be seen to be painted again. A still picture is
loaded so in any case: nothing of it can pass unseen. It is paused then, for repainting a paused one costs less.
"""

from player.deck.shot_loader import PAINT_WITHIN_S, LoadPhase, ShotLoader
from player.deck.vlc.vlc_player import VlcEvent
from sync.wire.release import MediaKind

FRESH_S = 0.3  # a film raised so long after its first picture stood would be shown from too far in
_BLACK_PAINTS = 4  # full ones; the first or the first two are libVLC's own


class RunningLoader(ShotLoader):
    """See `Loading`. A film that was not shown in time is stopped, and has to be loaded again."""

    _waits = False
    _look_every_s = 0.004  # for paint, and for sound, which comes some 20 ms before the first picture
    _over = False

    def keeps(self, at_s: float) -> bool:
        """Tell whether what is loaded is still right if it is raised at `at_s`."""
        return self.since_s is None or (not self._over and at_s - self.since_s < FRESH_S)

    def due_s(self) -> float:
        """Return when to look next."""
        runs = self.loaded and self.since_s is not None and not self._over
        return self._clock.monotonic() + self._look_every_s if runs else super().due_s()

    # ── libVLC ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def signal(self, what: VlcEvent) -> None:
        """Take note of what libVLC says."""
        match self._phase, what:
            case ((LoadPhase.OPENING | LoadPhase.ROLLING), VlcEvent.VOUT):  # again for each output libVLC tries
                self._lay_out()
            case (LoadPhase.OPENING, VlcEvent.PAUSED) | (
                (LoadPhase.OPENING | LoadPhase.ROLLING),
                (VlcEvent.ENDED | VlcEvent.FAILED),
            ):
                self._break(self._projector.words or "there is no picture in it")
            case _, (VlcEvent.PAUSED | VlcEvent.ENDED | VlcEvent.FAILED):
                self._over = True
            case _:
                pass

    # ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def tick(self, now: float) -> None:
        """Do what is due by itself."""
        if self.failed:
            return
        self._projector.voice.hush()
        if self.loaded:
            self._wait(now)
        elif self._phase is LoadPhase.ROLLING and self._is_painted():
            self._distort() if self._covers else self._stands(now)
        else:
            self._give_up(now, stuck=self._phase is LoadPhase.ROLLING and now - self._phase_s > PAINT_WITHIN_S)

    def _is_painted(self) -> bool:
        paints = self._window.painted()
        self._repaints += paints
        return bool(paints) and (self._repaints >= _BLACK_PAINTS or self._window.is_filled())

    def _stands(self, now: float) -> None:
        if self.shot.kind is MediaKind.PICTURE:
            self._projector.hold()
        else:
            self.since_s = now
        self._through(now)

    def _wait(self, now: float) -> None:
        if not self.keeps(now) and not self._over:
            self._over = True
            self._projector.stop()
