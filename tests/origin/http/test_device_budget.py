"""How many devices fit: by descriptors, by the memory of the machine, and by that of each control group."""

from pathlib import Path

import pytest

from sync.origin.http.device_budget import DeviceBudget, free_memory

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
    ("descriptors", "free_mib", "connections", "devices"),
    [
        (65_536, 16_000, 32_640, 24_480),  # as installed
        (65_536, 600, 14_400, 10_800),
        (1_024, 16_000, 384, 288),
        (1_024, 1, 64, 48),
        (256, 16_000, 16, 12),
    ],
)
def test_a_reserve_is_kept_and_requests_have_connections_of_their_own(
    monkeypatch: pytest.MonkeyPatch, descriptors: int, free_mib: int, connections: int, devices: int
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (descriptors, descriptors))
    budget = DeviceBudget(descriptors, free_mib * MIB)
    limits = budget.limits(256)
    assert (limits.most, limits.most_sockets, limits.most_of_one) == (connections, devices, connections // 2)
    assert budget.told(limits).startswith(f"devices={devices} connections={connections} is what descriptors=")
