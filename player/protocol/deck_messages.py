"""The messages between the stage and a deck: one JSON object a line, over pipes."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from player.protocol.stage_interface import Shot
from sync.wire.value_types import Wire


class PlaybackFacts(Wire):
    """Facts about the video on air; all None for pictures, each None while unknown."""

    fps: float | None = None  # as the media says
    painted_fps: float | None = None  # as counted in the window, within the last second
    codec: str | None = None  # such as `h264`
    hardware: bool | None = None  # decoded in hardware; None: libVLC does not say
    sound: str | None = None  # the name of the audio output; None: there is no sound


# ── stage to deck ──────────────────────────────────────────────────────────────────────────────────────────────────


class Load(Wire):
    """Load a shot into the hidden window and pause it on its first frame; with `at_once` it plays on.

    May be sent again with `at_once` while the shot is being loaded; it is then loaded in that way. `Loaded` comes once.
    """

    do: Literal["load"] = "load"
    shot: Shot
    at_once: bool = False


class Show(Wire):
    """Show the loaded shot at `at_s`, or at once. A later `Show` replaces an earlier one."""

    do: Literal["show"] = "show"
    take: str
    at_s: float | None = None


class CancelShow(Wire):
    """Cancel the `Show` of `take` if it is not shown yet; `ShowCancelled` is sent in any case."""

    do: Literal["cancel_show"] = "cancel_show"
    take: str


class SetVolume(Wire):
    """Play `take` at `volume` percent from now on; ignored if it is not on air."""

    do: Literal["set_volume"] = "set_volume"
    take: str
    volume: Annotated[int, Field(ge=0, le=100)]


class SetAudioDevice(Wire):
    """Play sound on the output called `device` from now on; empty: on the system's."""

    do: Literal["set_audio_device"] = "set_audio_device"
    device: str


class Hide(Wire):
    """Hide the window, and drop `take` (None: any shot)."""

    do: Literal["hide"] = "hide"
    take: str | None = None


class Blank(Wire):
    """Drop the shot and cover the screen with black, until the next `Hide` or `Load`."""

    do: Literal["blank"] = "blank"


class Quit(Wire):
    """End the deck."""

    do: Literal["quit"] = "quit"


DeckCommand = Annotated[
    Load | Show | CancelShow | SetVolume | SetAudioDevice | Hide | Blank | Quit, Field(discriminator="do")
]
COMMAND: TypeAdapter[DeckCommand] = TypeAdapter(DeckCommand)

# ── deck to stage ──────────────────────────────────────────────────────────────────────────────────────────────────


class Ready(Wire):
    """The deck takes commands: its X window, the version of libVLC, and the code that it was started from."""

    event: Literal["ready"] = "ready"
    window: int
    libvlc: str
    code: str = ""


class Loaded(Wire):
    """The first frame stands in the hidden window, or stood there and the shot plays on."""

    event: Literal["loaded"] = "loaded"
    take: str
    took_ms: int


class ShotShown(Wire):
    """The window is on the display since `raised_s`. Times count from `at_s`: the ordered instant, or `raised_s`."""

    event: Literal["shown"] = "shown"
    take: str
    at_s: float
    raised_s: float


class ShowCancelled(Wire):
    """There is no order to show `take` any more. If it was shown before, `ShotShown` was sent before."""

    event: Literal["show_cancelled"] = "show_cancelled"
    take: str


class EndAnnounced(Wire):
    """The shot on air will end at `at_s`, for a `reason` as in `ShotFinished`; sent again when that changes.

    Sent once more shortly before the end with the frames so far: at the end the next shot may already be on air.
    """

    event: Literal["end_announced"] = "end_announced"
    take: str
    at_s: float
    reason: str
    frames_lost: int | None = None
    frames_shown: int | None = None


class Hidden(Wire):
    """The window is hidden; `take` is the shot it had."""

    event: Literal["hidden"] = "hidden"
    take: str | None = None


class Blanked(Wire):
    """The window covers the screen with black since `at_s`."""

    event: Literal["blanked"] = "blanked"
    at_s: float


class ShotFinished(Wire):
    """The shot reached the end of its media (`eof`) or its duration (`duration`); the last frame stays."""

    event: Literal["finished"] = "finished"
    take: str
    at_s: float
    reason: str
    frames_lost: int | None = None
    frames_shown: int | None = None


class ShotFailed(Wire):
    """The shot cannot be shown, or stopped being shown; `reason` is libVLC's own message where there is one.

    `seen_on_screen`: nothing reported an error, but the picture on air does not change or is black.
    """

    event: Literal["failed"] = "failed"
    take: str
    reason: str
    seen_on_screen: bool = False


class DeckPulse(PlaybackFacts):
    """Sent at `at_s`, five times a second while the deck's loop runs. A deck that sends none hangs."""

    event: Literal["pulse"] = "pulse"
    at_s: float = 0.0
    take: str | None = None
    media_ms: int | None = None
    frames_lost: int | None = None
    frames_shown: int | None = None  # of a video or stream: pictures painted on the display
    still_ms: int | None = None  # of the take on air: time its picture stood that should have changed, or was covered
    covered: bool = False  # the window of the take on air was covered, moved or hidden at some look so far
    black_ms: int | None = None  # of the take on air: time it was black, by a few pixels
    seems_frozen: bool = False  # the video on air: no new picture and no media time (a suspicion)


ShotEvent = Loaded | ShotShown | ShowCancelled | EndAnnounced | ShotFinished | ShotFailed
DeckEvent = Annotated[Ready | ShotEvent | Hidden | Blanked | DeckPulse, Field(discriminator="event")]
DECK_EVENT: TypeAdapter[DeckEvent] = TypeAdapter(DeckEvent)
