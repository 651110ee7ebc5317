"""How many devices fit: by descriptors and by memory."""

import pytest

from sync.origin.http.device_budget import DeviceBudget

MIB = 1024**2


@pytest.mark.parametrize(
    ("descriptors", "free_mib", "connections", "devices"),
    [
        (65_536, 16_000, 32_640, 48_960),  # as installed
        (65_536, 600, 7_200, 10_800),
        (1_024, 16_000, 384, 576),
        (1_024, 1, 64, 96),
        (256, 16_000, 16, 24),
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
