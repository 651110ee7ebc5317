"""What the screen shows, why, and what comes next: the model of `/v1/now`."""

from typing import Literal

from sync.wire.value_types import Identifier, Instant, Sha256, Wire


class Decoder(Wire):
    """What decodes the video on air, as libVLC reports it; `hardware` is None if libVLC does not say."""

    codec: str
    hardware: bool | None = None


class Next(Wire):
    """What comes next, and since when it is `ready`: loaded on its first frame in the hidden window."""

    readiness: Literal["none", "loading", "ready"] = "none"
    since: Instant | None = None
    title: str = ""
    kind: Literal["item", "ad"] | None = None
    asset: Sha256 | None = None
    item: Identifier | None = None
    creative: Identifier | None = None


class Now(Wire):
    """What the screen shows now, why, and what comes next.

    The deck reports `media_ms` to `decoder` about once a second; pictures have none of them.
    """

    showing: Literal["item", "ad", "fallback", "blank"]
    title: str = ""
    take: Identifier | None = None
    since: Instant | None = None
    until: Instant | None = None  # its expected end, or the end of a stop or blank
    expected_ms: int | None = None
    asset: Sha256 | None = None
    item: Identifier | None = None
    campaign: Identifier | None = None
    advertiser: str | None = None
    line: Identifier | None = None
    creative: Identifier | None = None
    playlist: str | None = None  # its name
    daypart: str | None = None
    why: str
    release: Sha256 | None = None
    position_ms: int | None = None  # since the take is on air
    remaining_ms: int | None = None
    deck: Literal["a", "b"] | None = None
    media_ms: int | None = None  # the position in the media
    fps: float | None = None  # as the media says
    painted_fps: float | None = None  # as counted on the display
    frames_lost: int | None = None  # of this take; they came too late to be shown
    decoder: Decoder | None = None
    next: Next = Next()
    overlays: tuple[str, ...] = ()  # the ids of the overlays shown
    timed: bool = True  # False: the clock is not trusted, so timed content waits
    problems: tuple[str, ...] = ()
    problem_codes: tuple[str, ...] = ()  # of each of `problems`
