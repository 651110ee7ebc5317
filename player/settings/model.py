"""The model of the player's settings: every field with its limits, its default and its unit.

An unknown field is an error that names it.
"""

import math
import re
from pathlib import Path
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from player.platform.decoders import Decoding
from player.platform.geometry import Turn
from sync.runtime.default_folders import state_folder
from sync.wire.release import Fit, LocalWindow
from sync.wire.settings_section import SHORTEST_ENROLMENT_KEY, LoggingSettings, Section
from sync.wire.value_types import Colour, Name


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


def _without_credentials(url: HttpUrl) -> HttpUrl:
    """Refuse an address with a password: it would stand in the log, and requests have a token already."""
    if url.username is not None or url.password is not None:
        raise ValueError("leave the user and the password out of the address of the origin")
    return url


def _check_enrolment_key(key: SecretStr | None) -> SecretStr | None:
    if key and len(key) < SHORTEST_ENROLMENT_KEY:
        raise ValueError(
            f"give the key of the origin, at least {SHORTEST_ENROLMENT_KEY} letters: it is proven, "
            "and a shorter one could be found out from its proof"
        )
    return key


def _check_proxy(proxy: SecretStr | None) -> SecretStr | None:
    """Refuse what is no address of an HTTP proxy, without repeating it: it may hold a password."""
    text = "" if proxy is None else proxy.get_secret_value()
    if text in ("", "none"):
        return proxy
    try:
        scheme = HttpUrl(text if "://" in text else f"http://{text}").scheme
    except ValidationError:
        scheme = ""
    if text.lower().startswith("socks"):
        raise ValueError("SOCKS proxies cannot be used: give the address of an HTTP proxy")
    if scheme != "http":
        raise ValueError('give the address of an HTTP proxy such as http://proxy.example:3128, or "none"')
    return proxy


Zone = Annotated[str, AfterValidator(_check_zone)]

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_at_commas)]
"""A list of names; in the environment written as `a.example,b.example`."""

Mirrors = Annotated[
    tuple[Annotated[HttpUrl, AfterValidator(_without_credentials)], ...],
    NoDecode,
    BeforeValidator(_split_at_commas),
    Field(max_length=8),
]
"""A list of addresses, written likewise."""


def _check_ports(ranges: tuple[str, ...]) -> tuple[str, ...]:
    for each in ranges:
        ends = [int(end) for end in each.split("-")] if re.fullmatch(r"[0-9]{1,5}(-[0-9]{1,5})?", each) else []
        if not (ends and 1 <= ends[0] <= ends[-1] <= 65_535):
            raise ValueError(f"{each[:20]!r} is not a port such as 8554, or a range such as 9000-9100")
    return ranges


def _ports_as_text(value: Any) -> Any:
    value = _split_at_commas(value)
    return [str(port) if type(port) is int else port for port in value] if isinstance(value, list) else value


Ports = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_ports_as_text), AfterValidator(_check_ports)]
"""A list of ports and ranges of ports; in the environment written as `8554,9000-9100`."""


class OriginSettings(Section):
    """Where content comes from."""

    url: Annotated[HttpUrl, AfterValidator(_without_credentials)] = HttpUrl("http://127.0.0.1:8090")
    """The address of the origin."""
    name: Name = "signage player"
    """The name of this screen in the console of the origin."""
    enrolment_key: Annotated[SecretStr | None, AfterValidator(_check_enrolment_key)] = Field(
        None, examples=["a long random text"]
    )
    """The enrolment key of the origin, of at least 16 letters. Without it the screen shows a code for pairing.

    It is proven, never sent; over plain HTTP to another machine only where `fingerprint` is set.
    """
    fingerprint: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(None, examples=["0123456789abcdef" * 4])
    """What the origin prints with `signage-origin fingerprint`. This screen then pairs with no other origin."""
    proxy: Annotated[SecretStr | None, AfterValidator(_check_proxy)] = Field(
        None, examples=["http://proxy.example:3128"]
    )
    """The HTTP proxy to reach the origin through, with `user:password@` where it wants a login.

    Without it the variables http_proxy, https_proxy, all_proxy and no_proxy count. "none": no proxy at all.
    """
    no_proxy: Names = ()
    """Hosts that are reached without the proxy: names, domains (.example), addresses and networks (10.0.0.0/8)."""
    ca_certificates: Path | None = Field(None, examples=["/etc/signage/company-ca.pem"])
    """The certificates of issuers to trust beside those of the system, as PEM: those of a company, for example."""
    mirrors: Mirrors = ()
    """Other servers of the same files, such as a copy in the venue: media are fetched from them first, in this order.

    Nobody has to trust them. Each serves them at `/content/`. What one does not have comes from the next, at last from
    the origin.
    """
    poll_s: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """How often to ask for a new release, in seconds, where no exchange with the origin has told for twice as long: an
    older one, a server of files alone, a longer `heartbeat_s`. Usually a hint arrives at once."""
    heartbeat_s: Annotated[float, Field(ge=1, le=3_600)] = 60.0
    """How often to exchange with the origin, in seconds: the health of this device and its plays go, news come back."""
    plays_s: Annotated[float, Field(ge=0, le=3_600)] = 60.0
    """How long plays wait for the next exchange, in seconds, before there is one for their sake.

    They are sent at once in the two minutes after a start, when an operator ended one, and when there are 100.
    """


