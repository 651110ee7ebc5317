"""The plays of a delivery as one compiled reader makes them of its JSON, a tenth of what the models of pydantic cost.

It takes what players usually send, and refuses everything else: unknown fields, numbers with a point, other texts of a
time, long texts. Whoever calls reads that as a `PlayBatch`, which takes more, and says what is wrong with the rest.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sync.runtime.clock import ClockTrust, instant, unix_ms
from sync.wire.device_reports import BATCH_LIMIT, Outcome, Play, PlayKind, ScreenState
from sync.wire.value_types import count_values

LARGEST_NUMBER = 2**53
"""Above it JSON readers differ, and databases refuse."""

Span = tuple[int, int]
"""Time on a screen, from and to, in Unix milliseconds."""

_Number = Annotated[int, Meta(ge=0, le=LARGEST_NUMBER)]
_FromOne = Annotated[int, Meta(ge=1, le=LARGEST_NUMBER)]
_Offset = Annotated[int, Meta(ge=-1440, le=1440)]
_Short = Annotated[str, Meta(max_length=64)]
_Long = Annotated[str, Meta(max_length=200)]
"""What is checked is remembered, and letters that are not ASCII are escaped one by one: neither may become large."""


class SentPlay(
    msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, dict=True, rename={
        "started": "started_at", "ended": "ended_at"}
):  # fmt: skip
    """The fields of a `Play`, in the order of their names, with the texts of its times.

    Numbers and kinds are as they must be; `is_right` tells whether texts are.
    """

    advertiser: _Long | None = None
    asset: _Short
    boot_id: _Short | None = None
    break_slot: _FromOne | None = None
    campaign: _Short | None = None
    clock: ClockTrust
    clock_age_s: _Number | None = None
    clock_back_ms: _Number | None = None
    clock_state: _Short | None = None
    creative: _Short | None = None
    decision: _Number | None = None
    device: _Short
    end_reason: _Short | None = None
    ended: _Short
    expected_ms: _Number | None = None
    frames_lost: _Number | None = None
    frames_shown: _Number | None = None
    hash: _Short
    item: _Short | None = None
    kind: PlayKind
    line: _Short | None = None
    log_epoch: _Short
    mono_end_ms: _Number | None = None
    mono_start_ms: _Number | None = None
    offset_min: _Offset | None = None
    outcome: Outcome
    output: _Short | None = None
    player: _Short | None = None
    playlist: _Short | None = None
    previous_hash: _Short
    reason: _Long
    relaxed: Annotated[list[_Short], Meta(max_length=64)]
    release: _Short
    rendered_ms: _Number
    resolution: _Short | None = None
    screen: ScreenState
    screen_detail: _Short | None = None
    sequence: _FromOne
    started: _Short
    take: _Short
    title: _Long
    zone: _Short

    @property
    def span(self) -> Span:
        """Return its time.

        Raises:
            ValueError: a text is no time.
        """
        found: Span | None = self.__dict__.get("span")
        if found is None:
            found = _time_ms(self.started), _time_ms(self.ended)
            self.__dict__["span"] = found
        return found


_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z").fullmatch


@lru_cache(4_096)
def _time_ms(text: str) -> int:
    """Return the time in a text; most plays begin when the one before them has ended.

    Raises:
        ValueError: it is no time, or written in another way than players do.
    """
    if not _TIME(text):
        raise ValueError(text)
    return unix_ms(datetime.fromisoformat(text))


AnyPlay = Play | SentPlay


def span_of(play: AnyPlay) -> Span:
    """Return the time of a play."""
    return play.span if isinstance(play, SentPlay) else (unix_ms(play.started_at), unix_ms(play.ended_at))


def moved(play: AnyPlay, span: Span) -> AnyPlay:
    """Return a play with another time."""
    since, until = map(instant, span)
    if isinstance(play, SentPlay):
        started, ended = (f"{each.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z" for each in (since, until))
        return msgspec.structs.replace(play, started=started, ended=ended)
    return play.model_copy(update={"started_at": since, "ended_at": until})


class SentBatch(msgspec.Struct, forbid_unknown_fields=True):
    """A `PlayBatch` of plays that are read."""

    plays: Annotated[list[SentPlay], Meta(max_length=BATCH_LIMIT)]


class SentExchange(msgspec.Struct, forbid_unknown_fields=True):
    """An `Exchange`; its heartbeat is not checked yet."""

    plays: Annotated[list[SentPlay], Meta(max_length=BATCH_LIMIT)]
    heartbeat: dict[str, Any] | None = None


class SentExchangeMessage(msgspec.Struct, forbid_unknown_fields=True, tag_field="topic", tag="exchange"):
    """An `ExchangeMessage`; the heartbeat of its exchange is not checked yet."""

    number: _Number
    exchange: SentExchange


Sent = SentPlay | Mapping[str, Any]
"""A play that was read, or its document."""


def read_batch(raw: bytes, most_values: int) -> SentBatch | None:
    """Return the plays of a delivery; None: it is to be read as a `PlayBatch`."""
    if len(raw) > most_values and count_values(raw) > most_values:
        return None
    try:
        return _BATCHES.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def read_exchange(raw: bytes, most_values: int) -> SentExchange | None:
    """Return an exchange; None: it is to be read in another way."""
    if len(raw) > most_values and count_values(raw) > most_values:
        return None
    try:
        return _EXCHANGES.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def read_exchange_message(raw: bytes, most_values: int) -> SentExchangeMessage | None:
    """Return an exchange that came over a live connection; None: it is something else, or to be read in another way."""
    if len(raw) > most_values and count_values(raw) > most_values:
        return None
    try:
        return _EXCHANGE_MESSAGES.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def read_plays(documents: Sequence[Sent]) -> Sequence[Sent]:
    """Return plays that may have come as objects of JSON; all of them as they came if one is unusual."""
    try:
        return msgspec.convert(documents, list[SentPlay])
    except (msgspec.ValidationError, RecursionError):
        return documents


def as_document(sent: Sent) -> Mapping[str, Any]:
    """Return a play as an object of JSON, without its empty fields where it was read."""
    if not isinstance(sent, SentPlay):
        return sent
    found: dict[str, Any] = msgspec.to_builtins(sent)
    return found


_BATCHES = msgspec.json.Decoder(SentBatch)
_EXCHANGES = msgspec.json.Decoder(SentExchange)
_EXCHANGE_MESSAGES = msgspec.json.Decoder(SentExchangeMessage)
