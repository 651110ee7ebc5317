"""How a session and its origin hear of each other: puts together the exchanges, the live connection and the syncer."""

from collections.abc import Awaitable, Callable
from random import Random

from player.app.shared_resources import SharedResources
from sync.device.exchange.exchange_ways import ExchangeWays
from sync.device.exchange.gathering_plays import GatheringPlays
from sync.device.exchange.live_connection import LiveConnection
from sync.device.exchange.origin_exchange import OriginExchange
from sync.device.origin_client import OriginClient
from sync.device.queue_delivery import QueueDelivery
from sync.device.syncer import Syncer
from sync.wire.device_reports import Heartbeat, HeartbeatAnswer
from sync.wire.live_messages import Exchange, ExchangeAnswer, Hint


class OriginContact:
    """Two services: `exchange` asks the origin once a period, `live` hears of news at any time.

    `report` makes a heartbeat, `answered` is given what the origin has to say to it.
    """

    def __init__(
        self,
        client: OriginClient,
        syncer: Syncer,
        plays: QueueDelivery,
        report: Callable[[], Awaitable[Heartbeat]],
        answered: Callable[[HeartbeatAnswer], Awaitable[None]],
        shared: SharedResources,
        device: str,
        rng: Random,
    ) -> None:
        self._syncer = syncer
        self._answered = answered
        clock, configuration = shared.clock, shared.configuration
        self.live = LiveConnection(client, clock, rng, self._heard, self._opening)
        self._ways = ExchangeWays(self.live, client, clock, rng, device, lambda: syncer.channel)
        self.exchange = OriginExchange(
            self._ways,
            GatheringPlays(plays, clock, configuration.settings.origin.plays_s),
            report,
            self._told,
            lambda: configuration.settings.origin.heartbeat_s,
            clock,
            rng,
        )

    async def _heard(self, hint: Hint) -> None:
        if hint.topic == "welcome":
            self._ways.welcomed()
        elif hint.topic == "channel" and hint.channel is not None:
            await self._syncer.follow(hint.channel)
        elif hint.topic == "release":
            self._syncer.hinted(hint.channel, hint.sequence, hint.within_s)

    def _opening(self) -> None:
        self._ways.reopened()
        if self._ways.asks_older:
            self.exchange.ask()

    async def _told(self, asked: Exchange, answer: ExchangeAnswer) -> None:
        await self._syncer.follow(answer.channel)
        if answer.timestamp is not None:
            self._syncer.named(answer.timestamp, answer.fetch_within_s)
        if asked.heartbeat is not None:  # last, for it may become another device, of another channel
            await self._answered(answer.heartbeat)
