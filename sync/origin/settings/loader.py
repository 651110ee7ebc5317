"""Loads the origin's settings: defaults, then `origin.toml`, then the environment, then the command line."""

import os
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
from sync.wire.input.input_messages import field_reasons, nearest, read_toml, rejected, wrong_variable

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
    layered = type("_FromFile", (_Layered,), {"file": {} if found is None else read_toml(found)})
    try:
        values = layered(**(command_line or {}))
    except ValidationError as error:
        raise _explained(error, found) from error
    except SettingsError as error:  # a list or table in a variable is written as JSON
        raise wrong_variable(PREFIX, error) from error
    return OriginConfiguration.model_validate(values.model_dump())


def _refuse_unknown_variables() -> None:
    """A variable of an unknown section would be ignored in silence: a typo is an error."""
    for name in os.environ:
        if name.upper().startswith(PREFIX):
            section = name[len(PREFIX) :].split("__")[0].lower()
            if section not in OriginConfiguration.model_fields:
                meant = nearest(section, OriginConfiguration.model_fields)
                advice = f"Did you mean {PREFIX}{meant.upper()}?" if meant else "Remove it, or correct its name."
                fault = f"There is no section {section} in the settings. {advice}"
                raise Rejected(f"{name}: {fault}", fields={section: fault})


def _explained(error: ValidationError, file: Path | None) -> Rejected:
    """Return the faults by where each value was set: its environment variable, else the file or the command line."""
    wrong = rejected(error, OriginConfiguration)
    variables = {field: PREFIX + field.replace(".", "__").upper() for field in wrong.fields}
    set_there = {variable: name for name in os.environ if (variable := name.upper()) in variables.values()}
    shown = {set_there.get(variables[field], field): reason for field, reason in wrong.fields.items()}
    source = f" from {file}" if file and shown.keys() & wrong.fields.keys() else ""
    return Rejected(f"The settings{source} are wrong. {field_reasons(shown)}", fields=wrong.fields)
