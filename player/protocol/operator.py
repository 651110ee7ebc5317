"""What an operator may ask of the screen, and what it says it shows: the models of commands and of `/v1/now`."""

from typing import Annotated, Literal

from pydantic import Field

from sync.wire.base import Identifier, Instant, Request, Sha256, Wire

HOLD_MS = 60 * 60 * 1000
"""How long `stop` and `blank` last when nobody says."""


class Command(Request):
    """An order that ends by itself: `skip`, `previous` and `play` with one item, `stop` and `blank` after `for_ms`.

    `play` without an item ends a stop or blank early. `play` with an item of the release shows it once, at once,
    whatever its daypart, and the programme goes on after it; a stream without an end of its own after `for_ms`.
    """

    do: Literal["skip", "previous", "play", "stop", "blank"]
    item: Identifier | None = None
    for_ms: Annotated[int, Field(ge=1_000, le=7 * 24 * 60 * 60 * 1000)] = HOLD_MS


class Decoder(Wire):
    """What decodes the video on air, by libVLC's own words; `hardware` is None while it said nothing of that."""

    codec: str
    hardware: bool | None = None


class Next(Wire):
    """What comes next, and whether it stands `ready` on its first frame, unseen, since when."""

    readiness: Literal["none", "loading", "ready"] = "none"
    since: Instant | None = None
    title: str = ""
    kind: Literal["item", "ad"] | None = None
    asset: Sha256 | None = None
    item: Identifier | None = None
    creative: Identifier | None = None


class Now(Wire):
    """What the screen shows at this moment, why, and what comes next.

    `media_ms` to `decoder` are what the deck tells of a video, about once a second; pictures have none of them.
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
    playlist: str | None = None  # the names people gave them
    daypart: str | None = None
    why: str
    release: Sha256 | None = None
    position_ms: int | None = None  # since the take came on air
    remaining_ms: int | None = None
    deck: Literal["a", "b"] | None = None
    media_ms: int | None = None  # where in the media it is
    fps: float | None = None  # as the media says
    painted_fps: float | None = None  # as counted on the display
    frames_lost: int | None = None  # of this take: they came too late to be shown
    decoder: Decoder | None = None
    next: Next = Next()
    overlays: tuple[str, ...] = ()  # the ids of what stands over it
    timed: bool = True  # False: the clock is not to be believed, timed content waits
    problems: tuple[str, ...] = ()
