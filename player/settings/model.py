"""The model of the player's settings: every field with its limits, its default and its unit.

An unknown field is an error that names it.
"""

from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, HttpUrl, SecretStr, field_validator
from pydantic_settings import NoDecode

from player.platform.decoders import Decoding
from player.platform.geometry import Turn
from sync.runtime.default_folders import state_folder
from sync.wire.base import Colour, Name
from sync.wire.release import Fit, LocalWindow


def _check_zone(value: str) -> str:
    if value:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is not an IANA time zone such as Europe/Berlin") from error
    return value


def _split_at_commas(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _on_or_off(value: Any) -> Any:
    """Accept true and false, as in older files."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


def _to_number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Zone = Annotated[str, AfterValidator(_check_zone)]

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_at_commas)]
"""A list of names; in the environment written as `a.example,b.example`."""


class Section(BaseModel):
    """One table of `player.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OriginSettings(Section):
    """Where content comes from."""

    url: HttpUrl = HttpUrl("http://127.0.0.1:8090")
    name: Name = "signage player"  # the name of this screen in the console
    enrolment_key: SecretStr | None = None  # without it the screen shows a code for pairing
    poll_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    heartbeat_s: Annotated[float, Field(ge=1, le=3_600)] = 30.0


class StorageSettings(Section):
    """Where content and proof of play are stored."""

    state_dir: Path = Field(default_factory=lambda: state_folder("signage-player"))
    reserve_bytes: Annotated[int, Field(ge=0)] = 256 * 1024 * 1024  # kept free for the system


class VenueSettings(Section):
    """Where the screen is installed."""

    zone: Zone = ""  # empty: that of the release


class PlaybackSettings(Section):
    """How media are shown."""

    volume: Annotated[int, Field(ge=0, le=100)] = 100
    fit: Fit = Fit.CONTAIN  # of items without their own: contain, cover or fill
    background: Colour = "#000000"  # around items without their own, and around the fallback picture
    fallback: Path | None = None  # your own picture; empty: that of the release, or the built-in one
    picture_ms: Annotated[int, Field(ge=100)] = 10_000  # duration of a picture whose item has none
    hardware_decoding: Annotated[Decoding, BeforeValidator(_on_or_off)] = "auto"  # auto: on if libVLC can use it


class QuietHours(LocalWindow):
    """A weekly window with another volume, in the local time of the venue. Its weekdays are those of its start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("weekdays")
    @classmethod
    def _some_days(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if not days:
            raise ValueError("name at least one weekday, 1 (Monday) to 7 (Sunday)")
        return days


class AudioSettings(Section):
    """The sound. The volume is `playback.volume`."""

    device: Annotated[str, Field(max_length=256)] = ""  # name of the audio output; empty: that of the system
    muted: bool = False
    quiet_hours: tuple[QuietHours, ...] = ()
    quiet_volume: Annotated[int, Field(ge=0, le=100)] = 0  # percent in quiet hours, if it is lower than playback.volume
    normalise: bool = True  # play all media equally loud, as measured by the origin
    target_lufs: Annotated[float, Field(ge=-40, le=-5)] = -23.0  # loudness after EBU R128; lower is quieter


class DisplaySettings(Section):
    """The display that the player fills."""

    output: Annotated[str, Field(max_length=64)] = ""  # such as HDMI-1; empty: the primary, or the first connected
    rotation: Annotated[Turn, BeforeValidator(_to_number)] = 0  # rotation of the picture, in degrees clockwise


class EndpointSettings(Section):
    """The HTTP endpoint of the device; on other addresses than loopback it needs a certificate and a key."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    allowed_hosts: Names = ()  # host names of this device, besides localhost and `host`


class RecoverySettings(Section):
    """What the player may do when it cannot repair the picture."""

    reboot: bool = False  # reboot the device, once a day at most, after a restart of the player did not help


class LoggingSettings(Section):
    """The log."""

    level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"


class Settings(Section):
    """All settings of the player."""

    origin: OriginSettings = OriginSettings()
    storage: StorageSettings = Field(default_factory=StorageSettings)
    venue: VenueSettings = VenueSettings()
    playback: PlaybackSettings = PlaybackSettings()
    display: DisplaySettings = DisplaySettings()
    audio: AudioSettings = AudioSettings()
    endpoint: EndpointSettings = EndpointSettings()
    recovery: RecoverySettings = RecoverySettings()
    logging: LoggingSettings = LoggingSettings()
