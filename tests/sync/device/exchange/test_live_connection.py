"""The live connection over real sockets: what it carries, and that nothing waits for one that is dead."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from aiohttp import web

from sync.device.exchange.gathering_plays import AT_ONCE_S
from sync.device.exchange.live_connection import ANSWER_S, LARGEST_BYTES, SILENT_S
from sync.wire.device_reports import OnAir
from sync.wire.live_messages import Hint, OnAirMessage
from tests.fakes import FakeClock
from tests.sync.device.exchange.exchange_origin import Contact, ExchangeOrigin, in_contact
from tests.sync.device.exchange.memory_queue import MemoryQueue

WELCOME = {"topic": "welcome", "within_s": 0}


@asynccontextmanager
async def connected(origin: ExchangeOrigin, queue: MemoryQueue, clock: FakeClock) -> AsyncIterator[Contact]:
    """Run a device whose live connection is open, after the time in which plays are sent at once."""
    origin.welcomes = origin.welcomes or [WELCOME]
    async with in_contact(origin, queue, clock, live=True) as device:
        await device.until(lambda: device.hints)
        await device.pass_time(AT_ONCE_S + 2)
        origin.exchanges.clear()
        yield device


def showing(title: str) -> OnAirMessage:
    return OnAirMessage(on_air=OnAir(title=title, kind="item"))


async def test_exchanges_travel_over_an_open_connection(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with connected(origin, queue, clock) as device:
        for _ in range(6):
            queue.add(6)
            await device.pass_time(70)
    assert origin.order == list(range(1, 37))
    assert set(origin.ways()) == {"live"} and 5 <= len(origin.exchanges) <= 8


async def test_a_large_exchange_goes_over_http(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with connected(origin, queue, clock) as device:
        queue.add(100, text="x" * (LARGEST_BYTES // 100))
        await device.until(lambda: not queue.waiting)
        assert origin.ways() == ["http"]


async def test_a_connection_that_never_answers_delays_plays_once_and_little(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with connected(origin, queue, clock) as device:
        origin.answers_live = False
        queue.add(1, "operator")
        await device.until(lambda: origin.exchanges)
        await clock.advance(ANSWER_S - 1)
        assert queue.waiting
        await clock.advance(1)
        await device.until(lambda: not queue.waiting)
        assert origin.ways() == ["live", "http"]
        await device.pass_time(SILENT_S / 2)
        assert set(origin.ways()[2:]) == {"http"}
        origin.answers_live = True
        await device.until(lambda: origin.ways()[-1] == "live", pass_s=10)


async def test_a_connection_that_ends_during_an_exchange_is_replaced_by_http_at_once(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with connected(origin, queue, clock) as device:
        origin.answers_live = False
        queue.add(1, "operator")
        await device.until(lambda: origin.exchanges)
        for socket in set(origin.live):
            await socket.close()
        await device.until(lambda: not queue.waiting)
        assert origin.ways() == ["live", "http"]


async def test_only_the_answer_with_the_number_of_the_exchange_counts(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with connected(origin, queue, clock) as device:
        origin.answers_live = False
        queue.add(1, "operator")
        await device.until(lambda: origin.exchanges)
        receipts = {"receipts": [{"sequence": 1, "status": "accepted"}]}
        for number in (None, -1, 10**6, 2**60):
            await origin.say(topic="exchange", number=number, answer=origin.answer | {"plays": receipts})
        await origin.say(topic="exchange", number=True)
        await clock.run_ready(50)
        assert queue.waiting
        origin.answers_live = True
        await clock.advance(ANSWER_S)
        await device.until(lambda: not queue.waiting)
    assert origin.order == [1]


@pytest.mark.parametrize("status", [413, 503])
async def test_a_refusal_over_the_connection_is_one_over_http(clock: FakeClock, status: int) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with connected(origin, queue, clock) as device:
        origin.answers_live = False
        queue.add(2, "operator")
        await device.until(lambda: origin.exchanges)
        await origin.say(topic="exchange", number=numbers(device), status=status, detail="no", retry_after_s=30)
        await clock.run_ready(50)
        await device.until(lambda: device.exchange._failures or len(origin.exchanges) > 1)
        assert len(origin.exchanges) == (2 if status == 413 else 1)
        if status == 413:
            assert [len(asked["plays"]) for _, asked in origin.exchanges] == [2, 1]


def numbers(device: Contact) -> int:
    """Return the number of the exchange that waits for its answer."""
    assert device.live._asked is not None
    return device.live._asked[0]


async def test_an_origin_that_says_no_welcome_is_sent_nothing(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with in_contact(origin, queue, clock, live=True) as device:
        device.live.show(showing("first"))
        await device.until(lambda: origin.live)
        await origin.say(topic="release", channel="main", sequence=3)
        await device.until(lambda: device.hints)
        queue.add(3)
        await device.pass_time(200)
    assert device.hints == [Hint(topic="release", channel="main", sequence=3)]
    assert set(origin.ways()) == {"http"} and origin.on_air == []


async def test_what_is_on_air_is_told_when_it_changes_the_last_of_each_second(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with connected(origin, queue, clock) as device:
        device.live.show(showing("first"))
        await device.until(lambda: len(origin.on_air) == 1, pass_s=0.1)
        for step in range(50):  # in five seconds
            device.live.show(showing(f"step {step}"))
            await clock.advance(0.1)
        await device.until(lambda: origin.on_air[-1]["on_air"]["title"] == "step 49", pass_s=0.1)
        assert 4 <= len(origin.on_air) <= 8
        count = len(origin.on_air)
        device.live.show(showing("step 49"))
        await device.pass_time(10)
        assert len(origin.on_air) == count, "nothing has changed"
        for socket in set(origin.live):
            await socket.close()
        await device.until(lambda: len(origin.on_air) == count + 1, pass_s=1)
        assert origin.on_air[-1]["on_air"]["title"] == "step 49", "a new connection knows nothing"


async def test_devices_come_back_over_the_window_that_the_origin_named(clock: FakeClock) -> None:
    origin, queue, came_s = ExchangeOrigin(), MemoryQueue(), list[float]()
    origin.welcomes = [{"topic": "welcome", "within_s": 100}]
    async with connected(origin, queue, clock) as device:
        for _ in range(6):
            await device.pass_time(12)
            for socket in set(origin.live):
                await socket.close()
            await device.until(lambda: not origin.live)
            since_s = clock.monotonic()
            await device.until(lambda: origin.live, pass_s=2)
            came_s.append(clock.monotonic() - since_s)
    assert min(came_s) < 45 and max(came_s) > 55 and max(came_s) <= 105


async def test_a_device_that_is_moved_comes_back_at_once(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    origin.welcomes = [{"topic": "welcome", "within_s": 86_400}]
    async with connected(origin, queue, clock) as device:
        await origin.say(topic="channel", channel="other")
        for socket in set(origin.live):
            await socket.close()
        await device.until(lambda: device.hints[-1].topic == "channel")
        since_s = clock.monotonic()
        await device.until(lambda: device.hints[-1].topic == "welcome", pass_s=0.5)
        assert clock.monotonic() - since_s <= 3


async def test_garbage_and_thousands_of_hints_keep_no_exchange_waiting(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with connected(origin, queue, clock) as device:
        for socket in origin.live:
            for raw in ("not json", "[]", "{}", '{"topic": 7}', '{"topic":"exchange"}', '{"topic":"welcome"}' * 2):
                await socket.send_str(raw)
            await socket.send_bytes(b"\0" * 1000)
        for number in range(2_000):
            await origin.say(topic="weather", number=number)
        queue.add(1, "operator")
        await device.until(lambda: not queue.waiting)
        assert origin.ways() == ["live"]


async def test_a_connection_that_ends_as_soon_as_it_is_open_is_opened_less_and_less(clock: FakeClock) -> None:
    opened: list[float] = []

    class Closing(ExchangeOrigin):
        async def _open_live(self, request: web.Request) -> web.StreamResponse:
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            opened.append(clock.monotonic())
            await socket.send_json(WELCOME)
            await socket.close()
            return socket

    origin = Closing()
    async with in_contact(origin, MemoryQueue(), clock, live=True) as device:
        await device.pass_time(1_200)
    assert len(opened) <= 25
    assert set(origin.ways()) <= {"http", "live"} and len(origin.exchanges) <= 25


async def test_a_handshake_that_is_refused_is_tried_again_when_the_origin_says(clock: FakeClock) -> None:
    tried: list[float] = []

    class Full(ExchangeOrigin):
        async def _open_live(self, request: web.Request) -> web.StreamResponse:
            tried.append(clock.monotonic())
            return web.Response(status=503, headers={"Retry-After": "120"})

    async with in_contact(Full(), MemoryQueue(), clock, live=True) as device:
        await device.pass_time(600)
    assert 3 <= len(tried) <= 5
    assert all(120 <= later - sooner <= 152 for sooner, later in pairwise(tried))
