"""The origin's settings: defaults, then `origin.toml`, then the environment (`SIGNAGE_ORIGIN__SECTION__KEY`)."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from sync.runtime.default_folders import data_folder
from sync.wire.base import Identifier

GIB = 1024**3


class Section(BaseModel):
    """One table of `origin.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(Section):
    """Where the origin listens."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8090
    allowed_hosts: tuple[str, ...] = ()


class StorageSettings(Section):
    """Where the origin keeps its data."""

    data_dir: Path = Field(default_factory=lambda: data_folder("signage-origin"))
    database_url: str = ""  # empty: SQLite in data_dir; else postgresql+asyncpg://…
    reserve_bytes: Annotated[int, Field(ge=0)] = GIB // 4  # uploads leave this much free


class UploadSettings(Section):
    """Limits of uploads."""

    largest_bytes: Annotated[int, Field(ge=1)] = 8 * GIB
    expire_after_s: Annotated[float, Field(ge=1)] = 86_400.0  # an upload that nobody continues


class PipelineSettings(Section):
    """Limits of the media pipeline; each job is a child process."""

    workers: Annotated[int, Field(ge=1, le=64)] = 1
    longest_s: Annotated[float, Field(ge=1)] = 3_600.0
    memory_bytes: Annotated[int, Field(ge=64 * 1024**2)] = 2 * GIB
    longest_edge: Annotated[int, Field(ge=16)] = 3840  # pictures are reduced to this
    largest_pixels: Annotated[int, Field(ge=1)] = 120_000_000  # a larger picture is refused as an attack
    retry_first_s: Annotated[float, Field(gt=0)] = 5.0


class PublishSettings(Section):
    """How releases are signed, and how devices pair by themselves."""

    valid_for_s: Annotated[float, Field(ge=60)] = (
        30 * 86_400.0
    )  # how long a timestamp is valid; expiry never blanks a screen
    enrolment_key: SecretStr | None = None  # pairs devices without a person; empty: by code only
    enrolment_channel: Identifier = "main"  # the channel of those devices


class RetentionSettings(Section):
    """What is kept of content that nothing shows any more."""

    previous: Annotated[int, Field(ge=0, le=1_000)] = 5  # releases before the one in force, of each channel
    grace_s: Annotated[float, Field(ge=3_600)] = 7 * 86_400.0  # everything else is kept this long after its last use
    dry_run: bool = False  # only count what could go


class LoggingSettings(Section):
    """What goes to the journal."""

    level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"


class OriginConfiguration(Section):
    """All settings of the origin."""

    server: ServerSettings = ServerSettings()
    storage: StorageSettings = Field(default_factory=StorageSettings)
    uploads: UploadSettings = UploadSettings()
    pipeline: PipelineSettings = PipelineSettings()
    publish: PublishSettings = PublishSettings()
    retention: RetentionSettings = RetentionSettings()
    logging: LoggingSettings = LoggingSettings()
