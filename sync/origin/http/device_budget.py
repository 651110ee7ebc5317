"""How many devices this process can hold: by its descriptors, and by the memory that is free when it starts (Linux)."""

import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sync.http.listening_socket import ConnectionLimits, limits_for_descriptors
from sync.origin.limits.machine import free_memory

_BYTES_OF_A_CONNECTION = 64 * 1024
"""With what is on its way. A WebSocket, which counts half, takes 20 KiB, a connection between two requests less."""

_LEAST_CONNECTIONS = 64


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
