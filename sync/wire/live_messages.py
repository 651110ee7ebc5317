"""What a device and its origin say once a period, and what they say at any time over the live connection.

A device asks `POST /v1/exchange` or, while it has a live connection (`GET /v1/live`), sends the same `Exchange` there.
Over it the origin sends hints, and the device says what it shows. A message of an unknown kind is ignored.
"""

from typing import Annotated, Any, Literal

from pydantic import FailFast, Field

from sync.wire.device_reports import BATCH_LIMIT, BatchAnswer, Heartbeat, HeartbeatAnswer, OnAir
from sync.wire.value_types import Identifier, Sha256, Wire

LARGEST_MESSAGE_BYTES = 1024 * 1024
"""The largest message that a device sends over its live connection. Who sends more is disconnected (code 1009)."""

Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Exchange(Wire):
    """What a device reports and delivers; what it leaves out is not asked for. Each part is taken by itself.

    `plays` are taken as those of a `PlayBatch`.
    """

    heartbeat: Heartbeat | None = None
    plays: Annotated[tuple[dict[str, Any], ...], FailFast(), Field(max_length=BATCH_LIMIT)] = ()


class ExchangeAnswer(Wire):
    """What the origin says to an `Exchange`.

    `timestamp` is the hash of the `timestamp.json` of the channel; a device fetches and checks that signed file when
    the hash is another than that of its own, spread over `fetch_within_s`, and at least hourly whatever is said here.
    `refused` says what is wrong with the heartbeat, which then was not taken; it concerns nothing else.
    `plays` is None if none came, or if they could not be stored: then they are delivered again after `retry_after_s`.
    """

    device: Identifier
    channel: Identifier
    timestamp: Sha256 | None = None  # None: nothing is published, or not known yet
    fetch_within_s: Seconds = 0.0
    heartbeat: HeartbeatAnswer = HeartbeatAnswer()
    refused: str = ""
    plays: BatchAnswer | None = None
    retry_after_s: Seconds = 0.0


class Hint(Wire):
    """A message from the origin over the live connection: something of this topic has changed.

    `release`: a channel has a newer release, to be fetched at a random moment within `within_s` (0: now).
    `channel`: the device belongs to another channel; the connection is closed after it.
    `welcome`: the first message; a device whose connection ends comes back at a random moment within `within_s`.
    `exchange`: the answer to the exchange that the device sent with the same `number`; with `status` 200 in `answer`,
    else `detail` says what is wrong, and `retry_after_s` when to try again. A page is told other things, see
    `docs/live-messages.md`.
    """

    topic: str
    channel: Identifier | None = None
    sequence: int | None = None
    within_s: Seconds = 0.0
    number: int | None = None
    status: int = 200
    answer: ExchangeAnswer | None = None
    detail: str = ""
    retry_after_s: Seconds = 0.0


class ExchangeMessage(Wire):
    """An exchange over the live connection; `number` counts those of one connection."""

    topic: Literal["exchange"] = "exchange"
    number: Annotated[int, Field(ge=0, le=2**53)]
    exchange: Exchange


class OnAirMessage(Wire):
    """What a device shows from now on. It is state: lost without harm, and never written to a database."""

    topic: Literal["on_air"] = "on_air"
    on_air: OnAir | None = None
    next_title: Annotated[str, Field(max_length=500)] = ""
