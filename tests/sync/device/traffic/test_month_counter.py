"""The count of bytes on the disk: it lasts over kill -9, and a damaged file is never taken for a small count."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sync.device.store.content_store import ContentStore
from sync.device.traffic.budget import Budget
from sync.device.traffic.month_counter import TrafficCounter
from sync.runtime.clock import SystemClock
from tests import TOP
from tests.fakes import FakeClock
from tests.sync.counting_gate import counting_gate
from tests.sync.file_tree_origin import Origin, noise

MIB = 1024 * 1024
UTC = ZoneInfo("UTC")


def counter_of(state: Path, clock: FakeClock | None = None) -> TrafficCounter:
    return TrafficCounter(state, clock or FakeClock(), lambda: UTC, lambda: Budget(100 * MIB, MIB))


def used(counter: TrafficCounter) -> tuple[int, int, int]:
    month = counter.state().traffic.month
    return month.sent, month.received, month.streams


async def counted(state: Path, *rounds: tuple[int, int]) -> None:
    """Run a counter for each round, of bytes for content and for streams, and end it as the daemon does."""
    for content, streams in rounds:
        counter = counter_of(state)
        task = asyncio.create_task(counter.run())
        await SystemClock().sleep(0)
        counter.content.add(content, 2 * content)
        counter.streams.add(0, streams)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_count_goes_on_where_it_was(tmp_path: Path) -> None:
    await counted(tmp_path, (100, 7), (10, 0), (1, 1))
    assert used(counter_of(tmp_path)) == (111, 230, 8)


CASES: dict[str, tuple[Callable[[Path], object], bool]] = {  # what happens to a file, and whether it lost it
    "deleted": (Path.unlink, False),
    "emptied": (lambda path: path.write_bytes(b""), True),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:200]), True),
    "longer": (lambda path: path.write_bytes(path.read_bytes() + b"x"), True),
    "one bit": (lambda path: path.write_bytes(path.read_bytes().replace(b'"sent":1', b'"sent":0')), True),
    "zeros": (lambda path: path.write_bytes(bytes(4096)), True),
    "noise": (lambda path: path.write_bytes(os.urandom(4096)), True),
    "a folder": (lambda path: [path.rename(path.with_name("away")), path.mkdir()], True),  # type: ignore[func-returns-value]
    "a dead link": (lambda path: [path.unlink(), path.symlink_to("nowhere")], True),  # type: ignore[func-returns-value]
}


@pytest.mark.parametrize("case", CASES)
async def test_one_of_both_files_is_enough_and_damage_of_both_counts_as_spent(tmp_path: Path, case: str) -> None:
    harm, damaged = CASES[case]
    await counted(tmp_path, (100, 0), (11, 0))
    newest = max((tmp_path / "traffic", tmp_path / "copies/traffic"), key=lambda path: path.stat().st_mtime_ns)
    for path in (tmp_path / "traffic", tmp_path / "copies/traffic"):
        if path != newest:
            harm(path)
    assert used(counter_of(tmp_path)) == (111, 222, 0)
    harm(newest)
    lost = counter_of(tmp_path).state()
    assert (lost.traffic.known, lost.spent) == (not damaged, damaged)
    if damaged and "folder" not in case and "link" not in case:
        again = counter_of(tmp_path).state()
        assert (again.traffic.known, again.spent) == (False, True), "a start later it is still not known"


async def test_the_month_after_a_damaged_one_is_known(tmp_path: Path) -> None:
    for path in (tmp_path / "traffic", tmp_path / "copies/traffic"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"damaged")
    clock = FakeClock()
    counter = counter_of(tmp_path, clock)
    assert counter.state().spent
    await clock.advance(31 * 86_400)
    assert (counter.state().spent, counter.state().traffic.known) == (False, True)


async def test_a_full_or_broken_disk_is_told_and_the_count_goes_on(tmp_path: Path) -> None:
    counter = counter_of(tmp_path)
    (tmp_path / "traffic").mkdir()
    counter.content.add(5, 5)
    counter.let_through("e" * 64)
    assert counter.problem == "" and used(counter_of(tmp_path)) == (5, 5, 0), "the other file is enough"
    (tmp_path / "copies/traffic").unlink()
    (tmp_path / "copies").rmdir()
    (tmp_path / "copies").write_text("")
    counter.let_through("f" * 64)
    (sentence,) = counter.problems()
    assert "in memory only" in sentence and ("copies" in sentence or "traffic" in sentence)
    assert used(counter) == (5, 5, 0)
    (tmp_path / "traffic").rmdir()
    (tmp_path / "copies").unlink()
    counter.let_through("f" * 64)
    assert counter.problem == ""
    assert counter_of(tmp_path).state().left_for("f" * 64) == float("inf")


def test_a_kernel_that_does_not_count_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert counter_of(tmp_path).problems() == ()
    monkeypatch.setattr("sync.device.traffic.socket_meter._INFO_BYTES", 1000)  # as if the kernel were an old one
    assert "Linux 4.19" in counter_of(tmp_path).problems()[0]


READER = """
import asyncio, sys
from pathlib import Path
from zoneinfo import ZoneInfo
from sync.device.traffic.month_counter import TrafficCounter
from sync.device.transfer.connection import Network
from sync.device.transfer.http_reader import HttpReader
from sync.device.transfer.deadlines_and_rates import DEADLINES
from sync.runtime.clock import SystemClock

