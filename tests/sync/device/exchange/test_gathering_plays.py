import asyncio
from random import Random

import pytest

from sync.device.exchange.gathering_plays import AT_ONCE_S, ENOUGH, GatheringPlays
from sync.device.exchange.origin_exchange import OriginExchange
from sync.device.queue_delivery import QueueDelivery
from sync.wire.device_reports import BatchAnswer, Heartbeat, Receipt
from sync.wire.live_messages import Exchange, ExchangeAnswer
from tests.fakes import FakeClock
from tests.player.director.venue import NOON
from tests.sync.device.exchange.memory_queue import MemoryQueue

PERIOD_S = 3_600.0


class Origin:
    """Answers at once; it has the number of plays of each exchange that had some."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    async def exchange(self, asked: Exchange) -> ExchangeAnswer:
        if asked.plays:
            self.batches.append(len(asked.plays))
        receipts = tuple(Receipt(sequence=play["sequence"], status="accepted") for play in asked.plays)
        return ExchangeAnswer(device="d1", channel="main", plays=BatchAnswer(receipts=receipts))


@pytest.mark.parametrize(
    ("gather_s", "added", "sent"),
    [
        (60, [(0, 3, "eof")], [3]),
        (0, [(AT_ONCE_S, 1, "eof"), (1, 1, "eof")], [1, 1]),
        (60, [(AT_ONCE_S, 1, "eof"), (1, 1, "eof"), (10, 1, "eof")], []),
        (60, [(AT_ONCE_S, 1, "eof"), (10, 1, "eof"), (20, 1, "eof"), (30, 1, "eof")], [3]),
        (60, [(AT_ONCE_S, 1, "eof"), (1, 1, "operator"), (1, 1, "eof")], [2]),
        (60, [(AT_ONCE_S, ENOUGH - 1, "eof")], []),
        (60, [(AT_ONCE_S, ENOUGH - 1, "eof"), (1, 1, "eof")], [ENOUGH]),
        (60, [(AT_ONCE_S, 250, "eof")], [100, 100, 50]),
        (3_000, [(AT_ONCE_S, 1, "eof"), (1_700, 1, "eof")], []),
        (7_200, [(AT_ONCE_S, 7, "eof"), (PERIOD_S, 0, "eof")], [7]),
    ],
)
async def test_plays_gather_unless_there_are_enough_or_somebody_waits_for_them(
    clock: FakeClock, gather_s: float, added: list[tuple[float, int, str]], sent: list[int]
) -> None:
    queue, origin = MemoryQueue(), Origin()

    async def report() -> Heartbeat:
        return Heartbeat(at=NOON, version="1")

    async def nothing(*_: object) -> None:
        return

    plays = GatheringPlays(QueueDelivery(queue, clock, Random(1), nothing), clock, gather_s)
    exchange = OriginExchange(origin, plays, report, nothing, lambda: PERIOD_S, clock, Random(1))
    task = asyncio.create_task(exchange.run())
    for after_s, count, reason in added:
        await clock.advance(after_s)
        queue.add(count, reason)
        await clock.run_ready(200)
    assert origin.batches == sent
    await clock.advance(gather_s)
    assert (queue.waiting, sum(origin.batches)) == ([], sum(count for _, count, _ in added))
    task.cancel()
    await asyncio.wait({task})
