"""A real client among the simulated devices of `script/bench origin`: a player's own code, with its outbox in memory.

What it measures is what a player waits for the answer to an exchange. It shows, reports and fetches as the others do.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from origin_bodies import CHANNEL, NEXT_TITLE, TITLE, Batches, heartbeat, name_of, token_of
from origin_screen import Crowd

from sync.device.exchange.exchange_ways import ExchangeWays
from sync.device.exchange.gathering_plays import GatheringPlays
from sync.device.exchange.live_connection import LiveConnection
from sync.device.exchange.origin_exchange import OriginExchange
from sync.device.origin_client import OriginClient, open_client
from sync.device.queue_delivery import QueueDelivery
from sync.device.store.outbox import QueuedPlay
from sync.errors import OriginRefused, OriginUnreachable, Untrusted
from sync.runtime.clock import SystemClock
from sync.wire.content_paths import timestamp_path
from sync.wire.device_reports import Heartbeat, OnAir, PlayKind
from sync.wire.live_messages import Exchange, ExchangeAnswer, Hint, OnAirMessage
from sync.wire.release import TIMESTAMP_CAP_BYTES
from tests.sync.device.exchange.memory_queue import MemoryQueue

EXCHANGE = "exchange of a player"


class _Outbox(MemoryQueue):
    """The plays of one device; it counts those that it need not keep any more."""

    delivered = 0

    def put(self, play: QueuedPlay) -> None:
        """Have one more wait."""
        self.waiting.append(play)
        self.add(0)

    async def acknowledge(self, sequences: Sequence[int]) -> None:
        """Count what was delivered."""
        self.delivered += len(sequences)
        await super().acknowledge(sequences)


class Player:
    """One real client, with what `Screen` has."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd, self._number = crowd, number
        self.batches = Batches(number, crowd.shown)
        self._outbox = _Outbox()
        self._beat = Heartbeat.model_validate_json(heartbeat(number, crowd.shown, crowd.period_s))
        self._way: ExchangeWays
        self._is_open, self._is_first, self._heard_of = False, True, 1
        self._task: asyncio.Task[None] | None = None
        self._fetches = set[asyncio.Task[None]]()

    @property
    def plays_delivered(self) -> int:
        """How many plays were acknowledged."""
        return self._outbox.delivered

    def begin(self, at_s: float) -> None:
        """Begin at an instant of the loop."""
        self._task = asyncio.create_task(self._run(at_s - asyncio.get_running_loop().time()))

    def end(self) -> None:
        """Do nothing any more."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        clock, crowd = SystemClock(), self._crowd
        async with open_client(f"http://{crowd.host}", token_of(self._number)) as client:
            live = LiveConnection(client, clock, crowd.rng, self._heard, self._closed)
            self._way = ExchangeWays(live, client, clock, crowd.rng, name_of(self._number), lambda: CHANNEL)
            plays = GatheringPlays(QueueDelivery(self._outbox, clock, crowd.rng, self._begin_anew), clock, 60.0)
            exchange = OriginExchange(self, plays, self._report, self._told, lambda: crowd.period_s, clock, crowd.rng)
            self._client = client
            async with asyncio.TaskGroup() as group:
                for work in (live.run(), exchange.run(), self._show(live)):
                    group.create_task(work)

    async def exchange(self, asked: Exchange) -> ExchangeAnswer:
        """Measure an exchange; raises what it raises."""
        loop, tally = asyncio.get_running_loop(), self._crowd.tally
        began_s = loop.time()
        try:
            answer = await self._way.exchange(asked)
        except (OriginRefused, OriginUnreachable, Untrusted):
            tally.failed[EXCHANGE] += 1
            raise
        tally.late_s[EXCHANGE].append(loop.time() - began_s)
        for receipt in () if answer.plays is None else answer.plays.receipts:
            tally.receipts["set aside" if receipt.detail else receipt.status] += 1
        if self._is_first:
            self._is_first = False
            tally.reported.append(time.time())
        return answer

    async def _show(self, live: LiveConnection) -> None:
        shown, nth = self._crowd.shown, 0
        while True:
            for document in json.loads(self.batches.take(nth, nth + 1)):
                item = OnAir(title=TITLE, kind=PlayKind.ITEM, asset=document["asset"], since=datetime.now(UTC))
                live.show(OnAirMessage(on_air=item, next_title=NEXT_TITLE))
                await asyncio.sleep(shown.item_s)
                self._outbox.put(QueuedPlay(document["sequence"], document))
            nth += 1

    async def _report(self) -> Heartbeat:
        return self._beat

    async def _told(self, asked: Exchange, answer: ExchangeAnswer) -> None:
        pass

    async def _begin_anew(self) -> None:
        raise AssertionError("the origin has other plays of this log")

    async def _heard(self, hint: Hint) -> None:
        crowd = self._crowd
        if hint.topic == "welcome":
            crowd.open_sockets += 1
            crowd.tally.back.append(time.time())
            self._is_open = True
        elif hint.topic == "release" and (hint.sequence or 0) > self._heard_of:
            self._heard_of = hint.sequence or 0
            crowd.tally.hinted.append(time.time())
            fetch = asyncio.create_task(self._fetch(self._client, crowd.rng.uniform(0, hint.within_s)))
            self._fetches.add(fetch)
            fetch.add_done_callback(self._fetches.discard)

    async def _fetch(self, client: OriginClient, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        began_s = asyncio.get_running_loop().time()
        try:
            await client.document(timestamp_path(CHANNEL), TIMESTAMP_CAP_BYTES)
        except (OriginRefused, OriginUnreachable):
            self._crowd.tally.failed["timestamp"] += 1
        else:
            self._crowd.tally.late_s["timestamp"].append(asyncio.get_running_loop().time() - began_s)

    def _closed(self) -> None:
        """Note that there is no live connection, before it is opened."""
        if self._is_open:
            self._crowd.open_sockets -= 1
            self._is_open, self._is_first = False, True
