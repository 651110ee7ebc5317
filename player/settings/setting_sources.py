"""Reads settings from the environment and from the state folder, and stores them there."""

import json
import os
from pathlib import Path

from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from player.settings.layers import Values
from player.settings.model import Settings
from sync.errors import Rejected
from sync.runtime.file_with_copy import FileWithCopy
from sync.wire.input.input_messages import one_line, wrong_variable

PREFIX = "SIGNAGE_PLAYER__"
STATE = "state"  # the folder in storage.state_dir, as in `sync.device.store.content_store`
ACCEPTED = "config.json"
LAST_GOOD = "last-good.json"

_CAP_BYTES = 256 * 1024


class _Environment(BaseSettings, Settings):
    """The names of our environment variables, for pydantic-settings."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_nested_max_split=1, env_ignore_empty=True, extra="forbid"
    )


def variable_name(path: str) -> str:
    """Return the environment variable that sets the field at `path`."""
    return PREFIX + path.replace(".", "__").upper()


def read_environment() -> tuple[Values, tuple[str, ...]]:
    """Return the values of the environment, and a sentence for each variable that cannot be parsed and is left out.

    Unknown sections are among the values, so that a wrong name is reported.
    """
    source, wrong = EnvSettingsSource(_Environment), []
    right = dict(source.env_vars)
    for name in [name for name in right if name.upper().startswith(PREFIX)]:
        try:
            source.env_vars = {name: right[name]}
            source()
        except SettingsError as error:
            wrong.append(f"{one_line(wrong_variable(PREFIX, error, name))} It is left out.")
            del right[name]
    source.env_vars = right
    values: Values = source()
    for name in os.environ:
        section = name.removeprefix(PREFIX).partition("__")[0].lower()
        if name.startswith(PREFIX) and section not in Settings.model_fields:
            values[section] = {}
    return values, tuple(wrong)


def read_saved_values(path: Path) -> Values | None:
    """Return the values that `save_values` stored; None: there are none.

    Raises:
        Rejected: neither the file nor its copy can be read, or `save_values` did not write it.
    """
    found = _saved(path).find()
    if found.value is None and found.fault:
        end = " and is left out." if found.raw is not None else ". It is left out."
        raise Rejected(found.fault + end)
    return found.value


def save_values(path: Path, values: Values) -> None:
    """Store values. After a power cut the file has the old or the new ones. Only its owner can read it.

    Raises:
        StorageFull: there is no space for them.
        StorageBroken: the folder cannot be written.
    """
    _saved(path).save(json.dumps(values, indent=2, default=str).encode())  # TOML has dates and times, JSON has none


def repair_values(path: Path) -> None:
    """Repair stored values and their copy from each other.

    Raises:
        StorageFull, StorageBroken: one of them cannot be written.
    """
    _saved(path).repair()


def _saved(path: Path) -> FileWithCopy[Values]:
    return FileWithCopy(path, _parse_values, _CAP_BYTES, mode=0o600, can_be_deleted=True)


def _parse_values(raw: bytes) -> Values:
    values = json.loads(raw)
    if not isinstance(values, dict):
        raise ValueError("not a group of sections")
    return values
