"""Loads the origin's settings: defaults, then `origin.toml`, then the environment, then the command line."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from sync.errors import Rejected
from sync.origin.settings.model import OriginConfiguration
from sync.wire.base import rejected

PREFIX = "SIGNAGE_ORIGIN__"
DEFAULT_FILE = Path("/etc/signage/origin.toml")


class _Layered(OriginConfiguration, BaseSettings):
    """The settings with their sources."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, env_ignore_empty=True
    )
    file: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources, the strongest first."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, dict(cls.file))


def load_settings(
    file: Path | None, command_line: Mapping[str, Mapping[str, Any]] | None = None
) -> OriginConfiguration:
    """Return the settings; without `file`, the default one is read if it is there.

    Raises:
        Rejected: a file cannot be read, or a field is unknown or wrong; `fields` names each.
    """
    _refuse_unknown_variables()
    found = file if file is not None else DEFAULT_FILE if DEFAULT_FILE.exists() else None
    layered = type("_FromFile", (_Layered,), {"file": {} if found is None else _read(found)})
    try:
        values = layered(**(command_line or {}))
    except ValidationError as error:
        raise _explained(error, found) from error
    except SettingsError as error:  # a list or table in a variable is written as JSON
        raise Rejected(f"an environment variable is not what its field takes: {error}") from error
    return OriginConfiguration.model_validate(values.model_dump())


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise Rejected(f"{file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Rejected(f"{file} is not TOML: {error}") from error


def _refuse_unknown_variables() -> None:
    """A variable of an unknown section would be ignored in silence: a typo is an error."""
    for name in os.environ:
        if name.upper().startswith(PREFIX):
            section = name[len(PREFIX) :].split("__")[0].lower()
            if section not in OriginConfiguration.model_fields:
                raise Rejected(f"{name} names no section of the settings", fields={section: "no such section"})


def _explained(error: ValidationError, file: Path | None) -> Rejected:
    wrong = rejected(error)
    reasons = "; ".join(f"{field}: {reason}" for field, reason in sorted(wrong.fields.items()))
    source = f"{file}, the environment or the command line" if file else "the environment or the command line"
    return Rejected(f"the settings from {source} are wrong: {reasons}", fields=wrong.fields)
