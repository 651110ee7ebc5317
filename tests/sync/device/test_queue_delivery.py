"""Plays reach an origin that loses answers over a real socket: each play once, in order."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web

from player.evidence.ledger import Ledger, open_ledger
from sync.device.origin_client import open_client
from sync.device.queue_delivery import RETENTION, QueueDelivery, QueueUploader
from sync.runtime.clock import SystemClock
from sync.wire.device_reports import BATCH_LIMIT
from tests.fakes import FakeClock
from tests.player.director.venue import DEVICE
from tests.player.evidence.plays import closed, log_plays


class HastyClock(FakeClock):
    """A clock whose sleeps end at once; it records them."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._move_to(self.monotonic() + max(0.0, seconds))
        await asyncio.sleep(0)


class Origin:
    """An origin that stores each play once, like the real one; `faults` decides about each answer."""

    def __init__(self, faults: Random | None = None) -> None:
        self.held: dict[tuple[str, str, int], str] = {}
        self.order: list[int] = []
        self.batches: list[int] = []
        self.refuse: dict[int, str] = {}  # sequence to status
        self.statuses: list[tuple[int, dict[str, str]]] = []  # answered first, nothing taken
        self.most = BATCH_LIMIT
        self.missing: list[tuple[int, int]] = []  # asked for in the next answer
        self.closing = False
        self.epoch = ""  # named by the answers; empty: that of the plays
        self._faults = faults

    async def plays(self, request: web.Request) -> web.StreamResponse:
        batch = (await request.json())["plays"]
        self.batches.append(len(batch))
        if self.statuses:
            status, headers = self.statuses.pop(0)
            return web.Response(status=status, headers=headers)
        if len(batch) > self.most:
            return web.Response(status=413)
        if self._faults and self._faults.random() < 0.2:
            return web.Response(status=503)
        receipts = [self._take(play) for play in batch]
        if self._faults and self._faults.random() < 0.4:  # taken, and nobody hears of it
            assert request.transport is not None
            request.transport.abort()
        missing, self.missing = [{"first": first, "last": last} for first, last in self.missing], []
        epoch = self.epoch or batch[-1]["log_epoch"]
        return web.json_response({"receipts": receipts, "log_epoch": epoch, "missing": missing})

    def _take(self, play: dict[str, Any]) -> dict[str, Any]:
        sequence = play["sequence"]
        if sequence in self.refuse:
            return {"sequence": sequence, "status": self.refuse[sequence], "detail": "not this one"}
        key, body = (play["device"], play["log_epoch"], sequence), json.dumps(play, sort_keys=True)
        if key in self.held:
            return {"sequence": sequence, "status": "duplicate" if self.held[key] == body else "conflict"}
        self.held[key] = body
        self.order.append(sequence)
        return {"sequence": sequence, "status": "accepted"}


@asynccontextmanager
async def uploading(ledger: Ledger, origin: Origin, clock: FakeClock) -> AsyncIterator[None]:
    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_post("/v1/plays", origin.plays)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with open_client(f"http://127.0.0.1:{port}", "token") as client:
        delivery = QueueDelivery(ledger.outbox, clock, Random(1), ledger.begin_anew)
        task = asyncio.create_task(QueueUploader(delivery, client.post_plays, clock).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})
            await runner.cleanup()


async def polled(ask: Callable[[], Awaitable[object]], wanted: object) -> None:
    async with asyncio.timeout(60):
        while await ask() != wanted:
            await SystemClock().sleep(0.002)


async def drained(ledger: Ledger) -> None:
    await polled(ledger.outbox.depth, 0)


async def test_every_play_arrives_once_although_answers_are_lost(tmp_path: Path) -> None:
    origin, clock = Origin(Random(3)), HastyClock()
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        async with uploading(ledger, origin, clock):
            for step in range(20):
                await more(ledger, step)
                await drained(ledger)
        sent = [json.dumps(body, sort_keys=True) for body in reversed(await ledger.outbox.plays(limit=1000))]
    assert len(origin.batches) > 20, "some were sent again"
    assert list(origin.held.values()) == sent and origin.order == list(range(1, 101))


async def more(ledger: Ledger, step: int) -> None:
    await ledger.write([closed(f"take-{step}-{n}") for n in range(5)])


async def test_many_plays_are_sent_in_limited_batches_oldest_first(tmp_path: Path) -> None:
    origin, clock = Origin(), HastyClock()
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 1_300)
        async with uploading(ledger, origin, clock):
            await drained(ledger)
    assert origin.batches == [500, 500, 300]
    assert origin.order == list(range(1, 1_301))


