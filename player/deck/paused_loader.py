"""Loads a film and pauses it on its first frame, to wait for its turn.

libVLC plays it, hidden and muted, until a picture is painted. Then it is paused and rewound to its first frame. It
counts as loaded when that frame is painted.
"""

from player.deck.context import DeckContext
from player.deck.shot_loader import PAINT_WITHIN_S, PLAY_LEAD_S, ShotLoader
from player.deck.shot_states import ShotState
from player.deck.vlc.vlc_player import VlcEvent
from player.protocol.stage_interface import Shot

REWIND_WITHIN_S = 3.0  # of a film that moves; after that it is opened once more
SAME_PICTURE_REPAINTS = 9  # so many of the same picture: the film begins with a still one and the rewind is done
_SLOW_PICTURE_S = 0.25  # of a slow film libVLC may paint nothing after the rewind, until it plays on
_SLOW_REWIND_S = 0.5

# Full paints to wait for. The first paint of a resized output is black; a paused output is repainted every 60 ms.
_REPAINTS = {ShotState.PLAYING: 2, ShotState.PAUSED: 2, ShotState.REWINDING: 3}


class PausedLoader(ShotLoader):
    """See `ShotLoader`."""

    lead_s = PLAY_LEAD_S

    def __init__(self, shot: Shot, context: DeckContext) -> None:
        self._early_pixels = b""  # of the picture before the rewind
        self._rewinds = True
        self._moves = False  # the film was seen to move before the rewind, so the rewind must be seen, too
        super().__init__(shot, context)

    def on_event(self, event: VlcEvent) -> None:
        """React to an event of libVLC."""
        match self.state, event:
            case ((ShotState.OPENING | ShotState.PLAYING), VlcEvent.VOUT):  # one for each output libVLC tries
                self._lay_out()  # libVLC may never paint an output that is paused before its first paint
            case ((ShotState.PLAYING | ShotState.PAUSING), VlcEvent.PAUSED):
                if self.state is ShotState.PLAYING:  # a few pictures only: it ended before the first was painted
                    self._player.show_next_frame()
                self._await_paint(ShotState.PAUSED)
            case ShotState.REWINDING, (VlcEvent.ENDED | VlcEvent.FAILED | VlcEvent.PAUSED) if self._may_retry:
                self._rewinds = False  # libVLC has read all of so short a film: it waits on one of its first pictures
                self._open_again()
            case (
                (ShotState.OPENING | ShotState.PAUSING | ShotState.REWINDING),
                (VlcEvent.ENDED | VlcEvent.FAILED | VlcEvent.PAUSED),
            ):
                self._fail(self._player.last_error or "there is no picture in it")
            case _:
                pass

    def tick(self, now: float) -> None:
        """Do what is due."""
        if self.state in _REPAINTS:
            self._paints += self._window.count_paints()
            if self._follow_shape():
                pass
            elif self._paints >= _REPAINTS[self.state]:
                self._stretch() if self._must_stretch else self._on_painted(now)
            elif self._stands_on_first_picture(now - self._last_step_s):
                self._succeed(now)
        if not self.loaded and not self.failed:
            self._player.audio.try_mute()
            self._give_up(now, stuck=self._is_stuck(now - self._last_step_s))

    def _give_up(self, now: float, *, stuck: bool) -> None:
        self._rewinds &= not (stuck and self.state is ShotState.REWINDING)
        super()._give_up(now, stuck=stuck)

    def _is_stuck(self, for_s: float) -> bool:
        unpainted = self._paints < _REPAINTS.get(self.state, 0) and for_s > PAINT_WITHIN_S
        not_rewound = self._moves and self.state is ShotState.REWINDING and for_s > REWIND_WITHIN_S
        return unpainted or not_rewound

    def _stands_on_first_picture(self, rewinding_s: float) -> bool:
        """Tell whether a slow film was rewound from its first picture to its first picture."""
        slow = self._player.frame_s() >= _SLOW_PICTURE_S and not self._moves
        return self.state is ShotState.REWINDING and slow and rewinding_s > _SLOW_REWIND_S

    def _on_painted(self, now: float) -> None:
        if self.state is ShotState.PLAYING:
            self._early_pixels = self._window.sample_pixels()
            self._player.pause()
            self._move(ShotState.PAUSING)
        elif self.state is ShotState.PAUSED and self._rewinds and self._rewind():
            self._await_paint(ShotState.REWINDING)
        elif not self._may_show_early_frame():
            self._succeed(now)

    def _rewind(self) -> bool:
        playing, self._early_pixels = self._early_pixels, self._window.sample_pixels()
        self._moves = self._may_retry and self._early_pixels != playing
        return self._player.rewind()

    def _may_show_early_frame(self) -> bool:
        """Tell whether the window may still show the frame before the rewind: libVLC does not report its end.

        The picture of a film that moved before must change. A film that did not move may begin with a still picture:
        then enough repaints decide, which take longer on a busy machine.
        """
        undecided = self._moves or self._paints < SAME_PICTURE_REPAINTS
        return self.state is ShotState.REWINDING and undecided and self._window.sample_pixels() == self._early_pixels
