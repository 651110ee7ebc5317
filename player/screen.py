"""What the director and the stage say to each other, and the lines between stage and deck: one JSON object each.

All instants `_s` are `Clock.monotonic` seconds (CLOCK_BOOTTIME), comparable across the processes of a device.
"""

from typing import Annotated, Literal, Protocol

from pydantic import Field, TypeAdapter

from player.motion import PlaybackFacts
from sync.release import Fit, MediaKind
from sync.streaming import StreamUrl
from sync.wire import Colour, Wire

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

    def tune(self, take: str, volume: int) -> None:
        """Have `take` heard at `volume` percent from now on; nothing happens unless it is on air."""

    async def blank(self) -> Ended | None:
        """Show plain black on purpose, until the next cut; return how the shot on air ended."""


# ── stage to deck ──────────────────────────────────────────────────────────────────────────────────────────────────


class Load(Wire):
    """Open a shot out of sight, and hold its first frame; with `at_once` it runs on from there.

    Sent again with `at_once` while it is being loaded: do so now. `Loaded` is answered once.
    """

    do: Literal["load"] = "load"
    shot: Shot
    at_once: bool = False


class Show(Wire):
    """Un-pause and raise what was loaded, at `at_s` or at once. Another one before that replaces this one."""

    do: Literal["show"] = "show"
    take: str
    at_s: float | None = None


class CancelShow(Wire):
    """Take a `show` back, if `take` is not raised yet; `held` is answered in any case."""

    do: Literal["hold"] = "hold"
    take: str


class Tune(Wire):
    """Have `take` heard at `volume` percent from now on; no word if it is not on air."""

    do: Literal["tune"] = "tune"
    take: str
    volume: Annotated[int, Field(ge=0, le=100)]


class Route(Wire):
    """Be heard on the output called `device` from now on; empty: on the system's."""

    do: Literal["route"] = "route"
    device: str


class Hide(Wire):
    """Stop and forget `take` (None: whatever is there), take the window off the screen."""

    do: Literal["hide"] = "hide"
    take: str | None = None


class Blank(Wire):
    """Stop what plays and cover the screen with plain black, until `hide` or the next `load`."""

    do: Literal["blank"] = "blank"


class Quit(Wire):
    """Release libVLC and end."""

    do: Literal["quit"] = "quit"


DeckCommand = Annotated[Load | Show | CancelShow | Tune | Route | Hide | Blank | Quit, Field(discriminator="do")]
COMMAND: TypeAdapter[DeckCommand] = TypeAdapter(DeckCommand)

# ── deck to stage ──────────────────────────────────────────────────────────────────────────────────────────────────


class Ready(Wire):
    """The deck is up: its X window and the libVLC it runs on."""

    event: Literal["ready"] = "ready"
    window: int
    libvlc: str


class Loaded(Wire):
    """The first frame stands in the hidden window, or stood and the shot runs on."""

    event: Literal["loaded"] = "loaded"
    take: str
    took_ms: int


class ShotShown(Wire):
    """The window was raised at `raised_s`; its times count from `at_s`, the instant it was ordered for or that one."""

    event: Literal["shown"] = "shown"
    take: str
    at_s: float
    raised_s: float


class ShowCancelled(Wire):
    """An order to show `take` no longer stands; if it was raised before, `shown` was told before."""

    event: Literal["held"] = "held"
    take: str


class Ends(Wire):
    """The shot on air will be over at `at_s`, for `reason` as in `Finished`; told again if that changes.

    Told once more shortly before, with the frames lost so far: by then the next shot may be on air.
    """

    event: Literal["ends"] = "ends"
    take: str
    at_s: float
    reason: str
    frames_lost: int | None = None


class Hidden(Wire):
    """The window is off the screen; `take` is what it held."""

    event: Literal["hidden"] = "hidden"
    take: str | None = None


class Blanked(Wire):
    """The window covers the screen with black since `at_s`."""

    event: Literal["blanked"] = "blanked"
    at_s: float


class Finished(Wire):
    """The shot reached its end (`eof`) or its duration (`duration`); the last frame stays."""

    event: Literal["finished"] = "finished"
    take: str
    at_s: float
    reason: str
    frames_lost: int | None = None


class Broken(Wire):
    """The media cannot be shown, or stopped being shown, in the decoder's own words where it has any.

    `seen`: nothing failed, but the picture on air stands still or is black.
    """

    event: Literal["broken"] = "broken"
    take: str
    reason: str
    seen: bool = False


class DeckPulse(PlaybackFacts):
    """Sent five times a second by a deck whose loop still turns; silence means a hang."""

    event: Literal["pulse"] = "pulse"
    take: str | None = None
    media_ms: int | None = None
    frames_lost: int | None = None
    still_ms: int | None = None  # of the take on air, a video: time without a newly painted picture, so far
    black_ms: int | None = None  # of the take on air: time it was black, by a few pixels
    stands: bool = False  # of the take on air, a video: nothing new is painted, its media time stands (a suspicion)
    kicks: int | None = None  # of the take on air, a video: how often libVLC had to be told again to go on


DeckEvent = Annotated[
    Ready | Loaded | ShotShown | ShowCancelled | Ends | Hidden | Blanked | Finished | Broken | DeckPulse,
    Field(discriminator="event"),
]
DECK_EVENT: TypeAdapter[DeckEvent] = TypeAdapter(DeckEvent)
