"""What the director and the stage say to each other, and the lines between stage and deck: one JSON object each.

All instants `_s` are `Clock.monotonic` seconds (CLOCK_BOOTTIME), comparable across the processes of a device.
"""

from typing import Annotated, Protocol

from pydantic import Field

from sync.wire.base import Colour, Wire
from sync.wire.release import Fit, MediaKind
from sync.wire.stream_url import StreamUrl

ON_TIME_S = 0.05
"""A cut that comes no later than this counts as if it had come at the instant it was ordered for."""


class Shot(Wire):
    """What to show in one take, and how: the file at `path`, or the stream at `url` (then `path` is empty).

    Without `duration_ms` a video or stream plays to its end; with `loop` a shorter video starts over until that is up.

    `length_ms` is how long the video itself runs, measured when it was taken in; the end is planned by it.
    """

    take: str
    path: str
    url: StreamUrl | None = None
    kind: MediaKind
    duration_ms: Annotated[int, Field(ge=1)] | None = None
    length_ms: Annotated[int, Field(ge=1)] | None = None
    loop: bool = False
    fit: Fit = Fit.CONTAIN
    background: Colour = "#000000"
    volume: Annotated[int, Field(ge=0, le=100)] = 100


class Ended(Wire):
    """How a shot left the screen. `reason`: `eof`, `duration`, `cut` (somebody cut away), or what went wrong."""

    take: str
    started_s: float
    ended_s: float
    reason: str
    failed: bool = False
    deck_lost: bool = False  # the deck died from outside: not the media's fault
    frames_lost: int | None = None


class Cut(Wire):
    """One switch on the screen: what came, when by the plan, and what left (None: nothing was on).

    `at_s` is the instant the cut was ordered for if the first frame stood within `screen.ON_TIME_S` of it: the end of
    what left and the beginning of what came are one instant, so a chain of cuts does not drift.
    """

    take: str
    at_s: float
    previous: Ended | None = None


class Screen(Protocol):
    """What the director needs of a stage. One shot is on air at most, one more is prerolled at most.

    Every method may be cancelled. A cancelled cut is taken back and changes nothing on the screen; if it came too late
    for that, the cut is returned in spite of it.
    """

    async def preroll(self, shot: Shot, *, at_once: bool = False) -> None:
        """Open, decode and pause `shot` on its first frame, unseen; replaces what was prerolled before.

        What is wanted `at_once`, or has nothing on air to wait for, is not paused: it is there in a fraction of the
        time, and costs a frame or two of its beginning. If it has to wait after all, it is loaded again.

        Raises:
            MediaUnplayable: the media cannot be shown (it is skipped, and counts towards quarantine).
            DeckLost: the hidden deck died or hung for a reason of its own; it is being replaced.
        """

    async def cut_at_end(self, take: str, *, deadline_s: float | None = None) -> Cut:
        """Wait until the shot on air ends by itself, fails, or `deadline_s` comes; then cut to the prerolled `take`.

        Cuts at once when nothing is on air.

        Raises:
            DeckLost: the prerolled deck died while waiting; the shot on air goes on.
        """

    async def cut_now(self, take: str) -> Cut:
        """Cut to the prerolled `take` at once.

        Raises:
            DeckLost: the prerolled deck is gone.
        """

    async def ended(self) -> Ended:
        """Wait until the shot on air ended without a successor; its last picture stays (the fallback if it died)."""

    async def clear(self) -> Ended | None:
        """Take everything off the screen so that the fallback shows; return how the shot on air ended."""

    def set_volume(self, take: str, volume: int) -> None:
        """Have `take` heard at `volume` percent from now on; nothing happens unless it is on air."""

    async def blank(self) -> Ended | None:
        """Show plain black on purpose, until the next cut; return how the shot on air ended."""
