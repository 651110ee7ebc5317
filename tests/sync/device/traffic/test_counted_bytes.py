"""What a server counts on its sockets is what the device counts, and a spent budget stops media and nothing else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from sync.device.store.content_store import ContentStore
from sync.device.traffic.budget import Budget
from sync.device.traffic.month_counter import TrafficCounter
from sync.device.transfer.connection import ConnectionSettings, Network
from sync.device.transfer.deadlines_and_rates import RateLimiter
from sync.wire.device_reports import Heartbeat
from tests.fakes import FakeClock
from tests.sync.certificates import make_company
from tests.sync.conftest import Device, running
from tests.sync.counting_gate import Gate, counting_gate
from tests.sync.file_tree_origin import CHANNEL, EPOCH, Origin, noise

UTC = ZoneInfo("UTC")
MIB = 1024 * 1024


class Line:
    """A device that counts, its budget, and the gate through which all of it goes."""

    def __init__(self, origin: Origin, store: ContentStore) -> None:
        self.origin = origin
        self.store = store
        self.clock = FakeClock()
        self.budget: Budget | None = None
        self.venue: tuple[str, ...] = ()
        self.counter = TrafficCounter(store.state, self.clock, lambda: UTC, lambda: self.budget, lambda: self.venue)
        ahead = (self.counter.reserve, self.counter.give_back)
        self.limiter = RateLimiter(self.clock, in_venue=lambda: self.venue, left_for=self.counter.left_for, ahead=ahead)
        self.delivered = 0
        origin.extra = self._add_routes

    def _add_routes(self, app: web.Application) -> None:
        async def take(request: web.Request) -> web.Response:
            self.delivered += len(await request.read())
            return web.json_response({"receipts": [], "high_water": 0})

        app.router.add_post("/v1/plays", take)
        app.router.add_post("/v1/heartbeats", take)

    @property
    def used(self) -> int:
        return self.counter.state().traffic.month.total

    @asynccontextmanager
    async def device(self, tls: Path | None = None) -> AsyncIterator[tuple[Device, Gate]]:
        """Run the device behind a gate, with TLS of a company if `tls` is a folder for its certificates."""
        await self.origin.stop()
        await self.origin.start()
        company = make_company(tls) if tls else None
        port = int(self.origin.url.rpartition(":")[2])
        settings = ConnectionSettings(ca_certificates=company.file if company else None)
        network = Network(settings, meter=self.counter.content)
        async with counting_gate(port, company.server("127.0.0.1") if company else None) as gate:
            url = f"{'https' if company else 'http'}://127.0.0.1:{gate.port}"
            async with running(
                self.origin, self.store, clock=self.clock, limiter=self.limiter, network=network, url=url
            ) as device:
                yield device, gate


@pytest.fixture
def line(origin: Origin, store: ContentStore) -> Line:
    return Line(origin, store)


def same(ours: int, theirs: int) -> bool:
    return abs(ours - theirs) <= 0.02 * theirs


@pytest.mark.parametrize("tls", [False, True])
async def test_a_server_counts_the_same_media_documents_and_reports(line: Line, tmp_path: Path, tls: bool) -> None:
    """Also with nothing but small requests, where heads and handshakes are most of it."""
    line.origin.publisher.publish(*(noise(seed, 1000) for seed in range(20)))
    async with line.device(tmp_path if tls else None) as (device, gate):
        await device.plays(line.origin.publisher.release)
        assert same(line.used, gate.total), "small files"
        line.origin.publisher.publish(noise(100, 3 * MIB), noise(101, 700_000))
        device.syncer.wake()
        await device.plays(line.origin.publisher.release)
        for number in range(30):
            await device.client.post_heartbeat(Heartbeat(at=EPOCH, version=f"{number}"))
            await device.client.post_plays([{"n": number}] * 300)
        await device.until(lambda: bool(line.origin.live))
        for number in range(20):
            await line.origin.announce(topic="weather", sequence=number)
        await device.until(lambda: same(line.used, gate.total))
        month = line.counter.state().traffic.month
        assert same(month.sent, gate.up) and same(month.received, gate.down)
    assert same(line.used, gate.total), "closed connections were counted to their ends"


async def test_broken_connections_are_counted_to_their_ends(line: Line) -> None:
    assets = line.origin.publisher.publish(noise(1, 3 * MIB))
    line.origin.faults.cut_after = [(assets[0].sha256, 700_000), (assets[0].sha256, 10), (assets[0].sha256, 300_000)]
    async with line.device() as (device, gate):
        await device.until(lambda: device.syncer.facts().state == "current", pass_s=1)
        assert same(line.used, gate.total)


async def test_a_spent_budget_stops_media_at_once_and_nothing_else(line: Line) -> None:
    line.budget = Budget(3 * MIB, MIB)
    first = line.origin.publisher.publish(noise(1, MIB))
    async with line.device() as (device, gate):
        await device.plays(line.origin.publisher.release)
        line.origin.publisher.publish(noise(1, MIB), noise(2, 4 * MIB))
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().out_of_budget)
        facts, state = device.syncer.facts(), line.counter.state()
        assert (facts.state, facts.sequence, facts.preparing) == ("waiting", 1, line.origin.publisher.release)
        assert (
            state.spent and state.goes_on_at is not None and state.goes_on_at.isoformat() == "2026-04-01T00:00:00+00:00"
        )
        assert 2 * MIB - 64 * 1024 <= gate.total <= 2 * MIB + 64 * 1024, "it is used up, and not more"
        media = line.origin.media_bytes
        for _ in range(3):
            await device.until(lambda: bool(line.origin.live))
            await line.origin.announce(topic="release", channel=CHANNEL, sequence=2)  # a hint wakes nothing
            await device.clock.advance(120)
            await device.client.post_heartbeat(Heartbeat(at=EPOCH, version="1"))
            await device.client.post_plays([{"n": 1}])
        asked = line.origin.requests.count(f"channels/{CHANNEL}/timestamp.json")
        polled = lambda: line.origin.requests.count(f"channels/{CHANNEL}/timestamp.json") > asked  # noqa: E731
        await device.until(polled, pass_s=5)
        assert line.origin.media_bytes == media and device.syncer.facts().out_of_budget and line.delivered > 0
        assert device.store.media.has(first[0].sha256)
        line.budget = Budget(30 * MIB, MIB)  # another budget counts at once
        device.syncer.limits_changed()
        await device.plays(line.origin.publisher.release)
        assert same(line.used, gate.total)


async def test_media_go_on_with_the_next_month_where_they_were(line: Line) -> None:
    line.budget = Budget(2 * MIB, 64 * 1024)
    line.origin.publisher.publish(noise(1, 3 * MIB))
    async with line.device() as (device, gate):
        await device.until(lambda: device.syncer.facts().out_of_budget)
        device.clock.step_wall(30 * 86_400)
        await device.until(lambda: device.syncer.facts().state == "current", pass_s=5)
        assert gate.total < 3.5 * MIB, "nothing came twice"
        assert [month.name for month in line.counter.state().traffic.months] == ["2026-03", "2026-04"]


async def test_one_release_is_let_through_and_the_next_one_waits(line: Line) -> None:
    line.budget = Budget(MIB, 64 * 1024)
    line.origin.publisher.publish(noise(1, 2 * MIB))
    async with line.device() as (device, _):
        await device.until(lambda: device.syncer.facts().out_of_budget)
        wanted = device.syncer.facts().preparing
        assert wanted is not None
        line.counter.let_through(wanted)
        device.syncer.limits_changed()
        await device.plays(line.origin.publisher.release)
        line.origin.publisher.publish(noise(1, 2 * MIB), noise(2, MIB))
        device.syncer.wake()
        await device.until(lambda: device.syncer.facts().out_of_budget)
        assert line.counter.state().traffic.let_through == wanted


async def test_what_comes_from_the_venue_needs_no_budget(line: Line) -> None:
    line.budget, line.venue = Budget(MIB, 64 * 1024), ("127.0.0.1",)
    line.origin.publisher.publish(noise(1, 2 * MIB))
    async with line.device() as (device, _):
        await device.plays(line.origin.publisher.release)
        assert line.used == 0


async def test_a_budget_that_another_plane_uses_up_ends_what_is_under_way(line: Line) -> None:
    line.budget = Budget(100 * MIB, MIB)
    line.origin.publisher.publish(noise(1, 20 * MIB), chunk=4 * MIB)
    line.origin.faults.pace_s = 0.02
    async with line.device() as (device, gate):
        await device.until(lambda: gate.down > MIB)
        line.counter.streams.add(0, 99 * MIB)
        await device.until(lambda: device.syncer.facts().out_of_budget, pass_s=0.1)
        assert gate.down < 12 * MIB
        month = line.counter.state().traffic.month
        assert month.streams == 99 * MIB and same(month.total - month.streams, gate.total)
        line.origin.faults.pace_s = 0.0
        line.budget = None
        device.syncer.limits_changed()
        await device.until(lambda: device.syncer.facts().state == "current", pass_s=0.1)


async def test_the_service_says_once_when_a_budget_is_spent_and_when_it_goes_on(store: ContentStore) -> None:
    clock, changes, budget = FakeClock(), [], [Budget(100 * MIB, MIB)]
    counter = TrafficCounter(
        store.state, clock, lambda: UTC, lambda: budget[0], changed=lambda: changes.append(counter.state().spent)
    )
    task = asyncio.create_task(counter.run())
    for more, expected in ((0, []), (99 * MIB, [True]), (0, [True, False])):
        counter.content.add(0, more)
        await clock.advance(50)
        async with asyncio.timeout(60):
            while changes != expected:
                await clock.advance(1)
        budget[0] = Budget(100 * MIB + more, MIB)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
