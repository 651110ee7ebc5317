"""The origin's settings: defaults, then `origin.toml`, then the environment (`SIGNAGE_ORIGIN__SECTION__KEY`)."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, model_validator

from sync.errors import StorageBroken
from sync.roles import Role
from sync.runtime.default_folders import data_folder
from sync.wire.settings_section import SHORTEST_ENROLMENT_KEY, LoggingSettings, Section
from sync.wire.value_types import Identifier

GIB = 1024**3


def _check_network(text: str) -> str:
    try:
        ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise ValueError("give addresses and networks, such as 10.1.2.3 and 10.0.0.0/8; names do not count") from error
    return text.strip()


class ServerSettings(Section):
    """Where the origin listens.

    Beyond loopback put TLS in front (nginx, Caddy, a load balancer), because tokens travel in headers. The proxy has to
    pass on the Host header, or pages are taken for foreign ones.
    """

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8090
    """The port to listen on."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names of the origin, besides localhost, `host` and plain IP addresses. Others are refused (DNS rebinding).

    For example ["signage.example.com"].
    """
    trusted_proxies: tuple[Annotated[str, AfterValidator(_check_network)], ...] = ("127.0.0.1", "::1")
    """Addresses and networks of the proxies before the origin. Who asks is what they say, and nobody else.

    They have to set or remove X-Forwarded-For and X-Forwarded-Proto, or callers can make up where they come from. By
    default a proxy on this machine. []: there is no proxy.
    """

    x_accel_redirect: Annotated[str, Field(pattern=r"^(/([A-Za-z0-9_.-]+/)+)?$")] = ""
    """The internal location, such as "/origin-content/", in which an nginx before this origin has `data_dir/content`.

    nginx then sends large files, which the origin only allows (`X-Accel-Redirect`); config/nginx.conf shows how. Each
    of the `trusted_proxies` has to be such an nginx. Empty: the origin sends them itself.
    """

    @property
    def trusted_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`trusted_proxies` as networks."""
        return tuple(ip_network(network, strict=False) for network in self.trusted_proxies)


class OriginStorageSettings(Section):
    """Where the origin keeps its data."""

    data_dir: Path = Field(default_factory=lambda: data_folder("signage-origin"))
    """The folder of uploads, content, signing keys and, without `database_url`, the database.

    Without this line an ordinary user gets `~/.local/share/signage-origin`.
    """
    database_url: str = ""
    """Empty: SQLite in `data_dir`. Several origins share "postgresql+asyncpg://user:password@host/database"."""
    reserve_bytes: Annotated[int, Field(ge=0)] = GIB // 4
    """Uploads are refused if they would leave fewer bytes free than this."""


class UploadSettings(Section):
    """Limits of uploads."""

    largest_bytes: Annotated[int, Field(ge=1)] = 8 * GIB
    """The size of the largest file that people may send, in bytes."""
    expire_after_s: Annotated[float, Field(ge=1)] = 86_400.0
    """An unfinished upload is removed when nobody continues it for this long, in seconds."""


class PipelineSettings(Section):
    """Limits of the media pipeline. Each job is a child process."""

    workers: Annotated[int, Field(ge=0, le=64)] = 0
    """How many large media are processed at the same time, and beside them as many small ones.

    0: by processors. Small ones one more than there are, large ones one for four of them; beside a player one of each.
    Whatever this says, they wait for each other where there is not enough free memory for all.
    """
    longest_s: Annotated[float, Field(ge=1)] = 4 * 3_600.0
    """A job that takes longer, in seconds, is stopped, and its file fails. Most jobs get less, by their size."""
    memory_bytes: Annotated[int, Field(ge=64 * 1024**2)] = 2 * GIB
    """A job that needs more memory, in bytes, is stopped, and its file fails. Most jobs get less, by their size."""
    priority: Literal["auto", "idle", "nice", "normal"] = "auto"
    """The priority of jobs: idle (they get what nothing else needs), nice, or normal, as the origin itself.

    auto: idle where a player is installed or runs on this machine, else nice.
    """
    longest_edge: Annotated[int, Field(ge=16)] = 3840
    """Pictures are reduced to this many pixels on their longer edge."""
    largest_pixels: Annotated[int, Field(ge=1)] = 120_000_000
    """A picture or film with more pixels in a frame is refused as a decompression bomb."""
    retry_first_s: Annotated[float, Field(gt=0)] = 5.0
    """The first wait, in seconds, before a job that failed for a passing reason is tried again."""


