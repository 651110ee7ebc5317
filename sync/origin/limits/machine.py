"""What this process may use of its machine (Linux): processors, and the memory that is free."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

_AVAILABLE = re.compile(r"^MemAvailable:\s*(\d+) kB$", re.MULTILINE)
_CACHES = re.compile(r"^inactive_file (\d+)$", re.MULTILINE)


def free_memory(root: Path) -> int:
    """Return the bytes that the machine, and each control group of this process, leave; `root` is that of files."""
    found = _AVAILABLE.search((root / "proc/meminfo").read_text())
    of_machine = int(found[1]) * 1024 if found else 0
    return min((of_machine, *_free_in_groups(root)))


def processors(root: Path) -> int:
    """Return how many processors this process may keep busy, at least 1; each control group may allow it less time."""
    return max(1, min((len(os.sched_getaffinity(0)), *_quotas(root))))


def _free_in_groups(root: Path) -> Iterator[int]:
    """Yield what each control group leaves of its limit; caches of files count as free."""
    for group in _groups(root):
        if (limit := _number(group / "memory.max")) is not None:
            caches = _CACHES.search(_text(group / "memory.stat"))
            yield max(0, limit - (_number(group / "memory.current") or 0) + (int(caches[1]) if caches else 0))


def _quotas(root: Path) -> Iterator[int]:
    """Yield how many processors each control group allows, rounded up."""
    for group in _groups(root):
        quota, _, period = _text(group / "cpu.max").partition(" ")
        if quota.isdecimal() and period.strip().isdecimal():
            yield -(-int(quota) // int(period))


def _groups(root: Path) -> Iterator[Path]:
    """Yield the folders of the control groups of this process (version 2)."""
    top = root / "sys/fs/cgroup"
    own = top / _text(root / "proc/self/cgroup").partition("0::/")[2].strip()
    yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(top))


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None  # `max` is no limit


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the topmost group has none, and some systems show none
        return ""
