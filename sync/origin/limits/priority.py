"""The priority of child processes: nice, or idle where a player runs on the same machine.

A priority counts within one control group only. Under systemd it ranks the children behind the origin itself, and the
units' weights rank the origin behind the player. Without control groups the kernel may group processes by session
(autogroup), and each child has a session of its own: so its group is made nice too.
"""

from contextlib import suppress
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

_PLAYER_UNIT = Path("/etc/systemd/system/signage-player.service")
_DECK = (b"-m", b"player.deck")


class Priority(StrEnum):
    """How much of the machine children get when others want it too."""

    IDLE = "idle"  # what nothing else needs
    NICE = "nice"
    NORMAL = "normal"


_NICENESS = {Priority.IDLE: 19, Priority.NICE: 10}


def priority_for(setting: str) -> Priority:
    """Return the priority that a setting asks for; `auto` is idle beside a player, else nice."""
    if setting != "auto":
        return Priority(setting)
    return Priority.IDLE if player_runs_here() else Priority.NICE


def player_runs_here(unit: Path = _PLAYER_UNIT, processes: Path = Path("/proc")) -> bool:
    """Tell whether a player is installed on this machine, or runs on it."""
    return unit.exists() or any(_is_deck(folder) for folder in processes.iterdir() if folder.name.isdecimal())


def _is_deck(folder: Path) -> bool:
    with suppress(OSError):  # it ended, or belongs to somebody else
        words = (folder / "cmdline").read_bytes().split(b"\0")
        return _DECK in pairwise(words)
    return False


def with_priority(priority: Priority) -> tuple[str, ...]:
    """Return the command that starts another one with this priority for processor and disk.

    Where a container does not let it lower a priority, the other command is started all the same.
    """
    if priority is Priority.NORMAL:
        return ()
    disk = ("--class", "3") if priority is Priority.IDLE else ("--class", "2", "--classdata", "7")
    become_idle = ("sh", "-c", 'chrt --idle --pid 0 $$ >/dev/null 2>&1; exec "$@"', "sh")
    nice = ("nice", "-n", str(_NICENESS[priority]), "ionice", "--ignore", *disk)
    return (*nice, *become_idle) if priority is Priority.IDLE else nice


def make_session_nice(pid: int, priority: Priority) -> None:
    """Make the session of a process as nice as its processes are to each other, where the kernel groups by session."""
    if priority in _NICENESS:
        with suppress(OSError):  # it ended, or the kernel knows no such groups
            Path(f"/proc/{pid}/autogroup").write_text(str(_NICENESS[priority]))
