"""Answers what every device asks once a period, in one exchange: where it belongs, what is newest, what was received.

Its parts are taken one by one: a wrong heartbeat keeps no play from being stored, and plays that cannot be stored now
keep nothing else from being answered.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Any

from pydantic import FailFast, Field, ValidationError

from sync.errors import StorageBroken, StorageFull, TooLarge
from sync.origin.http.origin_memory import Caller
from sync.origin.intake.heartbeat_intake import HeartbeatIntake
from sync.origin.intake.play_intake import PlayIntake
from sync.origin.intake.receipts import LONGEST_DETAIL
from sync.origin.sent_plays.sent_play import Sent, SentExchange
from sync.wire.device_reports import BATCH_LIMIT, BatchAnswer, Heartbeat, HeartbeatAnswer, Receipt
from sync.wire.input.input_messages import one_line, rejected
from sync.wire.live_messages import ExchangeAnswer
from sync.wire.value_types import Wire

RETRY_S = 30.0
"""After how long a device delivers plays again that could not be written, where the error does not say."""


class ReceivedExchange(Wire):
    """An `Exchange` as it came, its heartbeat and plays not checked yet."""

    heartbeat: dict[str, Any] | None = None
    plays: Annotated[tuple[dict[str, Any], ...], FailFast(), Field(max_length=BATCH_LIMIT)] = ()


class Exchanges:
    """Answers exchanges, whichever way they come: without plays, and nothing new of the device, from memory alone.

    `timestamp_hash` returns the hash of a channel's timestamp as it is served now, `fetch_within_s` over how long its
    devices spread it to fetch that; `count` is told of all receipts.
    """

    def __init__(
        self,
        heartbeats: HeartbeatIntake,
        plays: PlayIntake,
        timestamp_hash: Callable[[str], Awaitable[str | None]],
        fetch_within_s: Callable[[str], float],
        count: Callable[[Iterable[Receipt]], None],
    ) -> None:
        self._heartbeats = heartbeats
        self._plays = plays
        self._timestamp_hash = timestamp_hash
        self._fetch_within_s = fetch_within_s
        self._count = count

    async def exchange_document(self, caller: Caller, asked: SentExchange | dict[str, Any]) -> ExchangeAnswer:
        """Do the same with one that was read, or a JSON object that is not checked yet.

        Raises:
            Rejected: it is no `ReceivedExchange`.
        """
        if isinstance(asked, SentExchange):
            return await self.exchange(caller, asked)
        try:
            received = ReceivedExchange.model_validate(asked)
        except ValidationError as error:
            raise rejected(error, ReceivedExchange) from error
        return await self.exchange(caller, received)

    async def exchange(self, caller: Caller, asked: ReceivedExchange | SentExchange) -> ExchangeAnswer:
        """Take what a device reports and delivers, and return the answer to it."""
        assert caller.channel is not None  # every device has one
        heard, refused = await self._hear(caller.id, asked.heartbeat)
        taken, retry_s = await self._take(caller.id, asked.plays)
        return ExchangeAnswer(
            device=caller.id,
            channel=caller.channel,
            timestamp=await self._timestamp_hash(caller.channel),
            fetch_within_s=self._fetch_within_s(caller.channel),
            heartbeat=heard or HeartbeatAnswer(),
            refused=refused,
            plays=taken,
            retry_after_s=retry_s,
        )

    async def _hear(self, device: str, document: dict[str, Any] | None) -> tuple[HeartbeatAnswer | None, str]:
        """Return the answer to a heartbeat, and why it was not taken, if it was not."""
        if document is None:
            return None, ""
        try:
            return await self._heartbeats.submit(device, Heartbeat.model_validate(document)), ""
        except ValidationError as error:
            return None, one_line(rejected(error, Heartbeat))[:LONGEST_DETAIL]
        except TooLarge as error:
            return None, str(error)
        except (StorageFull, StorageBroken):  # it is held, but its machine was not looked at: the next one's is
            return None, ""

    async def _take(self, device: str, plays: Sequence[Sent]) -> tuple[BatchAnswer | None, float]:
        """Return the receipts of plays, or after how long the device is to deliver them again."""
        if not plays:
            return None, 0.0
        try:
            answer = await self._plays.submit(device, plays)
        except (StorageFull, StorageBroken) as error:  # the database has logged it
            return None, error.retry_after_s or RETRY_S
        self._count(answer.receipts)
        return answer, 0.0
