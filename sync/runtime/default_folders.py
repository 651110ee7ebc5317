"""Where a program keeps its files when no setting says so: a service in /var/lib, a person in their own folders."""

import os
from pathlib import Path

_SERVICES = Path("/var/lib")


def state_folder(name: str) -> Path:
    """Return the folder for the state of the program `name`: `/var/lib/NAME` or `$XDG_STATE_HOME/NAME`."""
    return _folder(name, "XDG_STATE_HOME", ".local/state")


def data_folder(name: str) -> Path:
    """Return the folder for the data of people in the program `name`: `/var/lib/NAME` or `$XDG_DATA_HOME/NAME`."""
    return _folder(name, "XDG_DATA_HOME", ".local/share")


def _folder(name: str, variable: str, below_home: str) -> Path:
    """Choose by who runs this, not by what can be written: a disk that became read-only moves nothing elsewhere."""
    service = _SERVICES / name
    if os.geteuid() == 0 or _is_ours(service):
        return service
    base = Path(os.environ.get(variable, ""))
    if not base.is_absolute():  # the XDG rules: an empty or relative path counts as not set
        try:
            base = Path.home() / below_home
        except RuntimeError:  # a user without a home
            return service
    return base / name


def _is_ours(folder: Path) -> bool:
    """Systemd gives the folder of a service to the service's user."""
    try:
        return folder.stat().st_uid == os.geteuid()
    except OSError:
        return False
