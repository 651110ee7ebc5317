"""Reads settings from the environment and from the state folder, and stores them there."""

import json
import os
from pathlib import Path

from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from player.settings.layers import Values
from player.settings.model import Settings
from sync.errors import Rejected
from sync.runtime.durable_files import write_durably
from sync.runtime.os_messages import os_reason
from sync.wire.input_messages import wrong_variable

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


def read_environment() -> Values:
    """Return the values of the environment, with unknown sections too, so that a wrong name is reported.

    Raises:
        Rejected: a variable with our prefix cannot be parsed.
    """
    try:
        values: Values = EnvSettingsSource(_Environment)()
    except SettingsError as error:
        raise wrong_variable(PREFIX, error) from error
    for name in os.environ:
        section = name.removeprefix(PREFIX).partition("__")[0].lower()
        if name.startswith(PREFIX) and section not in Settings.model_fields:
            values[section] = {}
    return values


def read_saved_values(path: Path) -> Values | None:
    """Return the values that `save_values` stored; None: there are none.

    Raises:
        Rejected: the file cannot be read, or `save_values` did not write it.
    """
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(_CAP_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Rejected(f"{path} cannot be read and is left out: {os_reason(error)}.") from error
    except ValueError as error:
        raise Rejected(f"{path} is damaged and is left out.") from error
    if not isinstance(values, dict):
        raise Rejected(f"{path} is damaged and is left out.")
    return values


def save_values(path: Path, values: Values) -> None:
    """Store values. After a power cut the file has the old or the new ones. Only its owner can read it.

    Raises:
        StorageFull: there is no space for them.
        StorageBroken: the folder cannot be written.
    """
    write_durably(path, json.dumps(values, indent=2).encode(), mode=0o600)