class StorageSettings(Section):
    """Where content and proof of play are stored."""

    state_dir: Path = Field(default_factory=lambda: state_folder("signage-player"))
    """The folder of content, proof of play and the token of the endpoint.

    Better set in the environment: there it is found even if this file cannot be read. Without this line an ordinary
    user gets `~/.local/state/signage-player`.
    """
    reserve_bytes: Annotated[int, Field(ge=0)] = 256 * 1024 * 1024
    """How many bytes of the disk stay free for the system; media that no release names leave twice as much."""


class VenueSettings(Section):
    """Where the screen is installed."""

    zone: Zone = ""
    """The IANA time zone, such as "Europe/Berlin". Empty: the zone of the release, else the zone of this machine."""


class PlaybackSettings(Section):
    """How media are shown."""

    volume: Annotated[int, Field(ge=0, le=100)] = 100
    """The volume in percent. The volume of each item is a percentage of it."""
    fit: Fit = Fit.CONTAIN
    """How media of another shape fill the screen, if their item does not say.

    "contain" shows all of it, "cover" fills the screen and cuts off the rest, "fill" distorts.
    """
    background: Colour = "#000000"
    """The colour beside media, if their item does not say, and behind your fallback picture."""
    fallback: Path | None = Field(None, examples=["/etc/signage/logo.png"])
    """The picture shown when nothing else can be. Without it: the picture of the release, or the built-in one."""
    picture_ms: Annotated[int, Field(ge=100)] = 10_000
    """How long a picture is shown, in milliseconds, if its item does not say."""
    hardware_decoding: Annotated[Decoding, BeforeValidator(_on_or_off)] = "auto"
    """"on", "off", or "auto": on if `signage-player doctor` finds a decoder that libVLC can use."""


