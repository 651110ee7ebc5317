"""Where settings come from outside: the TOML file, the environment, and what the state folder keeps of them."""

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
STATE = "state"  # the folder inside storage.state_dir, see sync.cache
ACCEPTED = "config.json"
LAST_GOOD = "last-good.json"

_CAP_BYTES = 256 * 1024


class _Environment(BaseSettings, Settings):
    """Tells pydantic-settings how our variables are called."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_nested_max_split=1, env_ignore_empty=True, extra="forbid"
    )


def variable(path: str) -> str:
    """Return the environment variable that sets the field at `path`."""
    return PREFIX + path.replace(".", "__").upper()


def read_environment() -> Values:
    """Return what the environment says, sections nobody knows included, for a typo has to be told.

    Raises:
        Rejected: a variable with our prefix cannot be read.
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


def read_kept(path: Path) -> Values | None:
    """Return values kept earlier by `keep`, None when there are none.

    Raises:
        Rejected: the file is there and is not what `keep` wrote.
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
    """Write values so that after a power cut either the old or the new ones are there, for the owner's eyes only.

    Raises:
        StorageFull: no room for them.
        StorageBroken: the folder cannot be written.
    """
    write_durably(path, json.dumps(values, indent=2).encode(), mode=0o600)
