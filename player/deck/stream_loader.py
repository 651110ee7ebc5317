"""One network stream from the command to load it until it is raised: it cannot wait on its first frame, so it runs.

Opened muted and unseen, it counts as loaded once it paints; from then on it runs aside, watched, until it is shown.
"""

from player.deck.running_loader import RunningLoader
from player.deck.shot_loader import LoadPhase
from player.deck.vlc.media_source import open_source
from player.deck.vlc.vlc_player import VlcEvent
from sync.errors import MediaUnplayable
from sync.wire.stream_url import scrub

JOIN_WITHIN_S = 10.0
STALLED_AFTER_S = 5.0  # without paint, aside
_LOOK_EVERY_S = 0.2


class StreamLoader(RunningLoader):
    """See `Rolling`. However long it runs, it is not over; after `Loaded` one may still hear of `Broken`."""

    def due_s(self) -> float:
        """Return when to look next."""
        return self._clock.monotonic() + _LOOK_EVERY_S if self.loaded else super().due_s()

    def _begin(self) -> None:
        self._window.prepare(self.shot.background)
        self._open()

    def _open(self) -> None:
        self._phase = LoadPhase.OPENING
        try:
            source = open_source(self._url)
        except MediaUnplayable as error:
            self._break(str(error))
            return
        self._projector.open_source(source, self._stretch)

    @property
    def _url(self) -> str:
        assert self.shot.url is not None
        return self.shot.url

    # ── libVLC ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def signal(self, what: VlcEvent) -> None:
        """Take note of what libVLC says."""
        match self._phase, what:
            case LoadPhase.FAILED, _:
                pass
            case LoadPhase.LOADED, VlcEvent.VOUT:  # it changed its shape
                self._covers = self._booth.lay_out(self.shot.fit)
            case _, VlcEvent.VOUT:  # again for each output libVLC tries
                self._lay_out()
            case _:
                self._break(self._reason())

    def _reason(self) -> str:
        if self._projector.is_list():
            return "it is a playlist: name the stream itself"
        if self.loaded:
            return "it ended while it waited for its turn"
        return scrub(self._projector.words or "there is no picture in it", self._url)

    # ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _stands(self, now: float) -> None:
        self._through(now)

    def _wait(self, now: float) -> None:
        if self._window.painted():
            self._phase_s = now
        elif now - self._phase_s > STALLED_AFTER_S:
            self._break("it stalled while it waited for its turn")

    def _give_up(self, now: float, *, stuck: bool) -> None:
        if now - self._began_s > JOIN_WITHIN_S:
            words = self._projector.words
            said = f"; last was said: {scrub(words, self._url)}" if words else ""
            self._break(f"nothing of it was seen within {JOIN_WITHIN_S:.0f} s{said}")
