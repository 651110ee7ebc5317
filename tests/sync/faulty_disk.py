"""A disk that fails, under all that goes through `sync.runtime.durable_files`: errors and short reads, by path."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

ALWAYS = 10**9


class FaultyDisk:
    """Stands where the module `os` stands for durable files. `faults` says how often each path fails, and how."""

    def __init__(self) -> None:
        self.faults: dict[Path, tuple[Callable[[], None], int]] = {}
        self.bytes_at_once: int | None = None
        self.early_ends: dict[Path, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def fail(self, *paths: Path, times: int = ALWAYS, number: int = errno.EIO) -> None:
        """Let reads of these paths fail so many times."""

        def fault() -> None:
            raise OSError(number, os.strerror(number))

        self.faults.update({path: (fault, times) for path in paths})

    def pread(self, descriptor: int, length: int, offset: int) -> bytes:
        return os.pread(descriptor, self._length(descriptor, length), offset)

    def preadv(self, descriptor: int, buffers: list[memoryview], offset: int) -> int:
        (buffer,) = buffers
        return os.preadv(descriptor, [buffer[: self._length(descriptor, len(buffer))]], offset)

    def _length(self, descriptor: int, length: int) -> int:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path in self.faults:
            fault, times = self.faults[path]
            self.faults[path] = fault, times - 1
            if times > 0:
                fault()
        if self.early_ends.get(path, 0) > 0:
            self.early_ends[path] -= 1
            return 0
        return min(length, self.bytes_at_once or length)
