"""What a deck tells of the video it shows: how fast it goes, and what decodes it."""

from sync.wire import Wire


class Motion(Wire):
    """The frames a second of the media and of the window, and libVLC's decoder; None for pictures, or while unknown."""

    fps: float | None = None
    painted_fps: float | None = None  # counted since it was last told
    codec: str | None = None  # such as `h264`
    hardware: bool | None = None  # whether it is decoded in hardware; None: libVLC does not say