class PublishSettings(Section):
    """How releases are signed, and how devices pair by themselves."""

    valid_for_s: Annotated[float, Field(ge=60)] = 30 * 86_400.0
    """How long devices accept new content under one signature, in seconds.

    Signatures are renewed in time. Expiry never blanks a screen.
    """
    enrolment_key: SecretStr | None = Field(None, examples=["a long random text"])
    """Devices that know this key are paired without a person. It has at least 16 letters. Without it: by code only."""
    enrolment_channel: Identifier = "main"
    """The channel of those devices."""

    mirrors: Annotated[tuple[HttpUrl, ...], Field(max_length=8)] = ()
    """Other servers of the content tree (`/content/`), such as a CDN: devices fetch media from them first.

    They are named in each signed timestamp; nobody has to trust them.
    """

    late_at_most_s: Annotated[float, Field(ge=0)] = 6 * 3_600.0
    """A planned publication that could not be carried out at its time is done this long after it, in seconds.

    After that it is missed, which is told.
    """

    @property
    def usable_enrolment_key(self) -> str:
        """The enrolment key; empty if there is none, or one so short that it can be guessed from a proof."""
        key = "" if self.enrolment_key is None else self.enrolment_key.get_secret_value()
        return key if len(key) >= SHORTEST_ENROLMENT_KEY else ""


def _check_provider_address(text: str) -> str:
    if text and not re.match(r"https://[^/?#]|http://(localhost|127\.0\.0\.1|\[::1\])(:|/|$)", text):
        raise ValueError("give an address with https (http only on this machine), such as https://login.example.com")
    return text


class OidcSettings(Section):
    """A provider of identities by which people log in (OpenID Connect), such as that of a company. None by default.

    At the provider this origin is a web application (code flow with PKCE), and the address of its console is where
    browsers come back. Name and password, passkeys and keys go on working, also when the provider does not.
    """

    issuer: Annotated[str, AfterValidator(_check_provider_address)] = ""
    """The issuer, as the provider writes it, such as "https://login.example.com/realms/shops". Empty: there is none."""
    client_id: str = ""
    """As whom the provider knows this origin."""
    client_secret: SecretStr | None = Field(None, examples=["what the provider gave"])
    """The secret that goes with it. Better in the environment, or in a file of its own."""
    client_secret_file: str = ""
    """A file that has the secret and nothing else."""
    console: Annotated[str, AfterValidator(_check_provider_address)] = ""
    """The address of the console as people open it, such as "https://signage.example.com/"; the redirect URI."""
    label: str = "the company account"
    """What the button says after "Log in with"."""
    scopes: tuple[str, ...] = ("openid", "profile")
    """What the provider is asked for; "openid" has to be among them."""
    role_claim: str = ""
    """The claim of the token that says the role, such as "groups". Empty: only accounts that are linked get in."""
    roles: dict[str, Role] = Field(default_factory=dict)
    """Which value of it gives which role, such as { "signage-editors" = "editor" }; the greatest one counts.

    Who has none of them, and no linked account, does not get in.
    """
    session_s: Annotated[int, Field(ge=300, le=7 * 86_400)] = 3_600
    """How long such a session lasts, in seconds: who is taken away at the provider is out after this time."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.issuer and not (self.client_id and self.console):
            raise ValueError("issuer needs client_id and console")
        return self

    @property
    def secret(self) -> str:
        """The secret, empty if there is none.

        Raises:
            StorageBroken: its file cannot be read.
        """
        if self.client_secret is not None:
            return self.client_secret.get_secret_value()
        if not self.client_secret_file:
            return ""
        try:
            return Path(self.client_secret_file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise StorageBroken(f"oidc.client_secret_file {self.client_secret_file} cannot be read: {error}") from error


class RetentionSettings(Section):
    """What is kept of content that is no longer needed.

    Content is needed while a media shows it, a kept release names it, or a device plays or prepares such a release.
    """

    previous: Annotated[int, Field(ge=0, le=1_000)] = 5
    """How many releases before the one in force are kept, of each channel."""
    grace_s: Annotated[float, Field(ge=3_600)] = 7 * 86_400.0
    """Everything else is kept this long after its last need, in seconds; so are failed uploads that can be retried."""
    archive_plays_after_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """Plays of days that are longer ago than this become Parquet files below data_dir/plays; 0: they stay in the
    database. It needs the extra `archive`. Reports and exports read both."""
    versions_days: Annotated[int, Field(ge=0, le=36_500)] = 730
    """How long versions of playlists, schedules and campaigns stay after another one followed, in days; 0: for ever.
    The newest, the ready one and those of reviews stay. What is gone cannot be compared or taken back."""
    audit_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """How long entries of the audit log stay, in days; 0: for ever. Export them before, see /v1/audit/export. The log
    says when it was cut."""
    dry_run: bool = False
    """true: nothing is deleted. /metrics, /v1/storage and `signage-origin storage` tell what could be."""


class OriginConfiguration(Section):
    """All settings of the origin."""

    server: ServerSettings = ServerSettings()
    storage: OriginStorageSettings = Field(default_factory=OriginStorageSettings)
    uploads: UploadSettings = UploadSettings()
    pipeline: PipelineSettings = PipelineSettings()
    publish: PublishSettings = PublishSettings()
    oidc: OidcSettings = OidcSettings()
    retention: RetentionSettings = RetentionSettings()
    logging: LoggingSettings = LoggingSettings()
