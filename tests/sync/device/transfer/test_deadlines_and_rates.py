"""When a body is given up, how a limiter holds requests back, and what of the network ends waits."""

import asyncio
import ctypes
import math
import os
import subprocess
import sys
import threading
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.device.store.content_store import ContentStore
from sync.device.store.partial_file import PartialFile, open_partial_file
from sync.device.transfer.asset_state import Fetch
from sync.device.transfer.deadlines_and_rates import RateLimiter, RateLimits, why_given_up
from sync.device.transfer.spans import spans
from sync.device.transfer.transfer import ContentTransfer
from sync.errors import CorruptContent
from sync.runtime.clock import Clock, SystemClock
from sync.runtime.threads import BEHIND
from tests import TOP
from tests.fakes import FakeClock
from tests.sync.conftest import running
from tests.sync.device.transfer.one_fetch import LIST, asset_of, fetch
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


class OneAMinute(RateLimiter):
    """Lets one request through each minute, and counts."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self._until_s = 0.0
        self.asked: list[int] = []
        self.bytes = 0

    def wait_s(self, source: str, length: int) -> float:
        wait_s = max(0.0, self._until_s - self._clock.monotonic())
        if not wait_s:
            self._until_s = self._clock.monotonic() + 60
            self.asked.append(length)
        return wait_s

    def ended(self, source: str, asked: int, received: int) -> None:
        self.bytes += received


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
        async with asyncio.timeout(60):
            while len(part.verified()) < minute or transfer.queue.is_active():
                await SystemClock().sleep(0.005)
        transfer.start_workers()
        assert len(origin.requests) == minute
        assert transfer.queue.next_s(clock.monotonic()) == clock.monotonic() + 60 or minute == 4
        await clock.advance(60)
    await transfer.stop()
    assert (limiter.asked, limiter.bytes) == ([CHUNK] * 4, len(content))


class Time(FakeClock):
    """A clock that a simulation moves."""

    def pass_by(self, seconds: float) -> None:
        self._move_to(self.monotonic() + seconds)


ORIGIN, MIRROR = "http://origin.example:8090", "http://mirror.shop:80/copy"


def limiter_of(clock: Clock, all_bytes_s: float = math.inf, line_bytes_s: float = math.inf) -> RateLimiter:
    return RateLimiter(clock, lambda: RateLimits(all_bytes_s, line_bytes_s), lambda: ("mirror.shop",))


def busiest(received: list[tuple[float, int]], window_s: float) -> int:
    """Return the most bytes that came in any window of this length."""
    sums, first, most = 0, 0, 0
    for at_s, length in received:
        sums += length
        while received[first][0] <= at_s - window_s:
            sums -= received[first][1]
            first += 1
        most = max(most, sums)
    return most


@settings(max_examples=25, deadline=None)
@given(
    rate=st.floats(1_000, 20_000_000),
    line_share=st.sampled_from([None, 0.3, 2.0]),
    line_bytes_s=st.floats(10_000, 100_000_000),
    breaks=st.floats(0, 0.5),
    seed=st.integers(0, 1 << 32),
)
def test_over_any_ten_seconds_comes_at_most_the_rate_and_a_burst(
    rate: float, line_share: float | None, line_bytes_s: float, breaks: float, seed: int
) -> None:
    """Invariant I15: as many threads ask as often as they can; the line idles, stalls, and breaks requests."""
    clock, rng = Time(), Random(seed)
    limiter = limiter_of(clock, rate, math.inf if line_share is None else rate * line_share)
    counted = min(rate, rate * (line_share or 1))
    under_way: list[list[int]] = []  # asked, received
    received: list[tuple[float, int]] = []
    while clock.monotonic() < 1060:
        while rng.random() < 0.95:
            asked = min(rng.choice([100, 40_000, 8 << 20]), limiter.most_bytes(ORIGIN) or 0)
            if limiter.wait_s(ORIGIN, asked) > 0:
                break
            under_way.append([asked, 0])
        step_s = rng.choice([0.01, 0.3, 2.0])
        clock.pass_by(step_s)
        room = line_bytes_s * step_s * rng.choice([0, 1, 1])
        for request in list(under_way):
            came = int(min(request[0] - request[1], room))
            room -= came
            request[1] += came
            received.append((clock.monotonic(), came))
            if request[1] == request[0] or rng.random() < breaks:
                under_way.remove(request)
                limiter.ended(ORIGIN, *request)
    assert busiest(received, 10.0) <= 1.1 * counted * 10 + 2 * max(256 * 1024, 0.5 * counted)


@pytest.mark.parametrize(("kbit_s", "connections"), [(64, 1), (2_000, 1), (20_000, 4), (1_000_000, 4)])
def test_a_limit_is_used_and_slow_ones_have_one_connection_and_small_requests(kbit_s: int, connections: int) -> None:
    clock, rate = Time(), kbit_s * 125.0
    limiter = limiter_of(clock, rate)
    most = limiter.most_bytes(ORIGIN) or 0
    assert limiter.most_connections(ORIGIN) == connections
    assert most >= 256 * 1024
    assert most == 256 * 1024 or most <= rate / 8
    came = 0
    while clock.monotonic() < 1600:
        while (wait_s := limiter.wait_s(ORIGIN, most)) <= 0:
            came += most
            limiter.ended(ORIGIN, most, most)
        clock.pass_by(wait_s)
    assert 0.9 * rate * 600 - most <= came <= rate * 600 + 2 * max(most, rate)


def test_the_line_counts_only_what_comes_from_outside_the_venue_and_what_nobody_asked_for_is_waited_for() -> None:
    clock = Time()
    limiter = limiter_of(clock, line_bytes_s=100_000)
    assert (limiter.most_bytes(MIRROR), limiter.most_connections(MIRROR)) == (None, math.inf)
    assert limiter.wait_s(MIRROR, 8 << 20) == 0
    assert limiter.wait_s(ORIGIN, 200_000) == 0
    assert limiter.wait_s(ORIGIN, 200_000) > 0  # one is under way
    limiter.ended(ORIGIN, 200_000, 1_200_000)  # a server without ranges
    assert limiter.wait_s(ORIGIN, 200_000) == pytest.approx((200_000 - 256 * 1024 + 1_200_000) / 100_000)
    assert limiter.wait_s(MIRROR, 8 << 20) == 0


def test_limits_are_looked_up_when_they_end_and_every_half_minute() -> None:
    clock = Time()
    night = clock.now() + timedelta(hours=10)
    found = [RateLimits(0.0, until=night)]
    limiter = RateLimiter(clock, lambda: found[0], lambda: ())
    assert limiter.wait_s(ORIGIN, 1) == 30
    clock.pass_by(10 * 3600 - 4)
    assert limiter.wait_s(ORIGIN, 1) == pytest.approx(4)
    clock.pass_by(3)
    assert limiter.wait_s(ORIGIN, 1) == pytest.approx(1)
    found[0] = RateLimits()
    clock.pass_by(1)
    assert (limiter.wait_s(ORIGIN, 8 << 20), limiter.in_force()) == (0, RateLimits())
    found[0] = RateLimits(0.0)
    clock.pass_by(30)
    assert limiter.wait_s(ORIGIN, 1) == 30


def part_of(origin: Origin, store: ContentStore, content: bytes, chunk: int) -> PartialFile:
    index = cut_into(content, chunk)
    origin.publisher.asset(content)
    return open_partial_file(store.media.part_path(index.asset), index, b"", LIST)


async def test_a_chunk_comes_in_pieces_that_a_limit_allows_over_kept_connections(
    origin: Origin, store: ContentStore
) -> None:
    content, clock = noise(1, 3 * 640 * 1024), SystemClock()
    part = part_of(origin, store, content, 640 * 1024)
    await fetch(ContentTransfer(origin.url, clock, limiter=limiter_of(clock, 1_000_000)), part)
    assert part.path.read_bytes() == content
    assert origin.media_bytes == len(content)
    assert len(origin.requests) >= 4
    assert len(origin.peers) <= 2  # a second worker may take a piece while the first one still stores its own


class BusyClock(FakeClock):
    """The clock of a machine so busy that seconds pass between two looks at it."""

    def monotonic(self) -> float:
        self._move_to(super().monotonic() + 1)
        return super().monotonic()


def test_a_thread_waits_for_the_limiter_also_when_its_wait_is_over_at_the_next_look(
    origin: Origin, store: ContentStore
) -> None:
    clock = BusyClock()
    part = part_of(origin, store, noise(1, 8 * CHUNK), CHUNK)
    queue = ContentTransfer(origin.url, clock, limiter=limiter_of(clock, 500_000)).queue
    queue.plan([[asset_of(part.index)]])
    queue.add_spans(part.index.asset, part, spans(part.index.asset, part.missing(), CHUNK))
    taken = [queue.take()]
    while isinstance(taken[-1], Fetch):
        taken.append(queue.take())
    assert 0 < taken[-1] < 1, "with 0 the thread would end, and its connection with it"


async def test_a_source_whose_chunk_is_wrong_is_blamed_though_no_request_brings_all_of_it(
    origin: Origin, store: ContentStore
) -> None:
    clock = SystemClock()
    part = part_of(origin, store, noise(1, 640 * 1024), 640 * 1024)
    origin.faults.flip.append(part.index.asset)
    with pytest.raises(CorruptContent):
        await fetch(ContentTransfer(origin.url, clock, limiter=limiter_of(clock, 4_000_000)), part)


async def test_a_release_waits_for_its_window_without_a_problem(origin: Origin, store: ContentStore) -> None:
    clock = FakeClock()
    night = clock.now() + timedelta(hours=1)
    closed = RateLimits(0.0, until=night)
    limiter = RateLimiter(clock, lambda: closed if clock.now() < night else RateLimits(), lambda: ())
    origin.publisher.publish(noise(1, 3 * CHUNK))
    async with running(origin, store, clock=clock, limiter=limiter) as device:
        await device.until(lambda: device.syncer.facts().state == "waiting")
        await clock.advance(0.9 * 3600)
        await device.until(lambda: device.syncer.facts().state == "waiting")  # it has asked for leave again
        facts = device.syncer.facts()
        assert (facts.state, facts.problem, facts.limits, facts.failing_assets) == ("waiting", "", closed, 0)
        assert 0 < facts.waiting_s <= 30
        assert not [path for path in origin.requests if path.startswith("assets/")]
        await clock.advance(0.1 * 3600)
        await device.until(lambda: device.syncer.facts().release == origin.publisher.release, pass_s=1.0)
        assert device.syncer.facts().limits.is_none


_WATCH = """
import asyncio, subprocess
from sync.device.transfer import network_changes
from sync.runtime.clock import SystemClock