async def test_what_the_origin_lost_is_sent_again_and_nothing_else(tmp_path: Path) -> None:
    origin, clock = Origin(), HastyClock()
    origin.refuse = {3: "invalid"}
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 8)
        async with uploading(ledger, origin, clock):
            await drained(ledger)
            lost = [key for key in origin.held if key[2] in (2, 4, 5)]
            for key in lost:
                del origin.held[key]
            origin.missing, origin.order = [(2, 5), (7, 2**53)], []
            await more(ledger, 1)  # 9 to 13, in one batch
            await polled(lambda: held(origin), list(range(1, 3)) + list(range(4, 14)))
            await drained(ledger)
            assert origin.order == [9, 10, 11, 12, 13, 2, 4, 5]  # 3 was refused, 7 and 8 are there
            origin.missing, origin.epoch, batches = [(1, 13)], "f" * 32, len(origin.batches)
            await more(ledger, 2)
            await drained(ledger)
            assert len(origin.batches) == batches + 1  # another log is meant


async def test_an_origin_that_calls_everything_a_conflict_gets_one_new_log_an_hour(tmp_path: Path) -> None:
    origin, clock = Origin(), FakeClock()
    origin.refuse = dict.fromkeys(range(100), "conflict")
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 3)
        first = ledger.epoch
        async with uploading(ledger, origin, clock):
            await polled(lambda: conflicts(ledger, first), 3)
            second = ledger.epoch
            await more(ledger, 1)
            await drained(ledger)
            assert ledger.epoch == second
            await clock.advance(3_600)
            await more(ledger, 2)
            await polled(lambda: conflicts(ledger, second), 13)
    assert len([*tmp_path.glob("plays.db.*")]) == 2


async def conflicts(ledger: Ledger, before: str) -> int:
    """Return how many plays are refused in a log after that one."""
    return 0 if ledger.epoch == before else len(await ledger.outbox.refusals())


async def held(origin: Origin) -> list[int]:
    return sorted(sequence for _, _, sequence in origin.held)


async def test_a_refused_play_does_not_block_the_others(tmp_path: Path) -> None:
    origin, clock = Origin(), HastyClock()
    origin.refuse = {2: "invalid", 4: "invalid"}
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 6)
        async with uploading(ledger, origin, clock):
            await drained(ledger)
        assert origin.order == [1, 3, 5, 6]
        aside = await ledger.outbox.refusals()
        assert [(refusal.sequence, refusal.status) for refusal in aside] == [(4, "invalid"), (2, "invalid")]
        assert len(await ledger.outbox.plays()) == 6, "nothing is thrown away"


async def test_retry_after_is_respected_and_waits_are_random(tmp_path: Path) -> None:
    origin, clock = Origin(), HastyClock()
    origin.statuses = [(503, {"Retry-After": "120"}), (500, {}), (401, {}), (502, {})]
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 1)
        async with uploading(ledger, origin, clock):
            await drained(ledger)
    assert origin.order == [1]
    assert clock.slept[0] >= 120 and len(clock.slept) == 4
    assert all(0 <= slept <= 2.0**n for n, slept in enumerate(clock.slept) if n)


async def test_a_batch_that_is_too_large_is_halved_until_it_fits(tmp_path: Path) -> None:
    origin, clock = Origin(), HastyClock()
    origin.most = 130
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 600)
        async with uploading(ledger, origin, clock):
            await drained(ledger)
    assert origin.order == list(range(1, 601))
    assert origin.batches[:3] == [500, 250, 125] and len(origin.batches) < 12


async def test_acknowledged_plays_are_deleted_after_30_days_and_others_stay(tmp_path: Path) -> None:
    origin, clock = Origin(), HastyClock()
    origin.refuse = {2: "invalid"}
    async with open_ledger(tmp_path / "plays.db", DEVICE, clock) as ledger:
        await log_plays(ledger, 3)
        async with uploading(ledger, origin, clock):
            await drained(ledger)
            assert len(await ledger.outbox.plays()) == 3
            clock.step_wall((RETENTION + timedelta(hours=1)).total_seconds())
            await more(ledger, 0)
            await drained(ledger)

            async def left() -> list[int]:
                return [play["sequence"] for play in await ledger.outbox.plays()]

            await polled(left, [2])  # the new ones ended long ago as well, by this clock
