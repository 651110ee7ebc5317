"""When a body is given up, how a limiter holds requests back, and what of the network ends waits."""

import asyncio
import ctypes
import subprocess
import sys

import pytest

from sync.device.store.content_store import ContentStore
from sync.device.store.partial_file import open_partial_file
from sync.device.transfer.limits import why_given_up
from sync.device.transfer.spans import spans
from sync.device.transfer.transfer import ContentTransfer
from sync.runtime.clock import SystemClock
from tests import TOP
from tests.fakes import FakeClock
from tests.sync.device.transfer.one_fetch import LIST, asset_of
from tests.sync.file_tree_origin import CHUNK, Origin, cut_into, noise


@pytest.mark.parametrize(
    ("bytes_s", "usual", "work_waits", "why"),
    [
        (999, 0, False, "slower than 1000 bytes a second"),
        (999, 0, True, "slower than 1000 bytes a second"),
        (1000, 0, False, ""),
        (1000, 1e9, False, ""),
        (2000, 1e6, True, "2.0 kB/s, where 1,000 kB/s are usual"),
        (100_000, 1e6, True, ""),
        (2000, 0, True, ""),
    ],
)
def test_a_body_is_given_up_if_it_is_far_too_slow(bytes_s: float, usual: float, work_waits: bool, why: str) -> None:
    assert why_given_up(bytes_s, usual, work_waits=work_waits) == why


class OneAMinute:
    """Lets one request through each minute, and counts."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._until_s = 0.0
        self.asked: list[int] = []
        self.bytes = 0

    def wait_s(self, source: str, length: int) -> float:
        wait_s = max(0.0, self._until_s - self._clock.monotonic())
        if not wait_s:
            self._until_s = self._clock.monotonic() + 60
            self.asked.append(length)
        return wait_s

    def received(self, source: str, length: int) -> None:
        assert source == "origin"
        self.bytes += length


async def test_a_limiter_holds_requests_back_and_is_told_of_each_byte(origin: Origin, store: ContentStore) -> None:
    content, clock = noise(1, 4 * CHUNK), FakeClock()
    index = cut_into(content)
    origin.publisher.asset(content)
    part = open_partial_file(store.media.part_path(index.asset), index, b"", LIST)
    limiter = OneAMinute(clock)
    transfer = ContentTransfer(origin.url, clock, limiter=limiter)
    transfer.queue.plan([[asset_of(index)]])
    transfer.queue.add_spans(index.asset, part, spans(index.asset, part.missing(), CHUNK))
    for minute in range(1, 5):
        transfer.start_workers()
        async with asyncio.timeout(10):
            while len(part.verified()) < minute or transfer.queue.is_active():
                await SystemClock().sleep(0.005)
        transfer.start_workers()
        assert len(origin.requests) == minute
        assert transfer.queue.next_s() == clock.monotonic() + 60 or minute == 4
        await clock.advance(60)
    await transfer.stop()
    assert (limiter.asked, limiter.bytes) == ([CHUNK] * 4, len(content))


_WATCH = """
import asyncio, subprocess
from sync.device.transfer import network_changes
from sync.runtime.clock import SystemClock

network_changes.SETTLE_S = 0.1

async def main():
    told = asyncio.Event()
    watching = asyncio.create_task(network_changes.NetworkChanges(SystemClock(), told.set).run())
    await asyncio.sleep(0.2)
    for command in ("link set lo up", "addr add 10.9.9.9/32 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)
        await asyncio.wait_for(told.wait(), 10)
        told.clear()
    watching.cancel()

asyncio.run(main())
print("told of both")
"""


def test_a_link_that_comes_up_and_a_new_address_are_told() -> None:
    def apart() -> None:
        if ctypes.CDLL(None, use_errno=True).unshare(0x40000000):  # CLONE_NEWNET
            raise OSError(ctypes.get_errno(), "unshare")

    try:
        done = subprocess.run(
            [sys.executable, "-c", _WATCH], cwd=TOP, preexec_fn=apart, capture_output=True, text=True, timeout=30
        )
    except subprocess.SubprocessError:
        pytest.skip("NOT TESTED: this user cannot make a network of its own")
    assert done.stdout == "told of both\n", done.stderr
