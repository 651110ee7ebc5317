"""What the director needs of the stage: shots, cuts, how a shot ended, and the `Screen` protocol.

All instants `_s` are `Clock.monotonic` seconds (CLOCK_BOOTTIME), comparable across the processes of a device.
"""

from typing import Annotated, Protocol

from pydantic import Field

from sync.wire.stream_url import StreamUrl
from sync.wire.value_types import Colour, Fit, MediaKind, Wire

ON_TIME_S = 0.05
"""A cut no later than this counts as made at the instant it was ordered for."""

STAGE_CLOSED = "the stage is closed"
"""The reason of a shot that was on air when the stage ended, with the player or without it."""


class Shot(Wire):
    """What to show in one take, and how: the file at `path`, or the stream at `url` (then `path` is empty).

    `source` is what the deck asks with for a stream; the stage sets it.
    Without `duration_ms` a video or stream plays to its end. With `loop` a shorter video starts again until the
    duration is over. `length_ms` is the measured length of the video itself; the end is planned with it.
    """

    take: str
    path: str
    url: StreamUrl | None = None
    source: str | None = None
    kind: MediaKind
    duration_ms: Annotated[int, Field(ge=1)] | None = None
    length_ms: Annotated[int, Field(ge=1)] | None = None
    loop: bool = False
    fit: Fit = Fit.CONTAIN
    background: Colour = "#000000"
    volume: Annotated[int, Field(ge=0, le=100)] = 100


class Ended(Wire):
    """How a shot ended. `reason`: `eof`, `duration`, `cut` (by a cut before its end), or what failed.

    `ended_s` is when its own time was over, or its deck was last heard of. Its last picture may have stood on until
    `left_s`, when it left the display; None: it left then, or stands still.
    `still_ms`: of the time until `ended_s` the picture stood so long that should have changed, or was `covered`.
    """

    take: str
    started_s: float
    ended_s: float
    left_s: float | None = None
    reason: str
    failed: bool = False
    deck_lost: bool = False  # its deck was lost for another reason: not the media's fault
    frames_lost: int | None = None
    frames_shown: int | None = None
    still_ms: int = 0
    covered: bool = False

    @property
    def gone_s(self) -> float:
        """When its picture left the display, as far as that is known."""
        return self.ended_s if self.left_s is None else self.left_s


class Cut(Wire):
    """One cut on the screen: what came, when by the plan, and what left (None: nothing was on).

    `at_s` is the instant the cut was ordered for, if the first frame stood within `ON_TIME_S` of it. What left ends and
    what came begins at this one instant, so a chain of cuts does not drift.
    """

    take: str
    at_s: float
    previous: Ended | None = None


class StreamAccess(Protocol):
    """How streams are reached; `player.streams.gateway` is it."""

    received_bytes: int
    """Of streams over HTTP, since start."""

    async def source(self, url: str) -> str:
        """Return what a deck opens instead of `url`.

        Raises:
            MediaUnplayable: the stream may not or cannot be reached.
        """

    def refusal(self, url: str) -> str:
        """Return what was refused of the stream since it was opened last; empty if nothing was."""


class Screen(Protocol):
    """What the director needs of a stage. At most one shot is on air, and at most one more is prerolled.

    Every method may be cancelled. A cancelled cut is undone and changes nothing on the screen. If it is too late for
    that, the cut is returned instead of the cancellation.
    """

    async def preroll(self, shot: Shot, *, at_once: bool = False) -> None:
        """Load `shot` into the hidden window and pause it on its first frame; replaces what was prerolled before.

        With `at_once`, or when nothing is on air to wait for, it is not paused. It is then ready in a fraction of the
        time and misses a frame or two of its beginning. If it has to wait after all, it is loaded again.

        Raises:
            MediaUnplayable: the media cannot be shown; skip it, and count it towards quarantine.
            DeckLost: the hidden deck died or hung, not because of the media; it is being replaced.
            DeckMissing: it cannot be started, and the shot on air is over: `clear`, and its deck shows the next one.
        """

    async def cut_at_end(self, take: str, *, deadline_s: float | None = None) -> Cut:
        """Wait until the shot on air ends or fails, or `deadline_s` comes; then cut to the prerolled `take`.

        Cuts at once when nothing is on air.

        Raises:
            DeckLost: the prerolled shot's deck was lost while waiting; the shot on air goes on.
        """

    async def cut_now(self, take: str) -> Cut:
        """Cut to the prerolled `take` at once.

        Raises:
            DeckLost: the prerolled shot's deck was lost.
        """

    async def ended(self) -> Ended:
        """Wait until the shot on air is over; return how.

        Its last picture stays, and `left_s` is None, until it is cut, cleared or blanked away; with its deck it went.
        """

    def so_far(self, take: str) -> Ended | None:
        """Return how `take` ended, though its last picture may stay; while it goes on, as if it were cut now.

        Only what its deck vouches for counts. None: it is neither the last take on the screen nor the one before that.
        """

    async def clear(self) -> Ended | None:
        """Hide both decks so that the fallback shows; return how the shot on air ended, and when its picture left."""

    def set_volume(self, take: str, volume: int) -> None:
        """Play `take` at `volume` percent from now on; ignored if it is not on air."""

    async def blank(self) -> Ended | None:
        """Show black until the next cut; return how the shot on air ended, and when its picture left."""
