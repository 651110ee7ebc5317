"""How many devices this process can hold: by its descriptors, and by the memory that is free when it starts (Linux)."""

import re
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sync.http.listening_socket import ConnectionLimits, limits_for_descriptors

_BYTES_OF_A_CONNECTION = 32 * 1024
"""A WebSocket takes 20 KiB, a connection between two requests less; the rest is for what is on its way."""

_LEAST_CONNECTIONS = 64
_AVAILABLE = re.compile(r"^MemAvailable:\s*(\d+) kB$", re.MULTILINE)
_CACHES = re.compile(r"^inactive_file (\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DeviceBudget:
    """What the system lets this process have; a quarter of the memory is left to its other work."""

    descriptors: int
    free_bytes: int

    @classmethod
    def of_this_process(cls) -> Self:
        """Return the budget as it is now."""
        return cls(resource.getrlimit(resource.RLIMIT_NOFILE)[0], free_memory(Path("/")))

    def limits(self, reserved_descriptors: int) -> ConnectionLimits:
        """Return the limits of connections that keep to it."""
        by_memory = max(_LEAST_CONNECTIONS, self.free_bytes * 3 // 4 // _BYTES_OF_A_CONNECTION)
        return limits_for_descriptors(reserved_descriptors, by_memory)

    def told(self, limits: ConnectionLimits) -> str:
        """Return it in one line: a device holds one WebSocket, and asks over the other connections."""
        descriptors = "unlimited" if self.descriptors == resource.RLIM_INFINITY else self.descriptors
        return (
            f"devices={limits.most_sockets} connections={limits.most} is what descriptors={descriptors} and "
            f"memory={self.free_bytes // 1024**2} MiB allow; others get 503 and try again"
        )


def free_memory(root: Path) -> int:
    """Return the bytes that the machine, and each control group of this process, leave; `root` is that of files."""
    found = _AVAILABLE.search((root / "proc/meminfo").read_text())
    of_machine = int(found[1]) * 1024 if found else 0
    return min((of_machine, *_free_in_groups(root)))


def _free_in_groups(root: Path) -> Iterator[int]:
    """Yield what each control group (version 2) leaves of its limit; caches of files count as free."""
    groups = root / "sys/fs/cgroup"
    try:
        own = groups / (root / "proc/self/cgroup").read_text().partition("0::/")[2].strip()
        for folder in (own, *own.parents):
            if folder.is_relative_to(groups) and (limit := _number(folder / "memory.max")) is not None:
                caches = _CACHES.search((folder / "memory.stat").read_text())
                yield max(0, limit - (_number(folder / "memory.current") or 0) + (int(caches[1]) if caches else 0))
    except OSError:  # some systems show none
        return


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):  # the topmost group has none; `max` is no limit
        return None
