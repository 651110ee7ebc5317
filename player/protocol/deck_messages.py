"""The messages between the stage and a deck: one JSON object a line, over pipes."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from player.protocol.screen import Shot
from sync.wire.base import Wire


class PlaybackFacts(Wire):
    """The frames a second of the media and of the window, and libVLC's decoder; None for pictures, or while unknown."""

    fps: float | None = None
    painted_fps: float | None = None  # counted since it was last told
    codec: str | None = None  # such as `h264`
    hardware: bool | None = None  # whether it is decoded in hardware; None: libVLC does not say
    sound: str | None = None  # the output it is heard on, by its name; None: nothing is to be heard


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

    do: Literal["cancel_show"] = "cancel_show"
    take: str


class SetVolume(Wire):
    """Have `take` heard at `volume` percent from now on; no word if it is not on air."""

    do: Literal["set_volume"] = "set_volume"
    take: str
    volume: Annotated[int, Field(ge=0, le=100)]


class SetAudioDevice(Wire):
    """Be heard on the output called `device` from now on; empty: on the system's."""

    do: Literal["set_audio_device"] = "set_audio_device"
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


DeckCommand = Annotated[
    Load | Show | CancelShow | SetVolume | SetAudioDevice | Hide | Blank | Quit, Field(discriminator="do")
]
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

    event: Literal["show_cancelled"] = "show_cancelled"
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
    seen_on_screen: bool = False


class DeckPulse(PlaybackFacts):
    """Sent five times a second by a deck whose loop still turns; silence means a hang."""

    event: Literal["pulse"] = "pulse"
    take: str | None = None
    media_ms: int | None = None
    frames_lost: int | None = None
    still_ms: int | None = None  # of the take on air, a video: time without a newly painted picture, so far
    black_ms: int | None = None  # of the take on air: time it was black, by a few pixels
    seems_frozen: bool = False  # of the video on air: no new picture and no media time (a suspicion)


DeckEvent = Annotated[
    Ready | Loaded | ShotShown | ShowCancelled | Ends | Hidden | Blanked | Finished | Broken | DeckPulse,
    Field(discriminator="event"),
]
DECK_EVENT: TypeAdapter[DeckEvent] = TypeAdapter(DeckEvent)
