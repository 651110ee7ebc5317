"""What each file here gives to the whole: operations to serve, and services to run."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from sync.http.operations import Operation

Run = Callable[[], Coroutine[Any, Any, None]]
"""The `run` of a service."""


class Routes(Protocol):
    """Serves operations."""

    def operations(self) -> Sequence[Operation]:
        """Return them."""
