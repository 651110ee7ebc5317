"""One film from the command to load it until its first frame stands in the hidden window, to wait for its turn there.

It is opened and played, muted, until libVLC has an output; then it is paused, rewound to its first frame, and counts
as loaded when that frame was painted.
"""

from player.deck.context import DeckContext
from player.deck.shot_loader import LEAD_S, PAINT_WITHIN_S, LoadPhase, ShotLoader
from player.deck.vlc.vlc_player import VlcEvent
from player.protocol.screen import Shot

REWIND_WITHIN_S = 3.0  # of a film that moves; else it is opened once more
STILL_REPAINTS = 9  # of the same picture: the film opens with a still one, the rewind is through

# Full paints to wait for. Of a resized output the first is black; a paused one is repainted every 60 ms.
_REPAINTS = {LoadPhase.ROLLING: 2, LoadPhase.SETTLING: 2, LoadPhase.PAINTING: 3}


class PausedLoader(ShotLoader):
    """See `Loading`."""

    lead_s = LEAD_S

    def __init__(self, shot: Shot, booth: DeckContext) -> None:
        self._early = b""  # the picture before the rewind
        self._moves = False  # whether the film was seen to move before that, so that the rewind must be seen too
        super().__init__(shot, booth)

    # ── libVLC ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def signal(self, what: VlcEvent) -> None:
        """Take note of what libVLC says."""
        match self._phase, what:
            case ((LoadPhase.OPENING | LoadPhase.ROLLING), VlcEvent.VOUT):  # again for each output libVLC tries
                self._lay_out()  # paused before it is painted, it may never be
            case ((LoadPhase.ROLLING | LoadPhase.PAUSING), VlcEvent.PAUSED):
                self._await_paint(LoadPhase.SETTLING)
            case (
                (LoadPhase.OPENING | LoadPhase.PAUSING | LoadPhase.PAINTING),
                (VlcEvent.ENDED | VlcEvent.FAILED | VlcEvent.PAUSED),
            ):
                self._break(self._projector.words or "there is no picture in it")
            case _:
                pass

    # ── time ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def tick(self, now: float) -> None:
        """Do what is due by itself."""
        if self._phase in _REPAINTS:
            self._repaints += self._window.painted()
            if self._repaints >= _REPAINTS[self._phase]:
                self._distort() if self._covers else self._repainted(now)
        if not self.loaded and not self.failed:
            self._projector.voice.hush()
            self._give_up(now, stuck=self._is_stuck(now - self._phase_s))

    def _is_stuck(self, for_s: float) -> bool:
        unpainted = self._repaints < _REPAINTS.get(self._phase, 0) and for_s > PAINT_WITHIN_S
        unseen = self._moves and self._phase is LoadPhase.PAINTING and for_s > REWIND_WITHIN_S
        return unpainted or unseen

    def _repainted(self, now: float) -> None:
        if self._phase is LoadPhase.ROLLING:
            self._early = self._window.glance()
            self._projector.hold()
            self._phase = LoadPhase.PAUSING
        elif self._phase is LoadPhase.SETTLING and self._rewind():
            self._await_paint(LoadPhase.PAINTING)
        elif not self._is_rewinding():
            self._through(now)

    def _rewind(self) -> bool:
        rolling, self._early = self._early, self._window.glance()
        self._moves = self._again and self._early != rolling
        return self._projector.rewind()

    def _is_rewinding(self) -> bool:
        """Tell whether the early frame may stand there still: libVLC does not say when a rewind is through.

        A film that moved before must change. One that did not may open with a still picture; after so many repaints,
        which take longer on a busy machine, it does.
        """
        soon = self._moves or self._repaints < STILL_REPAINTS
        return self._phase is LoadPhase.PAINTING and soon and self._window.glance() == self._early