network_changes.SETTLE_S = 0.1

async def main():
    told = asyncio.Event()
    watching = asyncio.create_task(network_changes.NetworkChanges(SystemClock(), told.set).run())
    await asyncio.sleep(0)  # it listens
    for command in ("link set lo up", "addr add 10.9.9.9/32 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)
        await asyncio.wait_for(told.wait(), 60)
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
            [sys.executable, "-c", _WATCH], cwd=TOP, preexec_fn=apart, capture_output=True, text=True, timeout=60
        )
    except subprocess.SubprocessError:
        pytest.skip("NOT TESTED: this user cannot make a network of its own")
    assert done.stdout == "told of both\n", done.stderr


@pytest.mark.parametrize("plays", [False, True])
async def test_threads_leave_the_processor_to_what_is_on_air(origin: Origin, store: ContentStore, plays: bool) -> None:
    origin.publisher.publish(noise(1, 4 * CHUNK))
    origin.faults.pace_s = 0.02
    clock = FakeClock()
    async with running(origin, store, clock=clock, limiter=RateLimiter(clock, plays=lambda: plays)) as device:
        await device.until(lambda: origin.media_bytes > 0)
        threads = [one.native_id for one in threading.enumerate() if one.name == "FetchWorker.run"]
        found = {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads if thread}
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert found == {max(own, BEHIND) if plays else own}
