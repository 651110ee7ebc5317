"""What a deck tells of the video it shows: how fast it goes, what decodes it, and where it is heard."""

from sync.wire import Wire


class PlaybackFacts(Wire):
    """The frames a second of the media and of the window, and libVLC's decoder; None for pictures, or while unknown."""

    fps: float | None = None
    painted_fps: float | None = None  # counted since it was last told
    codec: str | None = None  # such as `h264`
    hardware: bool | None = None  # whether it is decoded in hardware; None: libVLC does not say
    sound: str | None = None  # the output it is heard on, by its name; None: nothing is to be heard
