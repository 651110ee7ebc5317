"""One exchange a period over real sockets: whatever the origin answers, each play arrives once, and nothing storms."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import web

from player.evidence.ledger import open_ledger
from sync.device.exchange.gathering_plays import AT_ONCE_S, ENOUGH, FEW
from sync.runtime.clock import SystemClock
from sync.runtime.waiting import first_of
from sync.wire.device_reports import Heartbeat
from tests.fakes import FakeClock
from tests.player.director.venue import DEVICE
from tests.player.evidence.plays import closed
from tests.sync.device.exchange.exchange_origin import HELD, ExchangeOrigin, in_contact
from tests.sync.device.exchange.memory_queue import MemoryQueue


async def test_one_exchange_a_period_carries_the_state_and_the_plays(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with in_contact(origin, queue, clock) as device:
        await device.until(lambda: origin.exchanges)
        await device.pass_time(AT_ONCE_S + 10)
        origin.exchanges.clear()
        for _ in range(60):
            queue.add(1)
            await device.pass_time(10)
        assert 9 <= len(origin.exchanges) <= 11
        assert all(asked["heartbeat"]["version"] == "1" for _, asked in origin.exchanges)
        assert {len(asked["plays"]) for _, asked in origin.exchanges} <= {5, 6, 7}
        asked, answer = device.told[-1]
        assert (answer.channel, answer.timestamp, len(asked.plays)) == (
            "main",
            HELD,
            len(origin.exchanges[-1][1]["plays"]),
        )
    assert origin.older == []


async def test_every_play_arrives_once_although_answers_are_lost(tmp_path: Path, clock: FakeClock) -> None:
    origin = ExchangeOrigin()
    origin.faults = Random(3)
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        async with in_contact(origin, ledger.outbox, clock) as device:
            for step in range(12):
                await ledger.write([closed(f"take-{step}-{n}") for n in range(3)])
                while await ledger.outbox.depth():
                    await clock.advance(5)
                    await SystemClock().sleep(0.002)
            assert device.new_logs == 0
        sent = [json.dumps(body, sort_keys=True) for body in reversed(await ledger.outbox.plays(limit=1000))]
    assert list(origin.held.values()) == sent and origin.order == list(range(1, 37))
    assert len(origin.exchanges) > 13, "some were sent again"


async def test_what_is_too_large_is_halved_and_no_play_is_refused_for_the_sake_of_a_heartbeat(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    origin.fault = lambda asked: web.Response(status=413) if asked.get("heartbeat") and asked["plays"] else None
    origin.largest_bytes = 10_000
    queue.add(5, text="x" * 500)
    queue.add(1, text="x" * 20_000)
    queue.add(30, text="x" * 500)
    async with in_contact(origin, queue, clock) as device:
        await device.until(lambda: not queue.waiting)
        await device.until(lambda: any(asked["heartbeat"] for _, asked in origin.exchanges if not asked["plays"]))
    assert [one.sequence for one in queue.refused] == [6]
    assert origin.order == [1, 2, 3, 4, 5, *range(7, 37)]
    assert len(origin.exchanges) < 40


async def test_an_origin_that_fails_is_asked_less_and_less_with_few_plays(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    origin.fault = lambda asked: web.Response(status=503, headers={"Retry-After": "5"})
    queue.add(500)
    async with in_contact(origin, queue, clock) as device:
        await device.pass_time(600)
        assert 10 <= len(origin.exchanges) <= 30
        assert {len(asked["plays"]) for _, asked in origin.exchanges[1:]} == {FEW}
        origin.fault = lambda asked: None
        origin.exchanges.clear()
        await device.until(lambda: not queue.waiting, pass_s=1)
        assert len(origin.exchanges) == 6 and origin.reports() == 1
    assert origin.older == []


async def test_plays_that_cannot_be_stored_wait_and_nothing_else_does(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    origin.fault = lambda asked: (
        web.json_response(origin.answer | {"retry_after_s": 86_400}) if asked["plays"] else None
    )
    queue.add(500)
    async with in_contact(origin, queue, clock) as device:
        await device.pass_time(890)
        assert carried(origin) == [ENOUGH]
        assert 13 <= origin.reports() <= 18
        await device.pass_time(1_800)
        assert carried(origin) == [ENOUGH, FEW, FEW]
        origin.fault = lambda asked: None
        origin.exchanges.clear()
        await device.until(lambda: not queue.waiting, pass_s=2)
        assert carried(origin) == [FEW, ENOUGH, ENOUGH, ENOUGH, ENOUGH, 500 - FEW - 4 * ENOUGH]


def carried(origin: ExchangeOrigin) -> list[int]:
    """Return how many plays each exchange carried, of those that had some."""
    return [len(asked["plays"]) for _, asked in origin.exchanges if asked["plays"]]


async def test_a_heartbeat_that_is_refused_keeps_no_play(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    origin.answer["refused"] = "version: too long"
    queue.add(3)
    async with in_contact(origin, queue, clock) as device:
        await device.until(lambda: not queue.waiting)
        await device.pass_time(200)
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == ["heartbeat not taken: version: too long"]


NONSENSE: dict[str, Any] = {
    "no JSON": web.Response,
    "another device": lambda: web.json_response({"device": "another", "channel": "main", "plays": None}),
    "receipts of other plays": lambda: web.json_response(
        {"device": DEVICE, "channel": "main", "plays": {"receipts": [{"sequence": 77, "status": "accepted"}] * 3}}
    ),
    "huge numbers": lambda: web.json_response(
        {"device": DEVICE, "channel": "main", "fetch_within_s": 10**300, "retry_after_s": 10**300}
    ),
    "a channel that is none": lambda: web.json_response({"device": DEVICE, "channel": "../../etc"}),
    "more than an answer may have": lambda: web.Response(body=b" " * 2_000_000),
    "a web page": lambda: web.Response(text="<html>", content_type="text/html"),
}


@pytest.mark.parametrize("kind", NONSENSE)
async def test_answers_that_make_no_sense_lose_no_play_and_stick_none(clock: FakeClock, kind: str) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    origin.fault = lambda asked: NONSENSE[kind]()
    queue.add(3)
    async with in_contact(origin, queue, clock) as device:
        await device.until(lambda: len(origin.exchanges) >= 3, pass_s=1)
        assert len(queue.waiting) == 3 or origin.older
        origin.fault = lambda asked: None
        await device.until(lambda: not queue.waiting, pass_s=1)
        assert origin.order == [1, 2, 3]
        assert {answer.channel for _, answer in device.told} <= {"main"}


async def test_an_older_origin_gets_what_it_knows_and_is_asked_again_after_an_hour(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    origin.knows_exchanges, origin.channel = False, "moved"
    queue.add(3)
    async with in_contact(origin, queue, clock) as device:
        await device.until(lambda: device.told)
        assert origin.older == ["plays", "heartbeats", "device"]
        asked, answer = device.told[0]
        assert answer.channel == "moved" and answer.timestamp is None and len(answer.heartbeat.doubts) == 1
        assert (queue.waiting, len(asked.plays)) == ([], 3)
        await device.pass_time(300)
        assert origin.older[3:] == ["heartbeats"] * len(origin.older[3:]) and 4 <= len(origin.older[3:]) <= 6
        origin.knows_exchanges = True
        await device.until(lambda: origin.exchanges, pass_s=30)
        assert clock.monotonic() - 1000 <= 3_600 + 70
        count = len(origin.older)
        await device.pass_time(300)
        assert len(origin.older) == count


async def test_an_older_origin_that_makes_no_sense_otherwise_takes_plays_once(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    origin.knows_exchanges, origin.nonsense = False, True
    queue.add(3)
    async with in_contact(origin, queue, clock) as device:
        await device.until(lambda: not queue.waiting)
        await device.pass_time(60)
    assert origin.order == [1, 2, 3] and origin.older.count("plays") == 1


@pytest.mark.parametrize("status", [403, 422, 500])
async def test_plays_are_not_stuck_where_only_the_exchange_fails(clock: FakeClock, status: int) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    origin.fault = lambda asked: web.Response(status=status)
    queue.add(3)
    async with in_contact(origin, queue, clock) as device:
        await device.until(lambda: not queue.waiting, pass_s=1)
        assert origin.ways() == ["http"] * 3 and "plays" in origin.older
        await device.pass_time(600)
        assert len(origin.exchanges) <= 3 + 4


async def test_an_origin_that_alternates_between_answers_and_faults_gets_all(clock: FakeClock) -> None:
    origin, queue, turns = ExchangeOrigin(), MemoryQueue(), [0]

    def alternate(asked: dict[str, Any]) -> web.Response | None:
        turns[0] += 1
        return web.Response(status=503) if turns[0] % 2 else None

    origin.fault = alternate
    async with in_contact(origin, queue, clock) as device:
        for _ in range(20):
            queue.add(2)
            await device.until(lambda: not queue.waiting, pass_s=1)
    assert origin.order == list(range(1, 41))
    assert origin.older == []


async def test_a_wall_clock_that_jumps_changes_nothing(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with in_contact(origin, queue, clock) as device:
        await device.pass_time(200)
        for years in (-30, 60):
            origin.exchanges.clear()
            clock.step_wall(years * 365 * 86_400)
            await device.pass_time(300)
            assert 4 <= len(origin.exchanges) <= 6


async def test_a_changed_period_counts_from_the_next_exchange(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with in_contact(origin, queue, clock) as device:
        await device.pass_time(10)
        device.period_s = 600
        await device.pass_time(500)
        assert len(origin.exchanges) == origin.reports() == 2
        await device.pass_time(200)
        device.period_s = 10
        await device.pass_time(670)
        origin.exchanges.clear()
        await device.pass_time(100)
        assert 9 <= origin.reports() <= 11


async def test_a_lost_exchange_is_tried_again_soon(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    origin, queue, left = ExchangeOrigin(), MemoryQueue(), [2]

    def twice(asked: dict[str, Any]) -> web.Response | None:
        left[0] -= 1
        return web.Response(status=500) if left[0] >= 0 else None

    origin.fault = twice
    async with in_contact(origin, queue, clock) as device:
        await device.pass_time(10)
        assert len(origin.exchanges) == 3 and len(device.told) == 1
    told = [record.getMessage() for record in caplog.records if "exchange" in record.getMessage()]
    assert [line.split(":")[0] for line in told] == ["no exchange with the origin", "exchanges with the origin again"]


async def test_a_heartbeat_that_cannot_be_made_stops_no_plays(clock: FakeClock) -> None:
    origin, queue = ExchangeOrigin(), MemoryQueue()
    async with in_contact(origin, queue, clock) as device:
        await device.until(lambda: device.told)

        async def report() -> Heartbeat:
            raise ZeroDivisionError

        device.exchange._report = report
        queue.add(3)
        await device.pass_time(AT_ONCE_S)
        for _ in range(2):  # as the supervisor starts it again
            queue.add(3)
            with pytest.raises(ZeroDivisionError):
                await first_of(device.exchange.run(), device.pass_time(200))
        assert queue.waiting == []
