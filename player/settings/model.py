"""The player's settings: defaults, then `player.toml`, then what the endpoint accepted, then the environment.

Every default stands here with its unit; a field nobody knows is an error that names it.
"""

from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, SecretStr, field_validator
from pydantic_settings import NoDecode

from player.platform.decoders import Decoding
from player.platform.geometry import Turn
from sync.wire.base import Colour, Name
from sync.wire.release import Fit, LocalWindow


def _known_zone(value: str) -> str:
    if value:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is not an IANA time zone such as Europe/Berlin") from error
    return value


def _at_commas(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _was_bool(value: Any) -> Any:
    """Read the true and false of older files."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Zone = Annotated[str, AfterValidator(_known_zone)]

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_at_commas)]
"""A list of names; in the environment `a.example,b.example`."""


class Section(BaseModel):
    """One table of `player.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OriginSettings(Section):
    """Where content comes from."""

    url: HttpUrl = HttpUrl("http://127.0.0.1:8090")
    name: Name = "signage player"  # how people find this screen in the console
    enrolment_key: SecretStr | None = None  # without it a code is shown on the screen
    poll_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    heartbeat_s: Annotated[float, Field(ge=1, le=3_600)] = 30.0


class StorageSettings(Section):
    """Where content and proof are kept."""

    state_dir: Path = Path("/var/lib/signage-player")
    reserve_bytes: Annotated[int, Field(ge=0)] = 256 * 1024 * 1024  # left free for the system


class VenueSettings(Section):
    """Where the screen hangs."""

    zone: Zone = ""  # empty: the release's


class PlaybackSettings(Section):
    """How things are shown."""

    volume: Annotated[int, Field(ge=0, le=100)] = 100
    fit: Fit = Fit.CONTAIN  # of what does not say: contain, cover or fill
    background: Colour = "#000000"  # beside what does not say, and beside the fallback picture
    fallback: Path | None = None  # a picture of your own; else the release's, else ours
    picture_ms: Annotated[int, Field(ge=100)] = 10_000  # a picture whose item gives no duration
    hardware_decoding: Annotated[Decoding, BeforeValidator(_was_bool)] = "auto"  # auto: if libVLC can use a decoder


class QuietHours(LocalWindow):
    """A weekly window in the venue's local time in which the screen is quiet; over midnight it belongs to its start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("weekdays")
    @classmethod
    def _some_days(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if not days:
            raise ValueError("name at least one weekday, 1 (Monday) to 7 (Sunday)")
        return days


class AudioSettings(Section):
    """What is heard. The volume is `playback.volume`."""

    device: Annotated[str, Field(max_length=256)] = ""  # the output it comes from, by its name; empty: the system's
    muted: bool = False
    quiet_hours: tuple[QuietHours, ...] = ()
    quiet_volume: Annotated[int, Field(ge=0, le=100)] = 0  # percent in quiet hours, if that is less
    normalise: bool = True  # play everything equally loud, as measured when it was taken in
    target_lufs: Annotated[float, Field(ge=-40, le=-5)] = -23.0  # how loud: EBU R128; lower is quieter


class DisplaySettings(Section):
    """What the stage fills."""

    output: Annotated[str, Field(max_length=64)] = ""  # such as HDMI-1; empty: the primary, else the first plugged in
    rotation: Annotated[Turn, BeforeValidator(_number)] = 0  # degrees clockwise the picture is turned


class EndpointSettings(Section):
    """The local HTTP endpoint; beyond loopback it needs a certificate and key."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    allowed_hosts: Names = ()  # names it may be called by, beside localhost and `host`


class RecoverySettings(Section):
    """How far the player may go when the picture cannot be mended otherwise."""

    reboot: bool = False  # the device, at most once a day, when a restart of the player did not help


class LoggingSettings(Section):
    """What goes to the journal."""

    level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"


class Settings(Section):
    """All of it."""

    origin: OriginSettings = OriginSettings()
    storage: StorageSettings = StorageSettings()
    venue: VenueSettings = VenueSettings()
    playback: PlaybackSettings = PlaybackSettings()
    display: DisplaySettings = DisplaySettings()
    audio: AudioSettings = AudioSettings()
    endpoint: EndpointSettings = EndpointSettings()
    recovery: RecoverySettings = RecoverySettings()
    logging: LoggingSettings = LoggingSettings()