clock = SystemClock()
counter = TrafficCounter(Path(sys.argv[1]), clock, lambda: ZoneInfo("UTC"))

def read():
    reader, view = HttpReader(Network(meter=counter.content), DEADLINES), memoryview(bytearray(1 << 20))
    reader.get(sys.argv[2], {})
    while reader.read_into(view):
        pass

async def main():
    await asyncio.gather(counter.run(), asyncio.to_thread(read))

asyncio.run(main())
"""


async def test_a_kill_in_a_transfer_loses_less_than_a_mebibyte(tmp_path: Path) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        with contextlib.suppress(OSError):
            while not writer.is_closing():
                writer.write(bytes(65_536))
                await writer.drain()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    async with counting_gate(server.sockets[0].getsockname()[1]) as gate:
        gate.pause_s = 0.01
        before = 0
        for kill in range(1, 3):
            url = f"http://127.0.0.1:{gate.port}/"
            reader = await asyncio.create_subprocess_exec(sys.executable, "-c", READER, str(tmp_path), url, cwd=TOP)
            async with asyncio.timeout(60):
                while gate.down < 4 * MIB + before:
                    await SystemClock().sleep(0.01)
            reader.kill()
            await reader.wait()
            await SystemClock().sleep(0.05)
            counted = sum(used(counter_of(tmp_path, FakeClock(SystemClock().now())))[:2])
            assert counted <= gate.total
            assert gate.total - counted < MIB * kill, "each kill may lose one"
            before = gate.down
    server.close()
    await SystemClock().sleep(0.05)


SYNCER = """
import asyncio, sys
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo
from sync.device.origin_client import open_client
from sync.device.store.content_store import open_content_store
from sync.device.syncer import Syncer, SyncOptions
from sync.device.traffic.budget import Budget
from sync.device.traffic.month_counter import TrafficCounter
from sync.device.transfer.connection import Network
from sync.device.transfer.deadlines_and_rates import RateLimiter
from sync.device.transfer.transfer import ContentTransfer
from sync.runtime.clock import SystemClock

async def main(state_dir, url):
    clock = SystemClock()
    with open_content_store(state_dir) as store:
        counter = TrafficCounter(store.state, clock, lambda: ZoneInfo("UTC"), lambda: Budget(1 << 40, 0))
        network = Network(meter=counter.content)
        limiter = RateLimiter(clock, left_for=counter.left_for, ahead=(counter.reserve, counter.give_back))
        async with open_client(url, network=network) as client:
            transfer = ContentTransfer(url, clock, network=network, limiter=limiter)
            options = SyncOptions("main", poll_s=60, reserve_bytes=0)
            await asyncio.gather(counter.run(), Syncer(client, transfer, store, clock, Random(), options, print).run())

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


async def test_a_kill_of_a_device_with_a_budget_on_a_fast_line_counts_at_most_a_mebibyte_too_much(
    origin: Origin, tmp_path: Path
) -> None:
    store = ContentStore(tmp_path / "device")
    store.prepare()
    origin.publisher.publish(*(noise(seed, 2 * MIB) for seed in range(16)), chunk=MIB)
    store.save_root(origin.publisher.root)
    command = (sys.executable, "-c", SYNCER, str(store.state.parent))
    async with counting_gate(int(origin.url.rpartition(":")[2])) as gate:
        url = f"http://127.0.0.1:{gate.port}"
        for kill in range(1, 3):
            device = await asyncio.create_subprocess_exec(*command, url, cwd=TOP, stdout=asyncio.subprocess.DEVNULL)
            try:
                async with asyncio.timeout(60):
                    while gate.down < 8 * MIB * kill:
                        await SystemClock().sleep(0.001)
            finally:
                device.kill()
                await device.wait()
            counted = sum(used(counter_of(store.state, FakeClock(SystemClock().now())))[:2])
            assert -64 * 1024 * kill <= counted - gate.total <= 1.1 * MIB * kill