class WeeklyWindow(LocalWindow):
    """A weekly window in the local time of the venue. Its weekdays are those of its start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("weekdays")
    @classmethod
    def _some_days(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if not days:
            raise ValueError("name at least one weekday, 1 (Monday) to 7 (Sunday)")
        return days


class QuietHours(WeeklyWindow):
    """A weekly window with another volume."""


class AudioSettings(Section):
    """The sound. The volume is `playback.volume`."""

    device: Annotated[str, Field(max_length=256)] = ""
    """The audio output, by its name in `signage-player doctor`. Empty: the output of the system."""
    muted: bool = False
    """Whether the screen is silent."""
    quiet_hours: tuple[QuietHours, ...] = ()
    """Weekly windows with another volume, in the time of the venue.

    For example [{ start = "22:00", end = "07:00" }], or with weekdays = [1, 2] (1 is Monday).
    """
    quiet_volume: Annotated[int, Field(ge=0, le=100)] = 0
    """The volume in percent during quiet hours, if it is lower than `playback.volume`."""
    normalise: bool = True
    """Whether all media are played equally loud, as measured by the origin."""
    target_lufs: Annotated[float, Field(ge=-40, le=-5)] = -23.0
    """How loud that is (EBU R128, in LUFS). Lower is quieter."""


class DisplaySettings(Section):
    """The display that the player fills."""

    output: Annotated[str, Field(max_length=64)] = ""
    """The output, such as "HDMI-1" (`signage-player doctor` lists them). Empty: the primary, or the first connected."""
    rotation: Annotated[Turn, BeforeValidator(_to_number)] = 0
    """By how many degrees the picture is turned clockwise: 0, 90, 180 or 270."""


Rate = Annotated[int, Field(ge=0, le=100_000_000)] | None


class BandwidthWindow(WeeklyWindow):
    """A weekly window with limits of its own. What it leaves out is not limited in it."""

    all_kbit_s: Rate = None
    line_kbit_s: Rate = None


class BandwidthSettings(Section):
    """How fast media are fetched, and how much in a month. Documents, plays and heartbeats are never stopped."""

    all_kbit_s: Rate = Field(None, examples=[20_000])
    """The limit for media from all sources together, in kbit/s. 0: none are fetched. Without it: no limit."""
    line_kbit_s: Rate = Field(None, examples=[4_000])
    """The same for media that come over the line of the venue: from all sources but those in `venue_hosts`."""
    venue_hosts: Names = ()
    """Hosts of mirrors in the venue, as in their addresses: what comes from them does not use the line."""
    windows: tuple[BandwidthWindow, ...] = ()
    """Weekly windows with other limits, in the time of the venue; the first that is open counts.

    At night alone: all_kbit_s = 0, and here [{ start = "22:00", end = "06:00" }]. Slower while the shop is open:
    [{ start = "09:00", end = "20:00", line_kbit_s = 1000 }].
    """

    month_budget_bytes: Annotated[int, Field(ge=1, le=2**53 - 1)] | None = Field(None, examples=[20_000_000_000])
    """How many bytes this screen may send and receive in a calendar month of the venue. Without it: any number.

    All counts but what comes from `venue_hosts`. When it is spent up to the reserve, no more media are fetched until
    the next month; streams go on, but those whose item says that they end then. A provider counts about 5 % more.
    """
    month_reserve_bytes: Annotated[int, Field(ge=0, le=2**53 - 1)] | None = Field(None, examples=[500_000_000])
    """How many of them are kept for plays, heartbeats and checks. Without it: a tenth."""

    @property
    def month_reserve(self) -> int:
        """The bytes that are kept: those of the setting, else a tenth of the budget."""
        tenth = (self.month_budget_bytes or 0) // 10
        return tenth if self.month_reserve_bytes is None else self.month_reserve_bytes

    @model_validator(mode="after")
    def _budget_for_media(self) -> Self:
        left = math.inf if self.month_budget_bytes is None else self.month_budget_bytes - self.month_reserve
        if left < 64 * 1024:
            raise ValueError(f"{left} bytes of a month are left for media, so this screen would never get new ones")
        return self

    @model_validator(mode="after")
    def _sometimes(self) -> Self:
        counting = ("all_kbit_s",) if self.venue_hosts else ("all_kbit_s", "line_kbit_s")
        if all(any(getattr(one, name) == 0 for name in counting) for one in (self, *self.windows)):
            raise ValueError("with 0 and no window with another limit, this screen would never get new media")
        return self


class StreamSettings(Section):
    """Network streams."""

    own_ports: Ports = Field((), examples=[["8554", "9000-9100"]])
    """Ports of this device that streams may come from, for a stream server on it. No other port of it is reached."""

    def has_own_port(self, port: int) -> bool:
        """Tell whether streams may come from `port` of this device."""
        bounds = [[int(end) for end in each.split("-")] for each in self.own_ports]
        return any(bound[0] <= port <= bound[-1] for bound in bounds)


class EndpointSettings(Section):
    """The HTTP endpoint and page of the device."""

    host: str = "127.0.0.1"
    """The address to listen on. Beyond loopback it needs certificate and key, and every call needs the token."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """The port to listen on."""
    tls_certificate: Path | None = Field(None, examples=["/etc/signage/tls.crt"])
    """The certificate with its chain, as PEM."""
    tls_key: Path | None = Field(None, examples=["/etc/signage/tls.key"])
    """The key of the certificate, as PEM, readable by the user `signage`."""
    allowed_hosts: Names = ()
    """Host names of this device, besides localhost, its address and `host`."""


class RecoverySettings(Section):
    """What the player may do when it cannot repair the picture."""

    reboot: bool = False
    """Whether the device may be rebooted, once a day at most.

    Only when the picture still stands or is black after new decks and a restart of the player.
    """


class Settings(Section):
    """All settings of the player."""

    origin: OriginSettings = OriginSettings()
    storage: StorageSettings = Field(default_factory=StorageSettings)
    venue: VenueSettings = VenueSettings()
    playback: PlaybackSettings = PlaybackSettings()
    display: DisplaySettings = DisplaySettings()
    audio: AudioSettings = AudioSettings()
    bandwidth: BandwidthSettings = BandwidthSettings()
    streams: StreamSettings = StreamSettings()
    endpoint: EndpointSettings = EndpointSettings()
    recovery: RecoverySettings = RecoverySettings()
    logging: LoggingSettings = LoggingSettings()
