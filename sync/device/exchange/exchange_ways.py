"""How an exchange reaches the origin: over the live connection, over HTTP, or by the operations of older origins."""

import logging
import math
from collections.abc import Callable
from random import Random

from sync.device.exchange.live_connection import LiveConnection
from sync.device.origin_client import OriginClient
from sync.device.queue_delivery import TOO_LARGE
from sync.errors import OriginRefused, OriginUnreachable, SignageError, Untrusted
from sync.runtime.clock import Clock
from sync.wire.device_reports import BatchAnswer, HeartbeatAnswer
from sync.wire.live_messages import Exchange, ExchangeAnswer

ASK_AGAIN_S = 3_600.0
"""How long an origin that knows no exchanges is not asked for one, or for down to half of that."""

AFTER_FAULTS_S = 300.0
"""The same after exchanges that failed though something answered."""

_NO_ANSWER = (OriginRefused, OriginUnreachable, Untrusted)
_FAULTS = 3  # so many in a row
_MEANT = (401, TOO_LARGE, 429, 502, 503, 504)  # statuses that older operations would have as well

log = logging.getLogger(__name__)


class ExchangeWays:
    """The ways to the origin of one device; `channel` is the one it knows.

    Who cannot answer exchanges (an older origin, a static server, a proxy that lets only known addresses through) gets
    what it can: plays are never stuck because exchanges are.
    """

    def __init__(
        self,
        live: LiveConnection,
        client: OriginClient,
        clock: Clock,
        rng: Random,
        device: str,
        channel: Callable[[], str],
    ) -> None:
        self._live = live
        self._client = client
        self._clock = clock
        self._rng = rng
        self._device = device
        self._channel = channel
        self._older_until_s = -math.inf
        self._faults = 0
        self._is_older = False
        self._channel_due = True  # it is to be asked for

    @property
    def asks_older(self) -> bool:
        """Whether the origin is taken for an older one now."""
        return self._clock.monotonic() < self._older_until_s

    def reopened(self) -> None:
        """Note that the live connection is made anew: an older origin ends that of a device that it moved."""
        self._channel_due = True

    def welcomed(self) -> None:
        """Note that the origin knows exchanges."""
        if self._is_older:
            log.info("the origin takes exchanges")
        self._older_until_s, self._faults, self._is_older = -math.inf, 0, False

    async def exchange(self, asked: Exchange) -> ExchangeAnswer:
        """Return the answer of the origin.

        Raises:
            OriginUnreachable, OriginRefused, Untrusted: there is none.
        """
        if self.asks_older:
            return await self._by_older_operations(asked)
        try:
            answer = await self._live.exchange(asked) or await self._client.exchange(asked)
            if answer.device != self._device:
                text = f"the origin answers to {answer.device}: is a cache on the way?"
                raise OriginUnreachable(text, answered=True)
        except _NO_ANSWER as error:
            if not self._gives_up(error):
                raise
            return await self._by_older_operations(asked)
        self.welcomed()
        return answer

    def _gives_up(self, error: SignageError) -> bool:
        """Tell whether to use older operations from now on."""
        if isinstance(error, OriginRefused) and error.no_such_operation:
            wait_s = ASK_AGAIN_S
        else:
            self._faults += _is_fault(error)
            if self._faults < _FAULTS or not _is_fault(error):
                return False
            wait_s = AFTER_FAULTS_S
        if not self._is_older:
            log.info("the origin takes no exchanges, and is asked as an older one: %s", error)
        self._is_older = True
        self._older_until_s = self._clock.monotonic() + wait_s * self._rng.uniform(0.5, 1)
        return True

    async def _by_older_operations(self, asked: Exchange) -> ExchangeAnswer:
        """Do what `/v1/exchange` does by a request for each part; receipts are kept whatever becomes of the others."""
        fault: OriginRefused | None = None
        plays, heartbeat, refused = None, HeartbeatAnswer(), ""
        try:
            plays = await self._deliver(asked)
        except OriginRefused as error:
            if error.status == TOO_LARGE or asked.heartbeat is None:
                raise
            log.debug("plays are not delivered: %s", error)
            fault = error
        if asked.heartbeat is not None:
            try:
                heartbeat = await self._client.post_heartbeat(asked.heartbeat)
            except _NO_ANSWER as error:
                if plays is None:
                    raise
                refused = str(error)
        return ExchangeAnswer(
            device=self._device,
            channel=await self._find_channel(),
            heartbeat=heartbeat,
            refused=refused,
            plays=plays,
            retry_after_s=fault.retry_after_s if fault is not None else 0.0,
        )

    async def _deliver(self, asked: Exchange) -> BatchAnswer | None:
        return await self._client.post_plays(asked.plays) if asked.plays else None

    async def _find_channel(self) -> str:
        if not self._channel_due:
            return self._channel()
        try:
            channel = (await self._client.channel_assignment()).channel
        except _NO_ANSWER as error:
            log.debug("the origin does not name the channel of this device: %s", error)
            return self._channel()
        self._channel_due = False
        return channel


def _is_fault(error: SignageError) -> bool:
    """Tell whether something answered that is no origin, or one that does not mean it."""
    if isinstance(error, OriginRefused):
        return error.status not in _MEANT and not error.retry_after_s
    return not isinstance(error, OriginUnreachable) or error.answered
