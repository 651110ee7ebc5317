"""A real file system that is small enough to be filled. Mounting one takes root."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def small_disk(folder: Path, mib: int = 64) -> Iterator[bool]:
    """Mount one on a folder, which is made if it is not there; yield whether this user may."""
    folder.mkdir(parents=True, exist_ok=True)
    line = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and not subprocess.run(line, check=False, capture_output=True).returncode
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> None:
    with suppress(OSError), (disk / "hog").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def empty(disk: Path) -> None:
    """Give the room back."""
    (disk / "hog").unlink(missing_ok=True)
