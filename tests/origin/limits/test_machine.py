"""What this process may use: of the machine, and of each of its control groups."""

import os
from pathlib import Path

import pytest

from sync.origin.limits.machine import free_memory, processors

MIB = 1024**2


def a_system(root: Path, available_mib: int, own: str, groups: dict[str, tuple[str, int, int]]) -> Path:
    """Lay the files of Linux: of each group its limit, what is used, and how much of that are caches."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable:   {available_mib * 1024} kB\nBuffers: 0 kB\n")
    (root / "proc/self/cgroup").write_text(f"4:memory:/old\n0::{own}\n")
    for name, (limit, used_mib, cached_mib) in groups.items():
        folder = root / "sys/fs/cgroup" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{used_mib * MIB}\n")
        (folder / "memory.stat").write_text(f"anon 5\ninactive_file {cached_mib * MIB}\nactive_file 7\n")
    return root


@pytest.mark.parametrize(
    ("own", "groups", "free_mib"),
    [
        ("/", {}, 900),
        ("/system.slice/origin.service", {"system.slice/origin.service": (str(400 * MIB), 100, 0)}, 300),
        ("/system.slice/origin.service", {"system.slice/origin.service": (str(400 * MIB), 100, 60)}, 360),
        ("/a/b", {"a/b": ("max", 100, 0), "a": (str(200 * MIB), 150, 10)}, 60),
        ("/a/b", {"a/b": (str(50 * MIB), 70, 0), "a": (str(200 * MIB), 150, 10)}, 0),
        ("/a/b", {"a/b": (str(5_000 * MIB), 70, 0)}, 900),
        ("/nowhere", {}, 900),
    ],
)
def test_the_smallest_of_all_limits_counts(
    tmp_path: Path, own: str, groups: dict[str, tuple[str, int, int]], free_mib: int
) -> None:
    assert free_memory(a_system(tmp_path, 900, own, groups)) == free_mib * MIB


@pytest.mark.parametrize(
    ("quotas", "allowed"),
    [
        ({}, 8),
        ({"a/b": "max 100000"}, 8),
        ({"a/b": "150000 100000"}, 2),
        ({"a/b": "150000 100000", "a": "100000 100000"}, 1),
        ({"a/b": "20000 100000"}, 1),
        ({"a/b": "odd"}, 8),
    ],
)
def test_the_smallest_quota_of_processors_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quotas: dict[str, str], allowed: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    a_system(tmp_path, 900, "/a/b", {})
    for name, quota in quotas.items():
        (tmp_path / "sys/fs/cgroup" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "sys/fs/cgroup" / name / "cpu.max").write_text(f"{quota}\n")
    assert processors(tmp_path) == allowed
