"""What a deck works with, whether its shot is being loaded or on air."""

from collections.abc import Callable
from dataclasses import dataclass

from player.deck.vlc.vlc_player import VlcPlayer
from player.deck.window import DeckWindow
from player.protocol.deck_messages import DeckEvent
from sync.runtime.clock import SystemClock
from sync.wire.value_types import Fit


@dataclass(frozen=True, slots=True)
class DeckContext:
    """One window, the libVLC player that paints into it, the clock, and how to send an event to the stage."""

    window: DeckWindow
    player: VlcPlayer
    clock: SystemClock
    send: Callable[[DeckEvent], None]

    def lay_out(self, fit: Fit) -> bool:
        """Place the media, now that libVLC has an output; return whether `stretch_to_fill` must follow its first paint.

        libVLC forgets to distort what it turns by a quarter, unless it is told after the first paint. Until then the
        media covers the area.
        """
        shape = self.player.shape()
        turned = self.window.area.sideways or (shape is not None and shape.transposed)
        covers = fit is Fit.FILL and turned
        size = (shape.width, shape.height) if shape else self.window.output_size()
        self.window.place_media(*size, Fit.COVER if covers else fit)
        return covers

    def on_new_output(self, fit: Fit) -> None:
        """Place a stream anew that has another output now, since its size changed."""
        if not self.follow_shape(fit) and not self.window.has_output:
            self.lay_out(fit)

    def follow_shape(self, fit: Fit) -> bool:
        """Place the media anew if libVLC shows it in another shape than it was placed for; return whether it does.

        So it is with media that state the shape of their pixels in the stream only, and after a change.
        """
        size = self.window.other_shape()
        if size is None:
            return False
        if fit is Fit.FILL:
            self.stretch_to_fill()
            return True
        return self.window.place_media(*size, fit)

    def stretch_to_fill(self) -> None:
        """Distort media that covers the area so that it fills it."""
        area, shape = self.window.area, self.player.shape()
        self.window.place_media(*area.upright, Fit.FILL)
        ratio = area.width, area.height
        self.player.set_aspect(*(ratio[::-1] if shape and shape.transposed else ratio))
